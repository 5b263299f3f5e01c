"""Tags of notes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Callable
from unicodedata import normalize

from anki.collection import Collection
from anki.notes import NoteId as AnkiNoteId

from ..collection.ids import NoteId, NoteIds
from ..collection.queries import rows
from ..errors import NoteNotFound
from ..registry import ANY_NOTE, read, write
from ..schema.codecs import SPACE_SEPARATED, TAG_DEPTH, Alias, Name, composed
from ..undo import UndoStep

Tags = Annotated[list[Name], SPACE_SEPARATED, TAG_DEPTH, "tags; as one string they are separated by spaces"]

_A_FEW = 20


@write("addTags", touches_notes="notes")
def add_tags(
    col: Collection,
    undo_step: UndoStep,
    notes: NoteIds,
    tags: Tags,
    add: Annotated[bool, "false removes the tags instead"] = True,
) -> None:
    """Add tags to notes. Unknown notes are ignored."""
    if not add:
        remove_tags(col, undo_step, notes, tags)
        return
    wanted = {tag.lower() for tag in tags}
    if _any_whose_tags(col, notes, lambda present: not wanted <= present):
        undo_step(col.tags.bulk_add, list(dict.fromkeys(notes)), " ".join(tags))


@write("removeTags", touches_notes="notes")
def remove_tags(col: Collection, undo_step: UndoStep, notes: NoteIds, tags: Tags) -> None:
    """Remove tags, whatever their case, and the tags below them, from notes.

    Unknown notes and tags are ignored.
    """
    unwanted = {tag.lower() for tag in tags}
    if _any_whose_tags(
        col, notes, lambda present: any(not unwanted.isdisjoint(_with_parents(tag)) for tag in present)
    ):
        undo_step(col.tags.bulk_remove, list(dict.fromkeys(notes)), " ".join(_spellings(tags)))


@read("getTags")
def tags(col: Collection) -> list[str]:
    """List all tags that the collection knows, sorted, those that no note carries included."""
    return col.tags.all()


@read("getNoteTags")
def tags_of_note(col: Collection, note: NoteId) -> list[str]:
    """List the tags of a note."""
    found = list(rows(col, "select tags from notes where id in ({})", [note]))
    if not found:
        raise NoteNotFound(note)
    return str(found[0][0]).split()


@write("clearUnusedTags")
def clear_unused_tags(col: Collection, undo_step: UndoStep) -> None:
    """Forget the tags that no note carries."""
    undo_step(col.tags.clear_unused_tags)


TagToReplace = Annotated[Name, Alias("tag_to_replace"), "whole tag, in whatever case"]
NewTag = Annotated[
    Name, TAG_DEPTH, Alias("replace_with_tag"), "what takes its place; several where it has spaces"
]


@write("replaceTags", touches_notes="notes")
def replace_tags(
    col: Collection,
    undo_step: UndoStep,
    notes: NoteIds,
    tag_to_replace: TagToReplace,
    replace_with_tag: NewTag,
) -> None:
    """Replace a tag on those of the notes that carry it. Unknown notes are ignored."""
    old = tag_to_replace.lower()
    carrying = _notes_whose_tags(col, notes, lambda present: old in present)
    if not carrying:
        return
    first, *others = replace_with_tag.split() or [""]
    undo_step(
        col.tags.find_and_replace,
        note_ids=carrying,
        search=f"^({'|'.join(map(re.escape, _spellings([tag_to_replace])))})$",
        replacement=first.replace("$", "$$"),
        regex=True,
        match_case=False,
    )
    if others:
        undo_step(col.tags.bulk_add, carrying, " ".join(others))


@write("replaceTagsInAllNotes", touches_notes=ANY_NOTE)
def replace_tags_in_all_notes(
    col: Collection, undo_step: UndoStep, tag_to_replace: TagToReplace, replace_with_tag: NewTag
) -> None:
    """Replace a tag on all notes that carry it."""
    assert col.db
    tagged = col.db.list("select id from notes where tags != ''")
    replace_tags(col, undo_step, tagged, tag_to_replace, replace_with_tag)


def _spellings(tags: list[str]) -> list[str]:
    """The tags as Anki stores them, and as an old version or a sync may have put them there."""
    return list(dict.fromkeys([*tags, *(normalize("NFD", tag) for tag in tags)]))


def _with_parents(tag: str) -> Iterator[str]:
    """`a::b::c` -> `a::b::c`, `a::b`, `a`"""
    while True:
        yield tag
        tag, separator, _last = tag.rpartition("::")
        if not separator:
            return


def _any_whose_tags(col: Collection, notes: NoteIds, matches: Callable[[set[str]], bool]) -> bool:
    """Whether there is anything to do, which one of the first notes mostly tells.

    If so, Anki is given all notes, and passes over those that there is nothing to do for.
    """
    return any(_notes_whose_tags(col, some, matches) for some in (notes[:_A_FEW], notes[_A_FEW:]))


def _notes_whose_tags(
    col: Collection, notes: NoteIds, matches: Callable[[set[str]], bool]
) -> list[AnkiNoteId]:
    """Those of the notes whose tags, composed and in lower case, match."""
    return [
        note_id
        for note_id, tags in rows(col, "select id, tags from notes where id in ({})", notes)
        if matches(set(composed(tags).lower().split()))
    ]
