"""Decks and note types by their names, which come composed (NFC).

Anki composes the names that it stores, but not those that an old version or a sync has put there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable, Optional, Protocol

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
    found = _find(col.decks.id_for_name, col.decks.all_names_and_ids, name)
    return DeckId(found) if found else None


def find_note_type(col: Collection, name: str) -> Optional[NotetypeId]:
    """The id of the note type called `name`, in whatever case."""
    found = _find(col.models.id_for_name, col.models.all_names_and_ids, name)
    return NotetypeId(found) if found else None


def _find(
    stored: Callable[[str], Optional[int]], listed: Callable[[], Iterable[_Entry]], name: str
) -> Optional[int]:
    found = stored(name)
    if found or name.isascii():
        return found
    return {known.lower(): number for known, number in _ids(listed()).items()}.get(name.lower())


def _ids(entries: Iterable[_Entry]) -> dict[str, int]:
    """Ids by composed names. Of two that differ in nothing else, the one that is stored so counts."""
    listed = [(entry.name, entry.id) for entry in entries]
    ids = {composed(name): number for name, number in listed}
    return {**ids, **{name: number for name, number in listed if name in ids}}
