"""Decks and note types by their names, which come composed (NFC).

Anki composes the names that it stores, but not those that an old version or a sync has put there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional, Protocol

from anki.collection import Collection
from anki.decks import DeckId
from anki.models import NotetypeId

from ..schema.codecs import composed


class _Entry(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def id(self) -> int: ...


def deck_ids(col: Collection) -> dict[str, DeckId]:
    """The id of each deck by its composed name."""
    return {name: DeckId(deck_id) for name, deck_id in _ids(col.decks.all_names_and_ids()).items()}


def find_deck(col: Collection, name: str) -> Optional[DeckId]:
    """The id of the deck called `name`, in whatever case."""
    found = col.decks.id_for_name(name)
    if not found and not name.isascii():
        found = _in_any_case(deck_ids(col), name)  # type: ignore[assignment]
    return DeckId(found) if found else None


def find_note_type(col: Collection, name: str) -> Optional[NotetypeId]:
    """The id of the note type called `name`, in whatever case."""
    found = col.models.id_for_name(name)
    if not found and not name.isascii():
        found = _in_any_case(_ids(col.models.all_names_and_ids()), name)  # type: ignore[assignment]
    return NotetypeId(found) if found else None


def _ids(entries: Iterable[_Entry]) -> dict[str, int]:
    """Ids by composed names. Of two that differ in nothing else, the one that is stored so counts."""
    listed = [(entry.name, entry.id) for entry in entries]
    ids = {composed(name): number for name, number in listed}
    return {**ids, **{name: number for name, number in listed if name in ids}}


def _in_any_case(ids: Mapping[str, int], name: str) -> Optional[int]:
    return {known.lower(): number for known, number in ids.items()}.get(name.lower())
