"""Open note editors, kept in step with what the API writes.

An editor of Anki holds a copy of its note and saves that copy whole, fields that nobody touched included.
Left alone, it would put an old text back over a change of the API. So around each write:

    before it      what was typed into the notes concerned is saved, an entry of its own in the Edit menu
    right after    on the collection's lane, where no save can come between, the copies take over the change
    then           on the main thread, their web views get what changed and nothing else, since loading
                   them anew would drop letters that are being typed, and move the cursor

A save that is under way at that moment writes the copy as it is by then, the change included.

A web view sends back what it was given, as if it had been typed, and the editor would save its copy for
that: of two editors of one note, the one would put back what was typed into the other a moment ago. So
what the copy holds already is not taken as typed.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import logging
import weakref
from collections.abc import Collection as Ids
from concurrent.futures import Future
from typing import Any, Optional

from anki.collection import Collection
from anki.errors import NotFoundError
from anki.notes import Note
from aqt import gui_hooks
from aqt.qt import QApplication, QTimer, QWidget, qconnect

from .handover import HandOver, run_after_saving

log = logging.getLogger("ankiconnect")

_SET = """
if (getNoteId() !== %d) return;
const fields = require("anki/NoteEditor").instances[0].fields;
for (const [order, text] of %s) fields[order].editingArea.content.set(text);
const tags = %s;
if (tags) setTags(tags);
"""
_UNLIKE = "a %s of another add-on is not an editor like Anki's"
# For a web view that hangs. What it has not handed over by then lands when it does, after the write.
_LONGEST_MS = 30_000


class _Known:
    """What Anki's hook has told of: an editor of Anki's own, of ours, or any object of another add-on."""

    def __init__(self, editor: Any) -> None:
        self.editor = weakref.ref(editor)
        self.hangs = False  # has kept somebody waiting too long, and has not answered since
        self._odd = False

    @property
    def note_id(self) -> Optional[int]:
        """The note that it shows, 0 for a new one; None while it shows none. For any thread."""
        try:
            return _note_id(self.editor())
        except Exception:
            self.report()
            return None

    def holds(self, widget: QWidget) -> bool:
        """Whether a widget is part of its web view. Main thread."""
        try:
            web = self.editor().web  # type: ignore[union-attr]
            return web is widget or bool(web.isAncestorOf(widget))
        except Exception:
            self.report()
            return False

    def report(self) -> None:
        """Log the error that is being handled, if it is the first of this editor, which is still open."""
        editor = self.editor()
        with contextlib.suppress(Exception):
            if editor is None or editor.web is None:
                return
        if not self._odd:
            self._odd = True
            log.warning(_UNLIKE, type(editor).__qualname__, exc_info=True)


class Editors:
    """The editors of all windows: Anki's own, ours, and those of other add-ons. Made on the main thread."""

    def __init__(self) -> None:
        # Replaced, never changed, so that any thread may read it.
        self._known: tuple[_Known, ...] = ()
        self._asked: dict[int, HandOver] = {}
        self._numbers = itertools.count()
        gui_hooks.editor_did_init.append(self._add)
        gui_hooks.webview_did_receive_js_message.append(self._on_message)

    def _add(self, editor: Any) -> None:
        try:
            known = _Known(editor)
        except TypeError:
            log.warning(_UNLIKE, type(editor).__qualname__)
        else:
            self._known = (*(known for known in self._known if known.editor() is not None), known)

    def _on_message(self, handled: Any, message: Any, context: Any) -> Any:
        # Other add-ons pass on whatever they like. Anki takes a hook that fails out of its list.
        known = next((known for known in self._known if known.editor() is context), None)
        if known is None or context is None or not isinstance(message, str) or _is_handled(handled):
            return handled
        try:
            if message.startswith("ankiconnect:saved:"):
                asked = self._asked.get(int(message.rpartition(":")[2]))
                if asked:
                    asked.end()
                return True, None
            return (True, None) if _is_echo(message, context) else handled
        except Exception:
            known.report()
            return handled

    def showing(self, notes: Optional[Ids[int]]) -> list[Any]:
        """The open editors of these notes; for None all, those of new notes included. For any thread."""
        return [known.editor() for known in self._showing(notes)]

    def _showing(self, notes: Optional[Ids[int]]) -> list[_Known]:
        shown = [(known, known.note_id) for known in self._known]
        return [known for known, note in shown if note is not None and (notes is None or note in notes)]

    def save(self, notes: Optional[Ids[int]]) -> Future[None]:
        """Have the editors of these notes, or of any for None, save what was typed. Main thread.

        Done when all have. Nobody waits for one that never will, nor again for one that hangs.
        """
        done: Future[None] = Future()
        left = {next(self._numbers): known for known in self._showing(notes) if not known.hangs}

        def ended(number: int, known: _Known) -> None:
            self._asked.pop(number, None)
            known.hangs = False
            left.pop(number, None)
            if not left:
                finish()

        def give_up() -> None:
            for known in left.values():
                known.hangs = True
                log.warning("an editor has not saved what was typed within %d s", _LONGEST_MS // 1000)
            finish()

        def finish() -> None:
            if not done.done():
                timer.stop()
                timer.deleteLater()  # or it and these functions would keep each other
                done.set_result(None)

        timer = QTimer()
        timer.setSingleShot(True)
        qconnect(timer.timeout, give_up)
        timer.start(_LONGEST_MS)
        if not left:
            finish()
        for number, known in list(left.items()):
            asked = self._asked[number] = HandOver(functools.partial(ended, number, known))
            try:
                asked.start(known.editor(), number)
            except Exception:
                known.report()
                asked.end()
        return done

    def copies(self, col: Collection) -> list[EditorCopy]:
        """What the editors hold of notes in the collection, to be compared after a write. On the lane."""
        copies = []
        for known in self._showing(None):
            try:
                if known.note_id:
                    copies.append(EditorCopy(known, col))
            except Exception:
                known.report()
        return copies

    def typed_in(self) -> Optional[Any]:
        """The editor that has the keyboard. Main thread."""
        focus = QApplication.focusWidget()
        if focus is None:
            return None
        return next((known.editor() for known in self._showing(None) if known.holds(focus)), None)


class EditorCopy:
    """An editor's copy of a note, and what it held before a write."""

    def __init__(self, known: _Known, col: Collection) -> None:
        self._known = known
        self._editor: Any = known.editor()
        self._note_id = _note_id(self._editor)
        self._gone = False
        self._loads_all = False
        self._changed: dict[int, str] = {}
        self._changed_tags: Optional[list[str]] = None
        self._note: Optional[Note] = getattr(self._editor, "note", None)
        held = self._note
        if held is None:  # Anki's newer editor keeps its copy in the web view alone, and saves at once
            with contextlib.suppress(NotFoundError):
                held = col.get_note(self._note_id)  # type: ignore[arg-type]
        self._fields, self._tags = (list(held.fields), list(held.tags)) if held else ([], [])

    def take_over(self, col: Collection) -> bool:
        """Put what has changed in the collection into the copy. False if nothing has. On the lane."""
        try:
            return self._take_over(col)
        except Exception:
            self._known.report()
            return False

    def _take_over(self, col: Collection) -> bool:
        note = self._note
        try:
            stored = col.get_note(self._note_id)  # type: ignore[arg-type]
        except NotFoundError:
            self._gone = True
            return True
        if note is None:
            return (stored.fields, stored.tags) != (self._fields, self._tags)
        if stored.mid != note.mid or len(stored.fields) != len(self._fields):
            self._loads_all = True
            note.load()
            return True
        for order, (before, now) in enumerate(zip(self._fields, stored.fields)):
            if now != before:  # the others may hold what was typed this very moment
                note.fields[order] = self._changed[order] = now
        if stored.tags != self._tags:
            note.tags = self._changed_tags = stored.tags
        note.mod, note.usn = stored.mod, stored.usn
        return bool(self._changed) or self._changed_tags is not None

    def show(self, col: Collection) -> bool:
        """Show the change. False if the note is gone, which its window must handle. Main thread."""
        if self._gone:
            return False
        try:
            self._show(col)
        except Exception:
            self._known.report()
        return True

    def _show(self, col: Collection) -> None:
        editor = self._editor
        if _note_id(editor) != self._note_id:
            pass  # it shows another note by now
        elif self._note is None:
            editor.reload_note()
        elif self._loads_all or editor.current_notetype_is_image_occlusion():  # whose masks are no field
            editor.loadNoteKeepingFocus()
        else:
            texts = [
                (order, col.media.escape_media_filenames(text)) for order, text in self._changed.items()
            ]
            give = _SET % (self._note_id, json.dumps(texts), json.dumps(self._changed_tags))
            run_after_saving(editor.web, give)
            editor.checkValid()


def _is_handled(handled: Any) -> bool:
    """Whether a hook of another add-on has taken a message, or returned what is no answer of a hook."""
    return not isinstance(handled, tuple) or not handled or bool(handled[0])


def _is_echo(message: str, editor: Any) -> bool:
    """Whether a web view sends as typed what the copy holds already."""
    note: Optional[Note] = getattr(editor, "note", None)
    if note is None or not message.startswith("key:"):
        return False
    _key, order, note_id, text = message.split(":", 3)
    if note_id != str(note.id) or int(order) >= len(note.fields):
        return False
    return bool(editor.mungeHTML(text) == note.fields[int(order)])


def _note_id(editor: Any) -> Optional[int]:
    """The note that an editor shows, 0 for a new one; None while it shows none."""
    if getattr(editor, "web", None) is None:
        return None
    if hasattr(editor, "note"):
        return None if editor.note is None else int(editor.note.id)
    return 0 if editor.addMode else editor.nid  # Anki's newer editor
