"""Decks: names, creation, deletion, moving cards between them."""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection
from anki.decks import DeckId as AnkiDeckId

from ..collection.ids import CardId, CardIds, DeckId
from ..collection.names import deck_ids, find_deck
from ..collection.queries import rows
from ..context import RequestContext
from ..errors import BadParams, Conflict, DeckNotFound
from ..registry import ANY_NOTE, read, write
from ..schema.codecs import Name, short_repr
from ..undo import UndoStep
from . import cards as cards_

DEFAULT_DECK = AnkiDeckId(1)

_MAX_LEVELS = 100  # Anki refuses more too, though only after a look at each of them

DeckName = Annotated[Name, "full name of a deck, its levels joined by `::`"]


@read("deckNames")
def deck_names(col: Collection) -> list[DeckName]:
    """List the names of all decks, filtered ones included, in Anki's order."""
    return [deck.name for deck in col.decks.all_names_and_ids()]


@read("getDecks")
def decks_of_cards(col: Collection, cards: CardIds) -> dict[str, list[CardId]]:
    """Group cards by the deck they are in now: deck name to those of the given cards, in given order.

    A card borrowed by a filtered deck is listed there. Unknown cards are left out.
    """
    deck_of = cards_.columns(col, cards, "did")
    grouped: dict[int, list[CardId]] = {}
    for card_id in cards:
        if card_id in deck_of:
            grouped.setdefault(deck_of[card_id][0], []).append(card_id)
    return {col.decks.name(AnkiDeckId(deck_id)): ids for deck_id, ids in grouped.items()}


@write("createDeck")
def create_deck(col: Collection, undo_step: UndoStep, deck: DeckName) -> DeckId:
    """Create a deck with any missing parents, and return its id.

    An existing deck of that name, in whatever case, is left alone and its id returned. Anki puts the
    word `blank` in place of an empty level. A filtered deck has no subdecks.
    """
    existing = find_deck(col, deck)
    if existing:
        return existing
    _check_parents(col, deck)
    return AnkiDeckId(undo_step(col.decks.add_normal_deck_with_name, deck).id)


def _check_parents(col: Collection, deck: str) -> None:
    """Raise Conflict for a deck under a filtered one. Anki's own refusal would clear the undo history."""
    levels = deck.split("::")
    if len(levels) > _MAX_LEVELS:
        raise BadParams(f"deck: {short_repr(deck)} has more than {_MAX_LEVELS} levels")
    for depth in range(1, len(levels)):
        parent = "::".join(levels[:depth])
        parent_id = find_deck(col, parent)
        if parent_id and col.decks.is_filtered(parent_id):
            raise Conflict(f"a filtered deck can't have subdecks: {parent}")


@write("changeDeck")
def change_deck(col: Collection, undo_step: UndoStep, cards: CardIds, deck: DeckName) -> None:
    """Move cards to a deck, which is created with its parents if missing, even for no cards.

    Cards in a filtered deck are first returned home. Unknown cards are ignored.
    """
    existing = find_deck(col, deck)
    if existing and col.decks.is_filtered(existing):
        raise Conflict(f"cards can't be moved to a filtered deck: {deck}")
    target = existing or create_deck(col, undo_step, deck)
    elsewhere = f"select id from cards where id in ({{}}) and did != {target}"
    moving = [AnkiCardId(card) for (card,) in rows(col, elsewhere, cards)]
    if moving:
        undo_step(col.set_deck, moving, target)


@write("deleteDecks", touches_notes=ANY_NOTE)
def delete_decks(
    col: Collection,
    undo_step: UndoStep,
    context: RequestContext,
    decks: Annotated[list[Name], "deck names, compared case-sensitively; unknown ones are ignored"],
    cards_too: Annotated[bool, "delete the cards too, instead of moving them to Default"] = False,
) -> None:
    """Delete decks with their subdecks.

    Their cards move to the default deck, or go with them if `cardsToo` is true; notes left without
    cards then go too. Cards that a filtered deck has borrowed return home. The default deck itself
    always stays. A backup is made before cards go.
    """
    ids = deck_ids(col)
    doomed = {ids[name] for name in decks if name in ids}
    with_children = {deck_id for name, deck_id in ids.items() if not _lineage(name).isdisjoint(decks)}
    if not cards_too:
        doomed = with_children - {DEFAULT_DECK}
        at_home = cards_.at_home_in(col, doomed)
        if at_home:
            undo_step(col.set_deck, at_home, DEFAULT_DECK)
    if doomed:
        with_cards = cards_too and bool(cards_.at_home_in(col, with_children))
        with context.runtime.backups.before_deletion(col, is_large=with_cards):
            undo_step(col.decks.remove, sorted(doomed))


def _lineage(name: str) -> set[str]:
    """The names of a deck and of its parents."""
    return set(accumulate(name.split("::"), "{}::{}".format))


def require_deck(col: Collection, name: str) -> AnkiDeckId:
    """The id of the deck called `name`, in whatever case. Raises DeckNotFound."""
    deck_id = find_deck(col, name)
    if not deck_id:
        raise DeckNotFound(name)
    return deck_id
