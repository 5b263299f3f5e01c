"""The check that Anki makes before adding a note, for many notes at once.

Anki's own check (`fields_check`) asks once per note, and without SQLite statistics each asks for all
notes of the note type: 18 ms on 100,000 notes. Here all candidates share one query on the index of
first-field checksums. Verdicts are the same: the first field is normalised, stripped of HTML except
media names, and compared as text, not by its 32-bit checksum alone.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Optional

from anki.collection import Collection
from anki.decks import DeckId
from anki.utils import strip_html_media

from .queries import rows

# White space as Rust's trim() sees it; Python's strip() also takes \x1c to \x1f.
_WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
_WHITE_SPACE += "\u2028\u2029\u202f\u205f\u3000"

_CHECKSUMS_PER_QUERY = 10_000


class DuplicateState(Enum):
    FINE = "fine"
    EMPTY = "empty"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Scope:
    """Where a note counts as a duplicate."""

    allowed: bool = False  # duplicates are welcome
    decks: Optional[frozenset[int]] = None  # only with a card in one of these; None: anywhere
    all_note_types: bool = False


@dataclass(frozen=True)
class NoteToCheck:
    note_type_id: int
    first_field: str
    deck_id: DeckId
    scope: Scope


@dataclass(frozen=True)
class _Found:
    """A note with a certain first field: one that exists, or a candidate before this one."""

    note_type_id: int
    decks: frozenset[int]


def check(
    col: Collection, candidates: Sequence[NoteToCheck], *, within_batch: bool
) -> list[DuplicateState]:
    """The verdict on each candidate.

    With `within_batch`, a candidate that passes counts as added when the later ones are judged.
    """
    normalize = col.get_config("normalize_note_text", True)
    texts = [compared_text(candidate.first_field, normalize) for candidate in candidates]
    wanted = {text for text, candidate in zip(texts, candidates) if text and not candidate.scope.allowed}
    found = _existing(col, wanted)
    states = []
    for text, candidate in zip(texts, candidates):
        if not text:
            states.append(DuplicateState.EMPTY)
        elif not candidate.scope.allowed and _clashes(candidate, found.get(text, ())):
            states.append(DuplicateState.DUPLICATE)
        else:
            states.append(DuplicateState.FINE)
            if within_batch:
                decks = frozenset((candidate.deck_id,))
                found.setdefault(text, []).append(_Found(candidate.note_type_id, decks))
    return states


def compared_text(field: str, normalize: bool) -> str:
    """What Anki compares of a first field; empty if Anki takes the field for empty."""
    if normalize and not field.isascii():
        field = unicodedata.normalize("NFC", field)
    text = _strip(field)
    return text if text.strip(_WHITE_SPACE) else ""


def _strip(field: str) -> str:
    return strip_html_media(field) if "<" in field or "&" in field else field


def _clashes(candidate: NoteToCheck, found: Sequence[_Found]) -> bool:
    scope = candidate.scope
    return any(
        (scope.all_note_types or note.note_type_id == candidate.note_type_id)
        and (scope.decks is None or not scope.decks.isdisjoint(note.decks))
        for note in found
    )


def _existing(col: Collection, texts: set[str]) -> dict[str, list[_Found]]:
    """The notes whose first field compares equal to one of `texts`, by that text."""
    assert col.db
    matches: list[tuple[str, int, int]] = []
    for checksums in _lists_of_checksums(texts):
        notes = col.db.execute(f"select id, mid, flds from notes where csum in ({checksums})")
        for note_id, note_type_id, fields in notes:
            text = _strip(fields.partition("\x1f")[0])
            if text in texts:
                matches.append((text, note_id, note_type_id))
    decks = _decks_of(col, [note_id for _text, note_id, _ in matches])
    found: dict[str, list[_Found]] = {}
    for text, note_id, note_type_id in matches:
        in_decks = frozenset(decks.get(note_id, ()))
        found.setdefault(text, []).append(_Found(note_type_id, in_decks))
    return found


def _lists_of_checksums(texts: set[str]) -> Iterator[str]:
    checksums = sorted({_checksum(text) for text in texts})
    for start in range(0, len(checksums), _CHECKSUMS_PER_QUERY):
        yield ",".join(map(str, checksums[start : start + _CHECKSUMS_PER_QUERY]))


def _checksum(text: str) -> int:
    """As in `notes.csum`: the first 32 bits of the SHA-1."""
    return int.from_bytes(hashlib.sha1(text.encode("utf-8")).digest()[:4], "big")


def _decks_of(col: Collection, note_ids: list[int]) -> dict[int, set[int]]:
    """The decks that each note's cards belong to, at home and where they are borrowed."""
    decks: dict[int, set[int]] = {}
    found = rows(col, "select nid, did, odid from cards where nid in ({})", note_ids)
    for note_id, deck, home in found:
        decks.setdefault(note_id, set()).update({deck, home} - {0})
    return decks
