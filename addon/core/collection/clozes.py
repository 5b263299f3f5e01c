"""Whether a note has its clozes where its note type makes cards of them, by Anki's own check.

That check also looks for duplicates, which takes 18 ms where the database has no statistics. So it is
asked only about a note that may be wrong: it comes upon the problems told here before it looks.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Optional

from anki.collection import Collection
from anki.consts import MODEL_CLOZE
from anki.models import NotetypeId
from anki.notes import Note, NoteFieldsCheckResult

from ..actions.note_types import NoteType

_PROBLEMS = {
    NoteFieldsCheckResult.MISSING_CLOZE: "has no cloze",
    NoteFieldsCheckResult.NOTETYPE_NOT_CLOZE: "has a cloze but is not of a cloze type",
    NoteFieldsCheckResult.FIELD_NOT_CLOZE: "has a cloze in a field that makes no cards of clozes",
}


class ClozeCheck:
    """The check for the notes of one request: what it learns about note types is asked once."""

    def __init__(self, col: Collection) -> None:
        self._note_of = functools.cache(functools.partial(Note, col))
        self._takes_clozes = functools.cache(functools.partial(_takes_clozes, col))

    def problem(self, note_type: NoteType, fields: Sequence[str]) -> Optional[str]:
        """What is wrong with the clozes of a note, as what the note "has"; None if nothing is.

        None also where Anki takes the note for empty before it looks at clozes.
        """
        clozed = [position for position, text in enumerate(fields) if "{{c" in text]
        is_cloze_type = note_type["type"] == MODEL_CLOZE
        if not clozed and not is_cloze_type:
            return None
        note = self._note_of(note_type["id"])
        note.fields = list(fields)
        if (
            clozed
            and is_cloze_type
            and all(self._takes_clozes(note_type["id"], position) for position in clozed)
            and any(note.cloze_numbers_in_fields())
        ):
            return None
        return _PROBLEMS.get(note.fields_check())


def _takes_clozes(col: Collection, note_type_id: NotetypeId, position: int) -> bool:
    """Whether the cards of a cloze type are made of the clozes in the field at this position."""
    if hasattr(col.models, "cloze_fields"):  # from Anki 25.05 on
        return position in col.models.cloze_fields(note_type_id)
    note = Note(col, note_type_id)
    note.fields[0] = "text"
    note.fields[position] = "{{c1::text}}"
    return note.fields_check() != NoteFieldsCheckResult.FIELD_NOT_CLOZE
