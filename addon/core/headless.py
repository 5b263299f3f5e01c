"""The host without Anki: one collection file, one worker thread."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Optional, TypeVar

from anki import buildinfo, lang
from anki.collection import Collection, OpChanges

from .accounts import PasswordAccount, SyncAccount
from .backups import Backups
from .errors import NeedsWindow, Unavailable
from .syncing import Syncer

log = logging.getLogger("ankiconnect")

T = TypeVar("T")

_WAIT_SECONDS = 2.0  # for a collection that is closed for a full sync
_SYNC_SECONDS = 2.0  # for a sync that is running when the server stops


class HeadlessHost:
    """Serves the collection file at `path`, which is made if missing, and syncs it with `account`.

    Raises anki.errors.DBError when another program has the collection open.
    """

    anki_version = buildinfo.version

    def __init__(self, path: Path, account: Optional[SyncAccount] = None) -> None:
        lang.set_lang("en_US")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="collection")
        self._closed = False
        self._open = threading.Event()  # cleared while a full sync has it closed
        self._col = self._worker.submit(Collection, str(path)).result()
        self._open.set()
        self._name = path.stem
        self.backups = Backups(lambda: path.parent / "backups")
        self.syncer = Syncer(self, PasswordAccount(account))

    def profile(self) -> Optional[str]:
        """There are no profiles here; the file's name tells collections apart."""
        return self._name

    def profiles(self) -> list[str]:
        return [self._name]

    def is_ready(self) -> bool:
        return not self._closed and self._open.is_set()

    def on_collection(self, work: Callable[[Collection], T]) -> T:
        if not self._open.wait(_WAIT_SECONDS):
            raise Unavailable()
        return self._on_worker(lambda: work(self._col))

    def on_window(self, work: Callable[[], T]) -> T:
        raise NeedsWindow()

    def undisturbed(self, work: Callable[[], T]) -> T:
        return work()

    def full_sync(self, work: Callable[[Collection], T]) -> T:
        def job() -> T:
            try:
                return work(self._col)
            finally:
                if self._col.db is None:
                    self._col.reopen(after_full_sync=True)

        self._open.clear()
        try:
            return self._on_worker(job)
        finally:
            self._open.set()

    def changed(self, changes: OpChanges) -> None:
        pass

    def tell(self, text: str) -> None:
        log.warning(text)

    def close(self) -> None:
        """Finish the action that runs, refuse the ones that wait, and close the collection.

        A sync that takes longer than some seconds is aborted, which leaves both sides as they were.
        """
        if not self._closed:
            self._closed = True
            self.syncer.stop(_SYNC_SECONDS)
            self._worker.submit(self._col.close).result()
            self._worker.shutdown()

    def _on_worker(self, work: Callable[[], T]) -> T:
        def job() -> T:
            if self._closed:
                raise Unavailable()
            return work()

        try:
            running = self._worker.submit(job)
        except RuntimeError:  # the worker was shut down
            raise Unavailable() from None
        return running.result()
