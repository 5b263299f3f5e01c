"""An editor's copy of a note around a write: on the collection's thread before it and right after it."""

from __future__ import annotations

import contextlib
from typing import Any, Optional

from anki.collection import Collection, OpChanges
from anki.errors import NotFoundError
from anki.notes import Note

from .editor_state import KnownEditor, shown_note_id


def save_unsaved(known: KnownEditor, held: Note, col: Collection) -> Optional[OpChanges]:
    """Save what the editor has handed over of a note, ahead of Anki's waiting save. On its thread."""
    if known.unsaved(held) == ([], False):
        return None
    try:
        stored = col.get_note(held.id)
    except NotFoundError:
        return None
    if stored.mid != held.mid or len(stored.fields) != len(held.fields):
        return None
    before = (list(stored.fields), stored.tags)
    with known.lock:
        orders, tags_too = known.unsaved(held)
        for order in orders:
            stored.fields[order] = held.fields[order]
            known.saved(held, order)
        if tags_too:
            stored.tags = list(held.tags)
            known.saved_tags(held)
    return None if (stored.fields, stored.tags) == before else col.update_note(stored)


class EditorCopy:
    """An editor's copy of a note, and what was stored before a write."""

    def __init__(self, known: KnownEditor, col: Collection, left: Optional[Note] = None) -> None:
        """Of the note that it shows, or of one that it has `left`, and Anki has yet to save."""
        self._known = known
        self._editor: Any = known.editor()
        # Once, since the editor may turn to another note at any moment.
        self._note: Optional[Note] = left or getattr(self._editor, "note", None)
        self._is_left = left is not None
        self._note_id = shown_note_id(self._editor) if self._note is None else int(self._note.id)
        self.gone = False
        self._loads_all = False
        self._changed: dict[int, tuple[str, str]] = {}
        self._changed_tags: Optional[list[str]] = None
        stored: Optional[Note] = None
        with contextlib.suppress(NotFoundError):
            stored = col.get_note(self._note_id)  # type: ignore[arg-type]
        self._stored, self._stored_tags = (stored.fields, stored.tags) if stored else ([], [])
        # Anki's newer editor keeps its copy in the web view alone, and saves at once.
        held = self._note or stored
        self._fields, self._tags = (list(held.fields), list(held.tags)) if held else ([], [])

    def take_over(self, col: Collection) -> bool:
        """Put what has changed in the collection into the copy. False if nothing has. On its thread."""
        try:
            return self._take_over(col) and not self._is_left
        except Exception:
            self._known.report()
            return False

    def _take_over(self, col: Collection) -> bool:
        note = self._note
        try:
            stored = col.get_note(self._note_id)  # type: ignore[arg-type]
        except NotFoundError:
            self.gone = True
            if not self._is_left:
                self._known.gone = self._note_id
            return True
        if note is None:
            return (stored.fields, stored.tags) != (self._fields, self._tags)
        if stored.mid != note.mid or len(stored.fields) != len(self._fields):
            self._loads_all = True
            note.load()
            return True
        with self._known.lock:
            self._take_over_changes(note, stored)
        note.mod, note.usn = stored.mod, stored.usn
        return bool(self._changed) or self._changed_tags is not None

    def _take_over_changes(self, note: Note, stored: Note) -> None:
        unsaved, unsaved_tags = self._known.unsaved(note)
        is_shown = not self._is_left and shown_note_id(self._editor) == self._note_id
        for order, (before, now) in enumerate(zip(self._stored, stored.fields)):
            # What was typed this very moment, or made by another add-on, is about to be saved, unless the
            # same field was written.
            is_new = order in unsaved or note.fields[order] != self._fields[order]
            if now == note.fields[order] or (is_new and now == before):
                continue
            if is_shown:
                self._known.will_show(self._note_id, order)
            self._known.saved(note, order)
            note.fields[order] = now
            self._changed[order] = (self._fields[order], now)
        if stored.tags != note.tags and not (unsaved_tags and stored.tags == self._stored_tags):
            if is_shown:
                self._known.will_show_tags(self._note_id, self._tags)
            self._known.saved_tags(note)
            note.tags = self._changed_tags = stored.tags

    def show(self) -> None:
        """Show the change, unless the note is gone, which its window must handle. Main thread."""
        try:
            if not self.gone:
                self._show()
        except Exception:
            self._known.forget_unshown()
            self._known.report()

    def _show(self) -> None:
        editor = self._editor
        if shown_note_id(editor) != self._note_id:
            pass  # it shows another note by now
        elif self._note is None:
            editor.reload_note()
        elif self._loads_all:
            editor.loadNoteKeepingFocus()
        else:
            self._known.show(self._note, self._changed, self._changed_tags)
