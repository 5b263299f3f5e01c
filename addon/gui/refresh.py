"""Open windows are told what changed: once per burst."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from typing import Any, Optional

from anki.collection import OpChanges
from aqt import gui_hooks
from aqt.main import AnkiQt
from aqt.qt import QApplication, QTimer, qconnect

from ..core.private_api import private
from .editor_sync import Editors
from .review_screen import Concern, ReviewScreen

private("aqt.operations", "on_op_finished", otherwise="other add-ons' old hooks miss what programs change")
private(
    "aqt.browser.previewer",
    "Previewer._last_state",
    otherwise="a preview misses the second change within a second",
)

log = logging.getLogger("ankiconnect")

_IDLE_MS = 250
_LATEST_SECONDS = 2.0
_ATTEMPTS = 3


class Refresh:
    """Has open windows show what changed: 250 ms after a burst's last change, 2 s after its first at most.

    A refresh after each request would cost more than the requests: the deck list alone asks the
    collection for its whole tree. For the main thread.
    """

    def __init__(self, mw: AnkiQt, editors: Editors, review: ReviewScreen) -> None:
        self._mw = mw
        self._editors = editors
        self._review = review
        self._concerns: list[Optional[Concern]] = []
        self._changes: Optional[OpChanges] = None
        self._since = 0.0
        self._flushed: Optional[Future[None]] = None  # while editors save what was typed
        self._timer = QTimer(mw)
        self._timer.setSingleShot(True)
        qconnect(self._timer.timeout, self.flush)

    def add(self, changes: OpChanges, concern: Optional[Concern]) -> None:
        """Have the windows told of changes soon, or now if the card under review is not to be answered.

        `concern` is what the changes mean for that card; None has Anki's reviewer find out.
        """
        if self._changes is None:
            self._changes = OpChanges()
            self._since = time.monotonic()
        self._changes.MergeFrom(changes)
        self._concerns.append(concern)
        if (concern and concern.is_urgent) or time.monotonic() - self._since >= _LATEST_SECONDS:
            self.flush()
        else:
            self._timer.start(_IDLE_MS)

    def flush(self) -> Future[None]:
        """Tell all windows now, or as soon as the editors that load anew have saved what was typed.

        The editor that a person types in is up to date already, and is spared: loading it again would drop
        the letters of the last moment and move the cursor.
        """
        self._timer.stop()
        if self._flushed is not None:  # under way
            return self._flushed
        flushed: Future[None] = Future()
        self._flushed = flushed
        self._save_and_tell()
        return flushed

    def _save_and_tell(self) -> None:
        spared = self._spared()
        if self._changes is None or all(editor is spared for editor in self._editors.showing(None)):
            self._tell(spared)
            return

        def tell(_saved: Future[None]) -> None:
            if self._spared() is spared:
                self._tell(spared)
            else:
                self._save_and_tell()

        def follow(_handed_over: Future[None]) -> None:
            # Anki saves on the collection's thread; until then, a window would load what was stored before.
            try:
                self._mw.taskman.run_in_background(lambda: None, tell)
            except RuntimeError:  # Anki is exiting
                self._tell(spared)

        self._editors.save(None, tags_too=True, spared=spared).add_done_callback(follow)

    def _spared(self) -> Optional[Any]:
        if self._changes is None:
            return None
        return self._editors.typed_in(types_changed=self._changes.notetype)

    def _tell(self, spared: Optional[Any]) -> None:
        self._timer.stop()
        changes, self._changes = self._changes, None
        concerns, self._concerns = self._concerns, []
        # Another add-on can ask the person something when it hears; what comes meanwhile is told as well.
        flushed, self._flushed = self._flushed, None
        try:
            if changes is not None and self._mw.col is not None:
                self._tell_of(changes, concerns, spared)
        finally:
            if flushed is not None:
                flushed.set_result(None)

    def _tell_of(
        self, changes: OpChanges, concerns: list[Optional[Concern]], spared: Optional[Any]
    ) -> None:
        _forget_previews()
        # Anki runs the hooks of other add-ons here, whose failure is not the request's. Anki takes a hook
        # that fails out of its list and does not run the ones behind it, so all run once more without it.
        for _ in range(_ATTEMPTS):
            try:
                with self._review.told_only(concerns):
                    _tell_windows(self._mw, changes, spared)
            except Exception:
                log.exception("a window could not be refreshed")
            else:
                break
        if changes.study_queues:
            self._review.recount()


def _tell_windows(mw: AnkiQt, changes: OpChanges, spared: Optional[Any]) -> None:
    try:
        from aqt.operations import on_op_finished
    except ImportError:
        mw.update_undo_actions()
        gui_hooks.operation_did_execute(changes, spared)
    else:
        on_op_finished(mw, changes, spared)


def _forget_previews() -> None:
    """Previewers tell changes by the note's time in whole seconds, and would miss the second within one."""
    try:
        from aqt.browser.previewer import Previewer
    except ImportError:
        return
    for window in QApplication.topLevelWidgets():
        if isinstance(window, Previewer):
            window._last_state = None
