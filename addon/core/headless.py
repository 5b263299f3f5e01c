"""The host without Anki: one collection file, one worker thread."""

from __future__ import annotations

import logging
from collections.abc import Collection as Ids
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Callable, Optional, TypeVar

from anki import buildinfo, lang
from anki.collection import Collection, OpChanges

from .errors import NeedsWindow, Unavailable

log = logging.getLogger("ankiconnect")

T = TypeVar("T")


class HeadlessHost:
    """Serves the collection file at `path`, which is made if missing.

    Raises anki.errors.DBError when another program has the collection open.
    """

    anki_version = buildinfo.version

    def __init__(self, path: Path) -> None:
        lang.set_lang("en_US")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="collection")
        self._closed = False
        self._col = self._worker.submit(Collection, str(path)).result()
        self._name = path.stem

    def profile(self) -> Optional[str]:
        """There are no profiles here; the file's name tells collections apart."""
        return self._name

    def profiles(self) -> list[str]:
        return [self._name]

    def is_ready(self) -> bool:
        return not self._closed

    def on_collection(self, work: Callable[[Collection], T]) -> T:
        def job() -> T:
            if self._closed:
                raise Unavailable()
            return work(self._col)

        try:
            running = self._worker.submit(job)
        except RuntimeError:  # the worker was shut down
            raise Unavailable() from None
        return running.result()

    def on_window(self, work: Callable[[], T]) -> T:
        raise NeedsWindow()

    def undisturbed(self, work: Callable[[], T]) -> T:
        return work()

    def editing(self, notes: Optional[Ids[int]]) -> AbstractContextManager[None]:
        return nullcontext()

    def changed(self, changes: OpChanges) -> None:
        pass

    def ask_permission(self, origin: str) -> bool:
        return False

    def tell(self, text: str) -> None:
        log.warning(text)

    def close(self) -> None:
        """Finish the action that runs, refuse the ones that wait, and close the collection."""
        if not self._closed:
            self._closed = True
            self._worker.submit(self._col.close).result()
            self._worker.shutdown()
