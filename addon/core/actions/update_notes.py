"""Changing the fields, tags and media of a note that exists."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Optional

from anki.collection import Collection
from anki.notes import Note

from ..collection.fields import field_names, field_positions, ignored, without_dropped
from ..collection.ids import NoteId
from ..collection.names import find_note_type
from ..context import RequestContext
from ..errors import BadParams, NotFound
from ..media import attachments
from ..media.attachments import WithMedia
from ..registry import write
from ..schema.codecs import SPACE_SEPARATED, TAG_DEPTH, ErrorText, Name
from ..undo import UndoStep
from .media import MediaTransaction, load_all
from .note_types import NoteType
from .notes import require_note

log = logging.getLogger("ankiconnect")

FieldValues = Annotated[dict[Name, str], "HTML by field name, in whatever case; other fields stay"]
AllTags = Annotated[
    list[Name],
    SPACE_SEPARATED,
    TAG_DEPTH,
    ErrorText("Must provide tags as a list of strings"),
    "all tags of the note from now on",
]


@dataclass(frozen=True)
class _Identified:
    id: NoteId


@dataclass(frozen=True)
class _Filled(_Identified):
    fields: FieldValues


@dataclass(frozen=True)
class FieldsUpdate(WithMedia, _Filled):
    pass


@dataclass(frozen=True)
class NoteUpdate(WithMedia, _Identified):
    fields: Optional[FieldValues] = None
    tags: Optional[AllTags] = None


def _load_media(context: RequestContext, note: WithMedia) -> None:
    load_all(note.attachments, context)


@write("updateNoteFields", prepare=_load_media, touches_notes="note")
def update_note_fields(
    col: Collection, undo_step: UndoStep, context: RequestContext, note: FieldsUpdate
) -> None:
    """Replace fields of a note, and append the markup of media that is sent along.

    Fields that are not given stay. Unknown ones are ignored, which the header X-AnkiConnect-Warning tells.
    If none of the given fields exists, that is an error. Duplicates and emptiness are not checked.
    """
    _update(col, undo_step, context, NoteUpdate(**vars(note)))


@write("updateNote", prepare=_load_media, touches_notes="note")
def update_note(col: Collection, undo_step: UndoStep, context: RequestContext, note: NoteUpdate) -> None:
    """Replace fields or tags of a note, or both, in one change.

    Fields and media as in updateNoteFields, tags as in updateNoteTags. Media is only handled together
    with fields.
    """
    if note.fields is None and note.tags is None:
        raise BadParams('Must provide a "fields" or "tags" property.')
    _update(col, undo_step, context, note)


@write("updateNoteTags", touches_notes="note")
def update_note_tags(
    col: Collection, undo_step: UndoStep, context: RequestContext, note: NoteId, tags: AllTags
) -> None:
    """Replace the tags of a note. An empty list removes all of them."""
    _update(col, undo_step, context, NoteUpdate(note, tags=tags))


@dataclass(frozen=True)
class NoteModelUpdate:
    id: Annotated[Optional[NoteId], ErrorText("Note ID is required")] = None
    model_name: Annotated[Optional[Name], "new note type, in whatever case"] = None
    fields: Annotated[Optional[FieldValues], ErrorText("Fields must be provided as a dictionary")] = None
    tags: Optional[AllTags] = None


@write("updateNoteModel", undo="change note type", touches_notes="note")
def change_note_type(
    col: Collection, undo_step: UndoStep, context: RequestContext, note: NoteModelUpdate
) -> None:
    """Give a note another note type, and set fields of it.

    Done as Anki's own Change Note Type does by default: cards keep their scheduling and fields their
    content where the two types map. Tags stay unless given. Needs a full sync afterwards.
    """
    if not note.id:
        raise BadParams("Note ID is required")
    if not note.model_name:
        raise BadParams("Model name is required")
    if note.fields is None:
        raise BadParams("Fields must be provided as a dictionary")
    old_id = require_note(col, note.id).mid
    new_id = find_note_type(col, note.model_name)
    new_type = col.models.get(new_id) if new_id else None
    if new_type is None:
        raise NotFound(f"Model '{note.model_name}' not found")
    _check_any_known(new_type, note.fields)
    if new_type["id"] != old_id:
        info = col.models.change_notetype_info(old_notetype_id=old_id, new_notetype_id=new_type["id"])
        info.input.note_ids.append(note.id)
        undo_step(col.models.change_notetype_of_notes, info.input)
    _update(col, undo_step, context, NoteUpdate(note.id, fields=note.fields, tags=note.tags))


def _update(col: Collection, undo_step: UndoStep, context: RequestContext, update: NoteUpdate) -> None:
    note = require_note(col, update.id)
    before = (list(note.fields), sorted(note.tags))
    transaction = MediaTransaction(col)
    try:
        if update.fields is not None:
            _write_fields(note, update, transaction, context)
        if update.tags is not None:
            note.tags = [tag for given in update.tags for tag in given.split()]
        if (note.fields, sorted(note.tags)) != before:
            undo_step(col.update_note, note)
    except BaseException:
        transaction.rollback()
        raise


def _write_fields(
    note: Note, update: NoteUpdate, transaction: MediaTransaction, context: RequestContext
) -> None:
    note_type = note.note_type()
    assert note_type and update.fields is not None
    if update.refusal:
        raise update.refusal
    positions = field_positions(note_type)
    unknown = _check_any_known(note_type, update.fields)
    if unknown:
        context.warnings.append(ignored(note_type, unknown))
        log.warning("%s", context.warnings[-1])
    for name, value in update.fields.items():
        if name not in unknown:
            note.fields[positions[name.lower()]] = without_dropped(value)
    attachments.store_all(update, note.fields, note_type, transaction, context)


def _check_any_known(note_type: NoteType, fields: dict[str, str]) -> list[str]:
    """Those of the fields that do not exist. Raises BadParams if none does."""
    positions = field_positions(note_type)
    unknown = [name for name in fields if name.lower() not in positions]
    if unknown and len(unknown) == len(fields):
        valid = ", ".join(field_names(note_type))
        raise BadParams(f"no such fields in {note_type['name']}: {', '.join(unknown)}; it has {valid}")
    return unknown
