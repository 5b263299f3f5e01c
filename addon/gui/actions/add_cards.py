"""The Add window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Optional, TypedDict, Union

from anki.collection import Collection
from anki.decks import DeckId
from anki.notes import Note

from ...core.actions.add_notes import NoteContent, compose
from ...core.actions.media import MediaTransaction, load_all
from ...core.actions.note_types import NoteType
from ...core.collection.fields import field_positions, without_dropped
from ...core.collection.names import find_deck, find_note_type
from ...core.context import RequestContext
from ...core.errors import NotFound
from ...core.media import attachments
from ...core.media.attachments import WithMedia
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ...core.schema.codecs import SPACE_SEPARATED, Name
from ..window import Activate, dialog, main_window, open_dialog

if TYPE_CHECKING:
    from aqt.addcards import AddCards

private(
    "aqt.addcards",
    "AddCards._last_added_note",
    otherwise="guiAddCards also asks about text that fields keep from one note to the next",
)

_NEW_NOTE = 0  # the id of a note that is not in the collection yet


@gui("guiAddCards", runs_on=RunsOn.HTTP_THREAD)
def open_add_window(
    context: RequestContext, note: Optional[NoteContent] = None, activate: Activate = True
) -> Annotated[int, "id of the note being edited, which is 0 until the person adds it"]:
    """Open or raise the Add window, filled in if a note is given.

    Nothing is added until the person confirms. When the open window holds text, the person is asked
    before it is replaced, once for all requests: a yes puts in the newest note. The reply does not wait
    for the answer, and the question leaves the focus where it is.
    """
    if note is None:
        context.run_on_main(lambda: _open(activate))
    else:
        content = note
        load_all(content.attachments, context)
        composed, deck_id = context.run_on_collection(lambda col: compose(col, context, content))
        context.run_on_main(lambda: _open_with(composed, deck_id, activate))
    return _NEW_NOTE


def _open(activate: bool) -> AddCards:
    from aqt import gui_hooks

    # The classic window by name: Anki's newer one cannot be filled in from outside.
    window: AddCards = open_dialog("AddCards", activate, gui_hooks.add_cards_did_init)
    return window


def _open_with(note: Note, deck_id: DeckId, activate: bool) -> None:
    def fill() -> None:
        _open(activate).set_note(note, deck_id)

    window = dialog("AddCards")
    if window is None:
        fill()
    else:
        from ..refilling import refill

        # The window stays: closing takes a while, and two requests would close it for one another.
        refill(window, note, fill)


@dataclass(frozen=True)
class NoteData(WithMedia):
    """What is to be put into the note in the Add window."""

    deck_name: Annotated[Optional[Name], "existing deck to choose"] = None
    model_name: Annotated[Optional[Name], "existing note type to choose"] = None
    fields: Annotated[Optional[dict[Name, str]], "HTML by field name, in whatever case"] = None
    tags: Annotated[Optional[list[Name]], SPACE_SEPARATED, "tags"] = None


class NotOpen(TypedDict):
    error: Literal["Add Note dialog is not open"]
    code: Literal[1]


@gui("guiAddNoteSetData", runs_on=RunsOn.HTTP_THREAD)
def fill_add_window(
    context: RequestContext,
    note: NoteData,
    append: Annotated[bool, "put texts behind the present ones, and add tags to the present ones"] = False,
) -> Annotated[Union[Literal[True], NotOpen], "true when done"]:
    """Change the note in the open Add window where it is: fields, tags, deck and note type.

    What is not given stays. Media is stored, and its markup appended to the fields that it lists. What a
    person has typed is not lost with `append`. The window is neither opened nor raised. Anki's newer Add
    window, an experiment of Anki 26.08, cannot be changed from outside and counts as not open.
    """
    not_open: NotOpen = {"error": "Add Note dialog is not open", "code": 1}
    if context.run_on_main(_note_type_of_add_window) is None:
        return not_open
    load_all(note.attachments, context)
    if note.refusal:
        raise note.refusal
    with context.runtime.sync_editors({_NEW_NOTE}):
        type_id = context.run_on_main(_note_type_of_add_window)
        change = context.run_on_collection(lambda col: _Change(col, context, note, type_id, append))
        is_done = False
        try:
            is_done = context.run_on_main(change.apply)
        finally:
            if not is_done:
                context.run_on_collection(lambda _col: change.media.rollback())
        return True if is_done else not_open


class _Change:
    """A checked change of the note in the Add window. Made on the collection's thread."""

    def __init__(
        self, col: Collection, context: RequestContext, data: NoteData, type_id: Optional[int], append: bool
    ) -> None:
        self._append = append
        self._tags = data.tags
        self._deck_id = find_deck(col, data.deck_name) if data.deck_name else None
        if data.deck_name and not self._deck_id:
            raise NotFound(f'Deck "{data.deck_name}" not found')
        chosen = find_note_type(col, data.model_name) if data.model_name else type_id
        note_type = col.models.get(chosen) if chosen else None  # type: ignore[arg-type]
        if note_type is None:
            named = f'Model "{data.model_name}"' if data.model_name else "the Add window's note type"
            raise NotFound(f"{named} not found")
        self._note_type: NoteType = note_type
        self._texts = _texts(note_type, data.fields or {})
        self.media = MediaTransaction(col)
        self._markup = [""] * len(note_type["flds"])
        try:
            attachments.store_all(data, self._markup, note_type, self.media, context)
        except BaseException:
            self.media.rollback()
            raise

    def apply(self) -> bool:
        """Change the note; False if the window is gone. On the main thread."""
        from ..editor_saving import show_change

        window = _open_add_window()
        if window is None:
            return False
        if window.notetype_chooser.selected_notetype_id != self._note_type["id"]:
            window.notetype_chooser.selected_notetype_id = self._note_type["id"]
        if self._deck_id:
            window.deck_chooser.selected_deck_id = self._deck_id
        note = window.editor.note
        assert note
        texts = {}
        for position, before in enumerate(note.fields):
            given = self._texts.get(position)
            text = before if given is None else before + given if self._append else given
            text += self._markup[position]
            if text != before:
                texts[position] = (before, text)
                note.fields[position] = text
        tags = None
        if self._tags is not None:
            kept = note.tags if self._append else []
            note.tags = tags = list(dict.fromkeys([*kept, *" ".join(self._tags).split()]))
        show_change(window.editor, note, texts, tags)
        return True


def _texts(note_type: NoteType, fields: dict[str, str]) -> dict[int, str]:
    """The given texts by the position of their field."""
    positions = field_positions(note_type)
    for name in fields:
        if name.lower() not in positions:
            raise NotFound(f'Field "{name}" not found in current note')
    return {positions[name.lower()]: without_dropped(text) for name, text in fields.items()}


def _note_type_of_add_window() -> Optional[int]:
    window = _open_add_window()
    return window.notetype_chooser.selected_notetype_id if window else None


def _open_add_window() -> Optional[AddCards]:
    main_window()
    window: Optional[AddCards] = dialog("AddCards")
    return window
