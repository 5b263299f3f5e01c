"""An editor of any window: what it shows, and what its web view tells.

A web view sends back what it was given, as if it had been typed, and the editor would save its copy for
that: of two editors of one note, the one would put back what was typed into the other a moment ago. So
what the copy holds already, or the web view was given earlier, is not taken as typed.

Between a change of a field and the moment when the web view shows it, the web view sends the field's old
text. That is not taken as typed either: the web view itself types again into the new text what was typed
meanwhile.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import threading
import weakref
from typing import Any, Optional

import aqt
from anki.notes import Note
from aqt.qt import QTimer, QWidget

from .editor_saving import show_change

log = logging.getLogger("ankiconnect")

UNLIKE = "a %s of another add-on is not an editor like Anki's"
_TAGS = -1  # beside the orders of the fields

_numbers = itertools.count(1)


class KnownEditor:
    """What Anki's hook has told of: an editor of Anki's own, of ours, or any object of another add-on."""

    def __init__(self, editor: Any) -> None:
        self.editor = weakref.ref(editor)
        self.hangs = False  # has kept somebody waiting too long, and has not answered since
        self.gone: Optional[int] = None  # a note that is deleted, while the editor still shows it
        self.lock = threading.Lock()  # for its copy of the note, and what follows
        self._odd = False
        # The notes that Anki is about to save, by number. The editor may show another one by then, or none.
        self._waiting: dict[int, Note] = {}
        # What they hold that is not stored yet, by note object and order of the field, with that number.
        self._unsaved: dict[tuple[int, int], int] = {}
        # What its web view does not show yet, of which note.
        self._unshown: dict[int, int] = {}
        self._unshown_note: Optional[int] = None
        self._tags_shown: list[str] = []
        # What its web view was given since it last sent typing: the text that it shows, and later ones.
        self._given: dict[int, list[tuple[int, str]]] = {}
        self._note_type: Any = None  # as it was then

    @property
    def note_id(self) -> Optional[int]:
        """The note that it shows, 0 for a new one; None while it shows none. For any thread."""
        try:
            return shown_note_id(self.editor())
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
            log.warning(UNLIKE, type(editor).__qualname__, exc_info=True)

    # What was typed

    def waiting(self) -> list[Note]:
        """The notes that Anki is about to save. For any thread."""
        return list({id(note): note for note in list(self._waiting.values())}.values())

    def unsaved(self, note: Note) -> tuple[list[int], bool]:
        """The fields of it that hold what is not saved yet, and whether the tags do. For any thread."""
        unsaved = [order for of_note, order in list(self._unsaved) if of_note == id(note)]
        return [order for order in unsaved if order != _TAGS], _TAGS in unsaved

    def saved(self, note: Note, order: int) -> None:
        """Nothing of that field waits for being saved any more."""
        self._unsaved.pop((id(note), order), None)

    def saved_tags(self, note: Note) -> None:
        self.saved(note, _TAGS)

    def _will_save(self, note: Note, order: int) -> None:
        """Note that Anki saves what was typed as soon as it has handled the present message."""
        number, place = next(_numbers), (id(note), order)
        self._unsaved[place] = number
        self._waiting[number] = note

        def saved() -> None:
            with self.lock:
                if self._unsaved.get(place) == number:
                    del self._unsaved[place]
                del self._waiting[number]

        def follow() -> None:
            with contextlib.suppress(RuntimeError):  # Anki is exiting
                aqt.mw.taskman.run_in_background(saved)

        QTimer.singleShot(0, follow)

    # What is to be shown

    def show(self, note: Note, fields: dict[int, tuple[str, str]], tags: Optional[list[str]]) -> None:
        """Have the web view show texts, by order with what they replace, and tags. Main thread."""
        number = next(_numbers)
        with self.lock:
            for order, (_before, now) in fields.items():
                self._will_show(note.id, order, number)
                self._give(order, number, now)
            if tags is not None:
                self._will_show(note.id, _TAGS, number)
        show_change(self.editor(), note, fields, tags, number)

    def will_show(self, note_id: Optional[int], order: int) -> None:
        """From now on, what the web view sends of a field is its old text. For any thread."""
        self._will_show(note_id, order, next(_numbers))

    def will_show_tags(self, note_id: Optional[int], before: list[str]) -> None:
        """The same for the tags, of which it shows those from before."""
        if not self._is_unshown(note_id, _TAGS):
            self._tags_shown = before
        self._will_show(note_id, _TAGS, next(_numbers))

    def will_load(self, note: Note) -> int:
        """The web view is about to get the whole note. Returns the number that it tells when it has."""
        number = next(_numbers)
        self._note_type = _note_type(note)
        with self.lock:
            for order, text in enumerate(note.fields):
                self._give(order, number, text)
        return number

    def shows_its_type(self) -> bool:
        """Whether its web view shows the note type as it is. Main thread."""
        try:
            note: Optional[Note] = getattr(self.editor(), "note", None)
            return note is not None and self._note_type == _note_type(note)
        except Exception:
            self.report()
            return False

    def forget_unshown(self) -> None:
        """The web view will not show what it should."""
        self._unshown = {}

    def _will_show(self, note_id: Optional[int], order: int, number: int) -> None:
        if note_id != self._unshown_note:
            self._unshown, self._unshown_note = {}, note_id
        self._unshown[order] = number

    def _is_unshown(self, note_id: Optional[int], order: int) -> bool:
        return note_id == self._unshown_note and order in self._unshown

    def _give(self, order: int, number: int, text: str) -> None:
        self._given.setdefault(order, []).append((number, text))

    def _shows(self, order: int, number: int) -> None:
        """The web view shows what it was given then."""
        if self._unshown.get(order, number + 1) <= number:
            del self._unshown[order]
        self._given[order] = [given for given in self._given.get(order, ()) if given[0] >= number]

    # What the web view tells

    def receive(self, message: str) -> bool:
        """Handle a message, if it is not for Anki. Main thread."""
        kind, _, rest = message.partition(":")
        editor: Any = self.editor()
        note: Optional[Note] = getattr(editor, "note", None)
        if note is None:
            return False
        if kind == "ankiconnect":
            return self._receive_ours(editor, rest)
        if kind == "saveTags":
            return self._receive_tags(editor, note, json.loads(rest))
        if kind in ("key", "blur"):
            order, note_id, text = rest.split(":", 2)
            if note_id == str(note.id) and int(order) < len(note.fields):
                return self._receive_text(editor, note, kind, int(order), text)
        return False

    def _receive_ours(self, editor: Any, message: str) -> bool:
        kind, order, rest = message.split(":", 2)
        if kind in ("shown", "failed"):
            with self.lock:
                self._shows(_TAGS if order == "tags" else int(order), int(rest))
            if kind == "failed":
                editor.loadNoteKeepingFocus()
        elif kind == "loaded":
            with self.lock:
                for each in {*self._unshown, *self._given}:
                    self._shows(each, int(rest))
        elif kind == "typed":
            editor.onBridgeCmd(f"key:{order}:{rest}")
        return True

    def _receive_text(self, editor: Any, note: Note, kind: str, order: int, text: str) -> bool:
        munged = editor.mungeHTML(text)
        with self.lock:
            is_held = munged == note.fields[order]
            is_old = self._is_old(note, order, munged)
            if not (is_held or is_old):
                self._given.pop(order, None)
                if note.id:
                    # As Anki is about to do, but before the collection's thread hears of it.
                    note.fields[order] = munged
                    self._will_save(note, order)
        if is_old and kind == "blur":
            held = aqt.mw.col.media.escape_media_filenames(note.fields[order])
            editor.onBridgeCmd(f"blur:{order}:{note.id}:{held}")
        return is_old or (is_held and kind == "key")

    def _is_old(self, note: Note, order: int, text: str) -> bool:
        """Whether its web view sends a text that is not the latest which it was given."""
        given = self._given.get(order, ())[:-1]
        return self._is_unshown(note.id, order) or any(text == old for _number, old in given)

    def _receive_tags(self, editor: Any, note: Note, typed: list[str]) -> bool:
        with self.lock:
            if not self._is_unshown(note.id, _TAGS):
                if note.id and typed != note.tags:
                    note.tags = typed
                    self._will_save(note, _TAGS)
                return False
            before, self._tags_shown = self._tags_shown, typed
            tags = [tag for tag in note.tags if tag in typed or tag not in before]
            tags += [tag for tag in typed if tag not in before and tag not in tags]
            if tags == note.tags:
                return True
            note.tags = tags
            if note.id:
                self._will_save(note, _TAGS)
        editor.onBridgeCmd(f"saveTags:{json.dumps(tags)}")
        self.show(note, {}, tags)
        return True


def _note_type(note: Note) -> Any:
    return aqt.mw.col.models.get(note.mid)


def shown_note_id(editor: Any) -> Optional[int]:
    """The note that an editor shows, 0 for a new one; None while it shows none."""
    if getattr(editor, "web", None) is None:
        return None
    if hasattr(editor, "note"):
        return None if editor.note is None else int(editor.note.id)
    return 0 if editor.addMode else editor.nid  # Anki's newer editor
