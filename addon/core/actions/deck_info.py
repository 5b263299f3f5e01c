"""Decks: ids, counts, descriptions and the options they use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypedDict, Union

from anki.collection import Collection
from anki.decks import DeckId as AnkiDeckId
from anki.decks import DeckTreeNode

from ..collection.ids import DeckId
from ..collection.names import deck_ids, find_deck
from ..errors import BadParams, DeckNotFound, NotFound
from ..registry import read, write
from ..schema.codecs import ErrorText, Name
from ..undo import UndoStep
from .decks import DeckName

ExactDeckName = Annotated[Name, "full name of a deck, in its case"]


@read("deckNamesAndIds")
def names_and_ids(col: Collection) -> dict[str, DeckId]:
    """Return the id of each deck by its name."""
    return {deck.name: AnkiDeckId(deck.id) for deck in col.decks.all_names_and_ids()}


@read("deckNameFromId")
def name_from_id(col: Collection, deck_id: DeckId) -> DeckName:
    """Return the full name of a deck."""
    name = col.decks.name_if_exists(deck_id)
    if name is None:
        raise DeckNotFound(str(deck_id))
    return name


@read("getDeckConfig")
def options(
    col: Collection, deck: Union[ExactDeckName, BadParams]
) -> Annotated[
    Union[dict[str, Any], Literal[False]],
    "the preset in Anki's own layout; of a filtered deck the deck itself; false if there is no such deck",
]:
    """Return the options that a deck uses."""
    deck_id = None if isinstance(deck, BadParams) else deck_ids(col).get(deck)
    if deck_id is None:
        return False
    return dict(col.decks.config_dict_for_deck_id(deck_id))


class DeckStats(TypedDict):
    deck_id: DeckId
    name: Annotated[str, "last level of the name only"]
    new_count: Annotated[int, "new cards due today, after limits, subdecks included"]
    learn_count: Annotated[int, "cards in learning due today, subdecks included"]
    review_count: Annotated[int, "reviews due today, after limits, subdecks included"]
    total_in_deck: Annotated[int, "all cards of the deck, subdecks not included"]


@read("getDeckStats")
def statistics(
    col: Collection, decks: Annotated[list[Name], "deck names; unknown ones are left out"]
) -> dict[str, DeckStats]:
    """Return today's counts of decks by their ids, as the deck list shows them."""
    wanted = {find_deck(col, name) for name in decks}
    tree = col.sched.deck_due_tree()
    assert tree
    return {
        str(node.deck_id): {
            "deck_id": AnkiDeckId(node.deck_id),
            "name": node.name,
            "new_count": node.new_count,
            "learn_count": node.learn_count,
            "review_count": node.review_count,
            "total_in_deck": node.total_in_deck,
        }
        for node in _nodes(tree)
        if node.deck_id in wanted
    }


def _nodes(root: DeckTreeNode) -> Iterator[DeckTreeNode]:
    for child in root.children:
        yield child
        yield from _nodes(child)


@read("getDeckDescription")
def description(col: Collection, deck: ExactDeckName) -> str:
    """Return the text on a deck's overview screen; empty if there is none."""
    deck_id = deck_ids(col).get(deck)
    if deck_id is None:
        raise NotFound(f"Deck not found: {deck}")
    return str((col.decks.get(deck_id) or {}).get("desc", ""))


@write("setDeckDescription")
def set_description(
    col: Collection,
    undo_step: UndoStep,
    deck: DeckName,
    description: Annotated[str, ErrorText("description must be a string")],
) -> Annotated[Literal[True], "saved"]:
    """Replace the text on a deck's overview screen."""
    deck_id = find_deck(col, deck)
    found = col.decks.get(deck_id) if deck_id else None
    if found is None:
        raise DeckNotFound(deck)
    if found.get("desc") != description:
        found["desc"] = description
        undo_step(col.decks.update_dict, found)
    return True
