"""Syncing inside Anki: the profile's account, Anki's hooks, and windows that show what has come."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Callable, Optional

from anki.collection import Collection
from anki.sync import SyncAuth
from aqt import gui_hooks
from aqt.main import AnkiQt
from aqt.qt import QTimer, qconnect

from ..core.private_api import private

if TYPE_CHECKING:
    from .runtime import QtRuntime

private("aqt.sync", "on_full_sync_timer", "fullSync")
private("anki.collection", "Collection._load_scheduler", otherwise="due counts may be old after a sync")
private("anki.models", "ModelManager._clear_cache", otherwise="note types may be old after a sync")

log = logging.getLogger("ankiconnect")

_PROGRESS_MS = 150


class ProfileAccount:
    """The account of the open profile. Made on the main thread, once."""

    def __init__(self, mw: AnkiQt, runtime: QtRuntime) -> None:
        self._mw = mw
        self._runtime = runtime
        self._ours = False  # the sync that the hooks tell of
        self._theirs = False
        gui_hooks.sync_will_start.append(self._on_start)
        gui_hooks.sync_did_finish.append(self._on_finish)
        gui_hooks.collection_did_load.append(self._on_finish)

    @property
    def endpoint(self) -> Optional[str]:
        return self._mw.pm.sync_endpoint()

    @property
    def with_media(self) -> bool:
        return self._mw.pm.media_syncing_enabled()

    @property
    def timeout(self) -> int:
        return self._mw.pm.network_timeout()

    def auth(self, col: Collection) -> Optional[SyncAuth]:
        return self._mw.pm.sync_auth()

    def forget(self) -> None:
        """Anki itself asks the person anew when its own sync meets that."""

    def moved(self, endpoint: str) -> None:
        self._runtime.on_main_thread(lambda: self._mw.pm.set_current_sync_url(endpoint))

    def is_busy(self) -> bool:
        return self._theirs or self._mw.media_syncer.is_syncing()

    def show_activity(self, active: bool) -> None:
        self._runtime.on_main_thread(lambda: self._mw.toolbar.set_sync_active(active))

    def save_typed(self) -> None:
        self._runtime.save_editors(None)

    def will_sync(self) -> None:
        def start() -> None:
            self._ours = True
            gui_hooks.sync_will_start()

        self._runtime.on_main_thread(start)
        self.save_typed()

    def did_sync(self) -> None:
        self._runtime.on_main_thread(self._show_what_came)

    def _show_what_came(self) -> Optional[Future[None]]:
        mw = self._mw
        try:
            if mw.col is None or mw.col.db is None:
                return None
            _renew_what_anki_keeps(mw.col)
            gui_hooks.sync_did_finish()
            mw.toolbar.redraw()
            mw.flags.require_refresh()
            return self._runtime.refresh_all()
        finally:
            self._ours = False

    def _on_start(self) -> None:
        self._theirs = not self._ours

    def _on_finish(self, *_: Any) -> None:
        self._theirs = False


def _renew_what_anki_keeps(col: Collection) -> None:
    try:
        col._load_scheduler()
        col.models._clear_cache()
    except AttributeError:  # the sync is done all the same
        log.exception("what Anki keeps in memory can't be renewed after a sync")


def full_sync(mw: AnkiQt, work: Callable[[Collection], Any]) -> Future[Any]:
    """Run `work`, which closes the collection, in the way of Anki's own full sync. For the main thread.

    Anki's progress window keeps people and timers off the collection; it shows up if this takes long.
    """
    from aqt.sync import on_full_sync_timer

    finished: Future[Any] = Future()
    timer = QTimer(mw)
    qconnect(timer.timeout, lambda: on_full_sync_timer(mw, "AnkiConnect"))

    def reopen(done: Future[Any]) -> None:
        timer.stop()
        timer.deleteLater()
        try:
            if mw.col.db is None:
                mw.reopen(after_full_sync=True)
            else:
                gui_hooks.collection_did_temporarily_close(mw.col)
            mw.reset()
            finished.set_result(done.result())
        except BaseException as error:
            finished.set_exception(error)

    gui_hooks.collection_will_temporarily_close(mw.col)
    timer.start(_PROGRESS_MS)
    mw.taskman.with_progress(lambda: work(mw.col), reopen)
    return finished
