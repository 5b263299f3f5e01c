"""Decks: ids, counts, descriptions and the options they use."""

from __future__ import annotations

import pytest

from .conftest import Api, ApiFailure, add_cards

UNKNOWN = 5


def test_names_and_ids(api: Api) -> None:
    deck = api("createDeck", deck="A::B")
    assert api("deckNamesAndIds")["A::B"] == deck
    assert list(api("deckNamesAndIds")) == api("deckNames")
    assert api("deckNameFromId", deckId=str(deck)) == "A::B"


def test_an_unknown_id_is_not_the_default_deck(api: Api) -> None:
    with pytest.raises(ApiFailure, match="^deck was not found: 5$") as failed:
        api("deckNameFromId", deckId=UNKNOWN)
    assert failed.value.reply.status in (200, 404)


def test_options_of_a_deck(api: Api) -> None:
    options = api("getDeckConfig", deck="Default")
    assert (options["id"], options["dyn"]) == (1, False)
    assert {"new", "rev", "lapse", "maxTaken"} < set(options)
    assert api("getDeckConfig", deck="default") is False
    assert api("getDeckConfig", deck="Nope") is False
    assert api("deckNames") == ["Default"]


@pytest.mark.parametrize("deck", [5, None, True, ["Default"], {"Default": 1}])
def test_what_is_no_name_has_no_options(api: Api, deck: object) -> None:
    assert api("getDeckConfig", deck=deck) is False


def test_options_of_a_filtered_deck_are_the_deck(api: Api) -> None:
    api.look("col.decks.new_filtered('Cram')")
    options = api("getDeckConfig", deck="Cram")
    assert (options["name"], bool(options["dyn"])) == ("Cram", True)


def test_counts_are_those_of_the_deck_list(api: Api) -> None:
    add_cards(api.server, "a")
    child = api("createDeck", deck="A::B")
    parent = api("deckNamesAndIds")["A"]
    cards = add_cards(api.server, "b", "c", deck="A::B")
    api("answerCards", answers=[{"cardId": cards[0], "ease": 1}])
    assert api("getDeckStats", decks=["a", "A::B", "Nope"]) == {
        str(parent): {
            "deck_id": parent,
            "name": "A",
            "new_count": 1,
            "learn_count": 1,
            "review_count": 0,
            "total_in_deck": 0,
        },
        str(child): {
            "deck_id": child,
            "name": "B",
            "new_count": 1,
            "learn_count": 1,
            "review_count": 0,
            "total_in_deck": 2,
        },
    }
    assert "Nope" not in api("deckNames")


def test_descriptions_are_set_and_read(api: Api) -> None:
    api("createDeck", deck="A")
    assert api("getDeckDescription", deck="A") == ""
    assert api("setDeckDescription", deck="a", description="Week **1**") is True
    assert api("getDeckDescription", deck="A") == "Week **1**"
    assert api.look("col.undo_status().undo") == "AnkiConnect: set deck description"
    api.look("col.undo()")
    assert api("getDeckDescription", deck="A") == ""


def test_descriptions_of_unknown_decks_are_not_found(api: Api) -> None:
    with pytest.raises(ApiFailure, match="deck was not found: Nope"):
        api("setDeckDescription", deck="Nope", description="x")
    with pytest.raises(ApiFailure, match="Deck not found: Nope"):
        api("getDeckDescription", deck="Nope")
