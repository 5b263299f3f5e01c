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
import itertools
import json
import weakref
from collections.abc import Collection as Ids
from concurrent.futures import Future
from typing import Any, Callable, Optional

from anki.collection import Collection
from anki.errors import NotFoundError
from anki.notes import Note
from aqt import gui_hooks
from aqt.qt import QApplication, QTimer

# Does something in a web view once it has loaded its note, done what it was told before this way, and saved
# what was typed. Saving takes turns since Anki 26.08: without such a series, what is set would come late.
# For a moment after loading, Anki moves the cursor, which saves: of a note deleted then, that would fail.
_AFTER_SAVE = """
window.ankiConnect = (
    window.ankiConnect || require("anki/ui").loaded.then(() => new Promise((done) => setTimeout(done, 100)))
)
    .then(() => saveNow(true))
    .then(() => { %s })
    .catch(() => {});
"""
_TELL = 'bridgeCommand("ankiconnect:saved:%d");'
_SET = """
if (getNoteId() !== %d) return;
const fields = require("anki/NoteEditor").instances[0].fields;
for (const [order, text] of %s) fields[order].editingArea.content.set(text);
const tags = %s;
if (tags) setTags(tags);
"""
_SAVE_MS = 1000  # for a web view to hand over what was typed; a broken one never does


class Editors:
    """The editors of all windows: Anki's own, ours, and those of other add-ons. Made on the main thread."""

    def __init__(self) -> None:
        # Replaced, never changed, so that any thread may read it.
        self._known: tuple[weakref.ref[Any], ...] = ()
        self._saving: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        gui_hooks.editor_did_init.append(self._add)
        gui_hooks.webview_did_receive_js_message.append(self._on_message)

    def _add(self, editor: Any) -> None:
        self._known = (*(known for known in self._known if known() is not None), weakref.ref(editor))

    def _on_message(self, handled: tuple[bool, Any], message: str, editor: Any) -> tuple[bool, Any]:
        if handled[0] or not any(known() is editor for known in self._known):
            return handled
        if message.startswith("ankiconnect:saved:"):
            self._saving.pop(int(message.rpartition(":")[2]), lambda: None)()
            return True, None
        return (True, None) if _is_echo(message, editor) else handled

    def showing(self, notes: Optional[Ids[int]]) -> list[Any]:
        """The open editors of these notes; for None all, those of new notes included. For any thread."""
        editors = [known() for known in self._known]
        return [e for e in editors if _note_id(e) is not None and (notes is None or _note_id(e) in notes)]

    def save(self, editors: list[Any]) -> Future[None]:
        """Have editors save what was typed. Done when all have, or when their time is up. Main thread."""
        done: Future[None] = Future()
        left = {next(self._numbers): editor for editor in editors}

        def finish() -> None:
            for number in left:
                self._saving.pop(number, None)
            left.clear()
            if not done.done():
                done.set_result(None)

        def saved(number: int) -> None:
            left.pop(number, None)
            if not left:
                finish()

        if not left:
            finish()
        QTimer.singleShot(_SAVE_MS, finish)
        for number, editor in list(left.items()):
            self._saving[number] = lambda number=number: saved(number)  # type: ignore[misc]
            try:
                if hasattr(editor, "note"):
                    editor.web.eval(_AFTER_SAVE % (_TELL % number))
                else:
                    editor.call_after_note_saved(self._saving[number], keepFocus=True)
            except (AttributeError, RuntimeError):  # it has closed meanwhile
                saved(number)
        return done

    def copies(self, col: Collection) -> list[EditorCopy]:
        """What the editors hold of notes in the collection, to be compared after a write. On the lane."""
        return [EditorCopy(editor, col) for editor in self.showing(None) if _note_id(editor)]

    def typed_in(self) -> Optional[Any]:
        """The editor that has the keyboard. Main thread."""
        focus = QApplication.focusWidget()
        if focus is None:
            return None
        return next((e for e in self.showing(None) if e.web is focus or e.web.isAncestorOf(focus)), None)


class EditorCopy:
    """An editor's copy of a note, and what it held before a write."""

    def __init__(self, editor: Any, col: Collection) -> None:
        self._editor = editor
        self._note_id = _note_id(editor)
        self._gone = False
        self._loads_all = False
        self._changed: dict[int, str] = {}
        self._changed_tags: Optional[list[str]] = None
        self._note: Optional[Note] = getattr(editor, "note", None)
        held = self._note
        if held is None:  # Anki's newer editor keeps its copy in the web view alone, and saves at once
            with contextlib.suppress(NotFoundError):
                held = col.get_note(self._note_id)  # type: ignore[arg-type]
        self._fields, self._tags = (list(held.fields), list(held.tags)) if held else ([], [])

    def take_over(self, col: Collection) -> bool:
        """Put what has changed in the collection into the copy. False if nothing has. On the lane."""
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

    def show(self) -> bool:
        """Show the change. False if the note is gone, which its window must handle. Main thread."""
        editor = self._editor
        if self._gone:
            return False
        if _note_id(editor) != self._note_id:
            pass  # it shows another note by now
        elif self._note is None:
            editor.reload_note()
        elif self._loads_all or editor.current_notetype_is_image_occlusion():  # whose masks are no field
            editor.loadNoteKeepingFocus()
        else:
            escape = editor.mw.col.media.escape_media_filenames
            texts = [(order, escape(text)) for order, text in self._changed.items()]
            give = _SET % (self._note_id, json.dumps(texts), json.dumps(self._changed_tags))
            editor.web.eval(_AFTER_SAVE % give)
            editor.checkValid()
        return True


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
