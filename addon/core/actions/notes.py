"""Notes: search, details, deletion."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Annotated, Literal, Optional, TypedDict, Union, cast

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection
from anki.notes import Note
from anki.notes import NoteId as AnkiNoteId

from ..collection.fields import FieldValue, field_names, has_content
from ..collection.ids import CardId, NoteId, NoteIds
from ..collection.queries import Empty, Query, SearchText, rows
from ..context import RequestContext
from ..errors import BadParams, Damaged, NoteNotFound
from ..registry import ANY_NOTE, read, write
from ..undo import UndoStep

_NOTES_WITHOUT_BACKUP = 100


class NoteInfo(TypedDict, total=False):
    noteId: NoteId
    profile: Annotated[str, "name of the open profile"]
    tags: list[str]
    fields: dict[str, FieldValue]
    modelName: str
    mod: Annotated[int, "modification time in seconds"]
    cards: Annotated[list[CardId], "in template order"]


if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    _MemberName: TypeAlias = str
else:
    _MemberName = Literal[tuple(NoteInfo.__annotations__)]


@read("findNotes")
def find_notes(col: Collection, query: Query = None) -> list[NoteId]:
    """Find notes with Anki's search syntax.

    Returns ids in no promised order: all notes for an empty query, none for a missing one.
    """
    return [] if query is None else list(col.find_notes(query))


@read("notesInfo")
def notes_info(
    col: Collection,
    context: RequestContext,
    notes: Optional[NoteIds] = None,
    query: Annotated[Optional[SearchText], "search in Anki's syntax, in place of notes"] = None,
    include: Annotated[Optional[list[_MemberName]], "the only members wanted"] = None,
) -> list[Union[NoteInfo, Empty]]:
    """Describe notes: fields, tags, note type and cards.

    One entry per id, in order, `{}` for an unknown id; with `query` one per match. `{}` also stands for a
    note whose note type is gone: the header X-AnkiConnect-Warning tells.
    """
    if query is not None:
        notes = list(col.find_notes(query))
    if notes is None:
        raise BadParams('Must provide either "notes" or a "query"')
    wanted = set(NoteInfo.__annotations__ if include is None else include)
    profile = context.runtime.profile() or ""
    cards = _cards_of(col, notes) if "cards" in wanted else {}
    names_of: dict[int, tuple[str, list[str]]] = {}
    described: dict[int, NoteInfo] = {}
    # The fields are most of a note; what is not wanted is not read.
    fields_column = "flds" if "fields" in wanted else "''"
    for note_id, note_type_id, mod, tags, fields in rows(
        col, f"select id, mid, mod, tags, {fields_column} from notes where id in ({{}})", notes
    ):
        if note_type_id not in names_of:
            note_type = col.models.get(note_type_id)
            if note_type is None:
                context.warnings.append(str(Damaged(f"note {note_id}", "note type")))
                continue
            names_of[note_type_id] = (note_type["name"], field_names(note_type))
        model_name, names = names_of[note_type_id]
        described[note_id] = {
            "noteId": note_id,
            "profile": profile,
            "tags": tags.split(),
            "fields": {
                name: {"value": value, "order": order}
                for order, (name, value) in enumerate(zip(names, fields.split("\x1f")))
            },
            "modelName": model_name,
            "mod": mod,
            "cards": cards.get(note_id, []),
        }
    if include is not None:
        described = {note_id: _only(wanted, info) for note_id, info in described.items()}
    return [described.get(note_id) or Empty() for note_id in notes]


def _only(wanted: Container[str], info: NoteInfo) -> NoteInfo:
    return cast(NoteInfo, {name: member for name, member in info.items() if name in wanted})


def _cards_of(col: Collection, notes: NoteIds) -> dict[int, list[AnkiCardId]]:
    """The cards of each note, in template order."""
    cards: dict[int, list[AnkiCardId]] = {}
    found = rows(col, "select nid, id from cards where nid in ({}) order by nid, ord", notes)
    for note_id, card_id in found:
        cards.setdefault(note_id, []).append(card_id)
    return cards


class NoteModTime(TypedDict):
    noteId: NoteId
    mod: Annotated[int, "modification time in seconds"]


@read("notesModTime")
def notes_mod_time(col: Collection, notes: NoteIds) -> list[Union[NoteModTime, Empty]]:
    """Return id and modification time of each note, in order; `{}` for an unknown one."""
    found = rows(col, "select id, mod from notes where id in ({})", notes)
    times = {note_id: NoteModTime(noteId=note_id, mod=mod) for note_id, mod in found}
    return [times.get(note_id) or Empty() for note_id in notes]


@write("deleteNotes", touches_notes="notes")
def delete_notes(col: Collection, undo_step: UndoStep, context: RequestContext, notes: NoteIds) -> None:
    """Delete notes with all their cards. Unknown notes are ignored; media stays.

    A backup is made before more than 100 go.
    """
    _remove(col, undo_step, context, existing_notes(col, notes))


@write("removeEmptyNotes", touches_notes=ANY_NOTE)
def remove_empty_notes(col: Collection, undo_step: UndoStep, context: RequestContext) -> None:
    """Delete the notes without any content: no text, image or sound in any field, and all cards empty.

    A note that makes no card but holds text is kept, and so is every note whose cards Anki's *Empty Cards*
    does not find empty. A backup is made before more than 100 go.
    """
    without_cards = [note.note_id for note in col.get_empty_cards().notes if note.will_delete_note]
    found = rows(col, "select id, flds from notes where id in ({})", without_cards)
    empty = [note_id for note_id, fields in found if not any(map(has_content, fields.split("\x1f")))]
    _remove(col, undo_step, context, empty)


def _remove(col: Collection, undo_step: UndoStep, context: RequestContext, notes: list[AnkiNoteId]) -> None:
    if notes:
        is_large = len(notes) > _NOTES_WITHOUT_BACKUP
        with context.runtime.backups.before_deletion(col, is_large=is_large):
            undo_step(col.remove_notes, notes)


def existing_notes(col: Collection, notes: NoteIds) -> list[AnkiNoteId]:
    """Those of the notes that there are."""
    return [note_id for (note_id,) in rows(col, "select id from notes where id in ({})", notes)]


def require_note(col: Collection, note_id: AnkiNoteId) -> Note:
    """The note. Raises NoteNotFound and Damaged."""
    types = [note_type for (note_type,) in rows(col, "select mid from notes where id in ({})", [note_id])]
    if not types:
        raise NoteNotFound(note_id)
    if col.models.get(types[0]) is None:
        raise Damaged(f"note {note_id}", "note type")
    return col.get_note(note_id)
