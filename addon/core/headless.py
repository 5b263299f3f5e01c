"""The runtime without Anki: one collection file, one worker thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection as Ids
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar

from anki import buildinfo, lang
from anki.collection import Collection, OpChanges

from .backups import Backups
from .errors import NeedsWindow, Unavailable
from .private_api import private
from .sync.account import PasswordAccount, SyncAccount
from .sync.engine import Syncer

_LOST = "no start with another media folder"
private("anki._backend", "RustBackend", otherwise=_LOST)
private("anki.media", "MediaManager._dir", otherwise=_LOST)

log = logging.getLogger("ankiconnect")

T = TypeVar("T")

_WAIT_SECONDS = 2.0  # for a collection that is closed for a full sync
PATIENCE_SECONDS = 3.5  # with what runs when the server stops
_ASK_AGAIN_SECONDS = 0.02


class HeadlessRuntime:
    """Serves the collection file at `path`, which is made if missing, and syncs it with `account`.

    Media are kept in `media`, or beside the collection as Anki does. Raises anki.errors.DBError when
    another program has the collection open.
    """

    anki_version = buildinfo.version

    def __init__(
        self, path: Path, media: Optional[Path] = None, account: Optional[SyncAccount] = None
    ) -> None:
        lang.set_lang("en_US")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="collection")
        self._closed = False
        self.is_broken = False  # Anki's backend has panicked
        self.on_panic: Callable[[], None] = lambda: None
        self._open = threading.Event()  # cleared while a full sync has it closed
        self._asked: set[Future[Any]] = set()
        self._col = self._worker.submit(_opened, path, media).result()
        self._open.set()
        self._name = path.stem
        self.backups = Backups(lambda: path.parent / "backups")
        self.syncer = Syncer(self, PasswordAccount(account))

    def profile(self) -> Optional[str]:
        """There are no profiles here; the file's name tells collections apart."""
        return self._name

    def profiles(self) -> list[str]:
        return [self._name]

    def collection(self) -> Optional[Collection]:
        return self._col if self.is_ready() else None

    def is_ready(self) -> bool:
        return not self._closed and not self.is_broken and self._open.is_set()

    def is_closing(self) -> bool:
        return self._closed

    def run_on_collection(self, work: Callable[[Collection], T]) -> T:
        if not self._open.wait(_WAIT_SECONDS):
            raise Unavailable()
        return self._on_worker(lambda: work(self._col))

    def run_on_main(self, work: Callable[[], T]) -> T:
        raise NeedsWindow()

    def run_exclusively(self, work: Callable[[], T]) -> T:
        return work()

    def sync_editors(self, notes: Optional[Ids[int]]) -> AbstractContextManager[None]:
        return nullcontext()

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

    def will_change(self, *, undoing: bool = False) -> None:
        pass

    def notify_changes(self, changes: OpChanges, *, undone: bool = False) -> None:
        pass

    def panicked(self) -> None:
        """Refuse all further requests, and tell `on_panic` once: only another process can serve them."""
        if not self.is_broken:
            self.is_broken = True
            self.on_panic()

    def ask_permission(self, origin: str) -> bool:
        return False

    def notify_user(self, text: str) -> None:
        log.warning(text)

    def close(self, patience: float = PATIENCE_SECONDS) -> None:
        """Finish the action that runs, refuse the ones that wait, and close the collection.

        What runs for longer than `patience` seconds is asked to give up, and fails with Anki's error for
        that. Imports, exports and syncs can; anything else is waited for, however long it takes.
        """
        if self._closed:
            return
        self._closed = True
        for future in list(self._asked):
            future.cancel()  # all but the one that runs
        deadline = time.monotonic() + patience
        self.syncer.stop(patience)
        closing = self._worker.submit(self._col.close)
        while not wait([closing], max(_ASK_AGAIN_SECONDS, deadline - time.monotonic())).done:
            # Again and again, since every operation of Anki begins with forgetting it.
            self._col.set_wants_abort()
        self._worker.shutdown()
        closing.result()

    def _on_worker(self, work: Callable[[], T]) -> T:
        def job() -> T:
            if self._closed or self.is_broken:
                raise Unavailable()
            return work()

        if self._closed or self.is_broken:
            raise Unavailable()
        try:
            future = self._worker.submit(job)
        except RuntimeError:  # the worker was shut down
            raise Unavailable() from None
        self._asked.add(future)
        try:
            return future.result()
        except CancelledError:  # by `close`
            raise Unavailable() from None
        finally:
            self._asked.discard(future)


def _opened(path: Path, media: Optional[Path]) -> Collection:
    if media is None:
        return Collection(str(path))
    from .media.folder import opened_with_media

    return opened_with_media(path, media)
