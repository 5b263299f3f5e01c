"""Tags of notes."""

from __future__ import annotations

from typing import Annotated, Callable

from anki.collection import Collection
from anki.notes import NoteId as AnkiNoteId

from .actions import write
from .ids import NoteIds
from .search import rows
from .shapes import SPACE_SEPARATED
from .undo import Edit

Tags = Annotated[list[str], SPACE_SEPARATED, "tags; as one string they are separated by spaces"]


@write("addTags")
def add_tags(
    col: Collection,
    edit: Edit,
    notes: NoteIds,
    tags: Tags,
    add: Annotated[bool, "false removes the tags instead"] = True,
) -> None:
    """Add tags to notes. Unknown notes are ignored."""
    if not add:
        remove_tags(col, edit, notes, tags)
        return
    wanted = {tag.lower() for tag in tags}
    lacking = _notes_whose_tags(col, notes, lambda present: not wanted <= present)
    if lacking:
        edit(col.tags.bulk_add, lacking, " ".join(tags))


@write("removeTags")
def remove_tags(col: Collection, edit: Edit, notes: NoteIds, tags: Tags) -> None:
    """Remove tags, whatever their case, and the tags below them, from notes.

    Unknown notes and tags are ignored.
    """
    unwanted = [tag.lower() for tag in tags]
    below = tuple(f"{tag}::" for tag in unwanted)
    carrying = _notes_whose_tags(
        col,
        notes,
        lambda present: any(tag in unwanted or tag.startswith(below) for tag in present),
    )
    if carrying:
        edit(col.tags.bulk_remove, carrying, " ".join(tags))


def _notes_whose_tags(
    col: Collection, notes: NoteIds, matches: Callable[[set[str]], bool]
) -> list[AnkiNoteId]:
    """Those of the notes whose tags, in lower case, match."""
    return [
        note_id
        for note_id, tags in rows(col, "select id, tags from notes where id in ({})", notes)
        if matches(set(tags.lower().split()))
    ]
