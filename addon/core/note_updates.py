"""Changing the fields, tags and media of a note that exists."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Annotated, Optional

from anki.collection import Collection
from anki.notes import Note

from . import note_media
from .actions import write
from .call import Call
from .errors import BadParams
from .fields import field_names, field_positions
from .ids import NoteId
from .media import Store, load_all
from .note_media import WithMedia
from .note_types import NoteType
from .notes import require_note
from .shapes import SPACE_SEPARATED, Otherwise
from .undo import Edit

log = logging.getLogger("ankiconnect")

FieldValues = Annotated[dict[str, str], "HTML by field name, in whatever case; other fields stay"]
AllTags = Annotated[
    list[str],
    SPACE_SEPARATED,
    Otherwise("Must provide tags as a list of strings"),
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


def _load_media(call: Call, note: WithMedia) -> None:
    load_all(note.attachments, call)


@write("updateNoteFields", before=_load_media)
def update_note_fields(col: Collection, edit: Edit, call: Call, note: FieldsUpdate) -> None:
    """Replace fields of a note, and append the markup of media that is sent along.

    Fields that are not given stay. Unknown ones are ignored, but if none of the given fields exists,
    that is an error. Duplicates and emptiness are not checked.
    """
    _update(col, edit, call, NoteUpdate(**vars(note)))


@write("updateNote", before=_load_media)
def update_note(col: Collection, edit: Edit, call: Call, note: NoteUpdate) -> None:
    """Replace fields or tags of a note, or both, in one change.

    Fields and media as in updateNoteFields, tags as in updateNoteTags. Media is only handled together
    with fields.
    """
    if note.fields is None and note.tags is None:
        raise BadParams('Must provide a "fields" or "tags" property.')
    _update(col, edit, call, note)


@write("updateNoteTags")
def update_note_tags(col: Collection, edit: Edit, call: Call, note: NoteId, tags: AllTags) -> None:
    """Replace the tags of a note. An empty list removes all of them."""
    _update(col, edit, call, NoteUpdate(note, tags=tags))


def _update(col: Collection, edit: Edit, call: Call, update: NoteUpdate) -> None:
    note = require_note(col, update.id)
    before = (list(note.fields), sorted(note.tags))
    store = Store(col)
    try:
        if update.fields is not None:
            _write_fields(note, update, store, call)
        if update.tags is not None:
            note.tags = [tag for given in update.tags for tag in given.split()]
        if (note.fields, sorted(note.tags)) != before:
            edit(col.update_note, note)
    except BaseException:
        store.take_back()
        raise


def _write_fields(note: Note, update: NoteUpdate, store: Store, call: Call) -> None:
    note_type = note.note_type()
    assert note_type and update.fields is not None
    if update.refusal:
        raise update.refusal
    _fill(note, note_type, update.fields)
    note_media.store(update, note, note_type, store, call)


def _fill(note: Note, note_type: NoteType, fields: dict[str, str]) -> None:
    positions = field_positions(note_type)
    unknown = [name for name in fields if name.lower() not in positions]
    if unknown and len(unknown) == len(fields):
        valid = ", ".join(field_names(note_type))
        raise BadParams(f"no such fields in {note_type['name']}: {', '.join(unknown)}; it has {valid}")
    if unknown:
        log.warning("ignored fields that %s does not have: %s", note_type["name"], ", ".join(unknown))
    for name, value in fields.items():
        if name.lower() in positions:
            note.fields[positions[name.lower()]] = value
