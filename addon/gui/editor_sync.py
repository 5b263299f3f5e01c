"""Open note editors, kept in step with what the API writes.

An editor of Anki holds a copy of its note and saves that copy whole, fields that nobody touched included.
Left alone, it would put an old text back over a change of the API. So around each write:

    before it      what was typed into the notes concerned is saved, an entry of its own in the Edit menu
    right after    on the collection's thread, where no save comes between, the copies take over the change
    then           on the main thread, their web views get what changed and nothing else, since loading
                   them anew would drop letters that are being typed, and move the cursor

A save that is under way at that moment writes the copy as it is by then, the change included.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Collection as Ids
from concurrent.futures import Future
from typing import Any, Optional

from anki.collection import Collection, OpChanges
from aqt import gui_hooks
from aqt.qt import QApplication, QTimer, qconnect

from .editor_copy import EditorCopy, save_unsaved
from .editor_saving import HandOver, prepare
from .editor_state import UNLIKE, KnownEditor

log = logging.getLogger("ankiconnect")

# For a web view that hangs. What it has not handed over by then lands when it does, after the write.
_MAX_MS = 30_000


class Editors:
    """The editors of all windows: Anki's own, ours, and those of other add-ons. Made on the main thread."""

    def __init__(self) -> None:
        # Replaced, never changed, so that any thread may read it.
        self._known: tuple[KnownEditor, ...] = ()
        self._asked: dict[int, HandOver] = {}
        self._numbers = itertools.count()
        gui_hooks.editor_did_init.append(self._add)
        gui_hooks.editor_will_load_note.append(self._on_load)
        gui_hooks.editor_did_load_note.append(self._on_loaded)
        gui_hooks.webview_did_receive_js_message.append(self._on_message)

    def _add(self, editor: Any) -> None:
        try:
            known = KnownEditor(editor)
        except TypeError:
            log.warning(UNLIKE, type(editor).__qualname__)
        else:
            self._known = (*(known for known in self._known if known.editor() is not None), known)

    def _find(self, editor: Any) -> Optional[KnownEditor]:
        if editor is None:
            return None
        return next((known for known in self._known if known.editor() is editor), None)

    def _on_load(self, script: str, note: Any, editor: Any) -> str:
        known = self._find(editor)
        if known is not None:
            try:
                # The web view tells by itself: Anki's hook is not called when the note is gone by then.
                return f"{script}\nbridgeCommand('ankiconnect:loaded::{known.will_load(note)}');"
            except Exception:
                known.report()
        return script

    def _on_loaded(self, editor: Any) -> None:
        known = self._find(editor)
        if known is not None:
            try:
                prepare(editor)
            except Exception:
                known.report()

    def _on_message(self, handled: Any, message: Any, context: Any) -> Any:
        # Other add-ons pass on whatever they like. Anki takes a hook that fails out of its list.
        known = self._find(context)
        if known is None or not isinstance(message, str) or _is_handled(handled):
            return handled
        try:
            if message.startswith("ankiconnect:saved:"):
                asked = self._asked.get(int(message.rpartition(":")[2]))
                if asked:
                    asked.end()
                return True, None
            return (True, None) if known.receive(message) else handled
        except Exception:
            known.report()
            return handled

    def showing(self, notes: Optional[Ids[int]]) -> list[Any]:
        """The open editors of these notes; for None all, those of new notes included. For any thread."""
        return [known.editor() for known in self._showing(notes)]

    def _showing(self, notes: Optional[Ids[int]]) -> list[KnownEditor]:
        shown = [(known, known.note_id) for known in self._known]
        return [known for known, note in shown if note is not None and (notes is None or note in notes)]

    def save(
        self, notes: Optional[Ids[int]], *, tags_too: bool = False, spared: Optional[Any] = None
    ) -> Future[None]:
        """Have the editors of these notes, or of any for None, save what was typed. Main thread.

        Done when all but the `spared` one have. Nobody waits for one that never will, nor again for one
        that hangs. A tag that is being typed goes on, unless `tags_too`, for windows that load anew.
        """
        done: Future[None] = Future()
        left = {
            next(self._numbers): known
            for known in self._showing(notes)
            if not (known.hangs or known.gone == known.note_id or known.editor() is spared)
        }

        def ended(number: int, known: KnownEditor) -> None:
            self._asked.pop(number, None)
            known.hangs = False
            left.pop(number, None)
            if not left:
                finish()

        def give_up() -> None:
            for known in left.values():
                known.hangs = True
                log.warning("an editor has not saved what was typed within %d s", _MAX_MS // 1000)
            finish()

        def finish() -> None:
            if not done.done():
                timer.stop()
                timer.deleteLater()  # or it and these functions would keep each other
                done.set_result(None)

        timer = QTimer()
        timer.setSingleShot(True)
        qconnect(timer.timeout, give_up)
        timer.start(_MAX_MS)
        if not left:
            finish()
        for number, known in list(left.items()):
            asked = self._asked[number] = HandOver(functools.partial(ended, number, known))
            try:
                asked.start(known.editor(), number, tags_too=tags_too)
            except Exception:
                known.report()
                asked.end()
        return done

    def save_unsaved(self, col: Collection) -> OpChanges:
        """Save what was handed over, but waits for the collection's thread. On its thread."""
        changes = OpChanges()
        for known in self._known:
            for note in known.waiting():
                try:
                    saved = save_unsaved(known, note, col)
                except Exception:
                    known.report()
                else:
                    changes.MergeFrom(saved or OpChanges())
        return changes

    def copies(self, col: Collection) -> list[EditorCopy]:
        """What the editors hold of notes in the collection, to be compared after a write. On its thread."""
        copies = []
        for known in self._showing(None):
            try:
                if known.note_id:
                    copies.append(EditorCopy(known, col))
            except Exception:
                known.report()
        # Those of notes that an editor has left, and Anki has yet to save.
        for known in self._known:
            for note in known.waiting():
                if note is not getattr(known.editor(), "note", None):
                    copies.append(EditorCopy(known, col, note))
        return copies

    def typed_in(self, *, types_changed: bool) -> Optional[Any]:
        """The editor that has the keyboard, unless its note is gone or the type is another. Main thread."""
        focus = QApplication.focusWidget()
        if focus is None:
            return None
        known = next((known for known in self._showing(None) if known.holds(focus)), None)
        if known is None or known.gone == known.note_id or (types_changed and not known.shows_its_type()):
            return None
        return known.editor()


def _is_handled(handled: Any) -> bool:
    """Whether a hook of another add-on has taken a message, or returned what is no answer of a hook."""
    return not isinstance(handled, tuple) or not handled or bool(handled[0])
