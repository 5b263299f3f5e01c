from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, add_cards

UNKNOWN = 1

# Makes a filtered deck `Cram` that borrows the cards of a deck.
FILTER = """
deck = col.sched.get_or_create_filtered_deck(0)
deck.name = "Cram"
deck.config.search_terms[0].search = {search!r}
deck.config.search_terms[0].limit = 100
del deck.config.search_terms[1:]
col.sched.add_or_update_filtered_deck(deck)
"""


def make_filtered_deck(api: Api, search: str) -> None:
    assert api.look(f"exec({FILTER.format(search=search)!r}, {{'col': col}}) is None")


def undo(api: Api) -> None:
    api.look("col.undo()")


def test_deck_names_lists_all_decks_by_name(api: Api) -> None:
    api("createDeck", deck="Lang::Verbs")
    assert api("deckNames") == ["Default", "Lang", "Lang::Verbs"]


def test_create_deck_makes_the_parents_and_returns_the_id(api: Api) -> None:
    deck_id = api("createDeck", deck="A::B::C")
    assert api.look(f"col.decks.name({deck_id})") == "A::B::C"
    assert api("deckNames") == ["A", "A::B", "A::B::C", "Default"]
    assert api.look("col.undo_status().undo") == "AnkiConnect: create deck"
    undo(api)
    assert api("deckNames") == ["Default"]


def test_create_deck_returns_an_existing_deck_in_whatever_case(api: Api) -> None:
    deck_id = api("createDeck", deck="Verbs")
    undo_before = api.look("col.undo_status().last_step")
    assert api("createDeck", deck="vERBS") == deck_id
    assert api.look("col.undo_status().last_step") == undo_before


def test_an_empty_name_becomes_ankis_blank(api: Api) -> None:
    api("createDeck", deck="")
    assert "blank" in api("deckNames")


def test_create_deck_wants_text(api: Api) -> None:
    with pytest.raises(ApiFailure, match="deck: 5 is not of type 'string'"):
        api("createDeck", deck=5)


def test_get_decks_groups_cards_in_the_given_order(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    (c,) = add_cards(api.server, "c")
    api("changeDeck", cards=[b], deck="Verbs")
    assert api("getDecks", cards=[c, b, a]) == {"Default": [c, a], "Verbs": [b]}


def test_get_decks_leaves_unknown_cards_out_and_takes_digits(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    assert api("getDecks", cards=[UNKNOWN, str(a)]) == {"Default": [a]}
    assert api("getDecks", cards=[]) == {}


def test_a_borrowed_card_is_listed_under_its_filtered_deck(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    make_filtered_deck(api, "deck:Default")
    assert api("getDecks", cards=[a]) == {"Cram": [a]}


def test_change_deck_moves_cards_and_creates_the_deck(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("changeDeck", cards=[a, str(b), UNKNOWN], deck="New::Deck") is None
    assert api("getDecks", cards=[a, b]) == {"New::Deck": [a, b]}
    assert api.look("col.undo_status().undo") == "AnkiConnect: change deck"
    undo(api)
    assert api("getDecks", cards=[a, b]) == {"Default": [a, b]}
    assert api("deckNames") == ["Default"]


def test_change_deck_creates_the_deck_even_for_no_cards(api: Api) -> None:
    api("changeDeck", cards=[], deck="Empty")
    assert "Empty" in api("deckNames")


def test_change_deck_takes_borrowed_cards_home_first(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    make_filtered_deck(api, "deck:Default")
    api("changeDeck", cards=[a], deck="Default")
    assert api.look(f"[(c.did, c.odid) for c in [col.get_card({a})]]") == [(1, 0)]


def test_a_deck_under_a_filtered_one_is_refused_and_costs_no_undo(api: Api) -> None:
    a, _borrowed = add_cards(api.server, "a", "b")
    make_filtered_deck(api, "front:b")
    undo_before = api.look("col.undo_status().undo")
    with pytest.raises(ApiFailure, match="filtered deck can't have subdecks: cram"):
        api("createDeck", deck="cram::x::y")
    with pytest.raises(ApiFailure, match="filtered deck can't have subdecks: Cram"):
        api("changeDeck", cards=[a], deck="Cram::x")
    assert api.look("col.undo_status().undo") == undo_before != ""


def test_change_deck_refuses_a_filtered_deck(api: Api) -> None:
    a, _borrowed = add_cards(api.server, "a", "b")
    make_filtered_deck(api, "front:b")
    with pytest.raises(ApiFailure, match="filtered deck: Cram") as refused:
        api("changeDeck", cards=[a], deck="Cram")
    assert refused.value.reply.status in (200, 409)
    assert api("getDecks", cards=[a]) == {"Default": [a]}


def test_moving_cards_to_where_they_are_leaves_no_undo_entry(headless: HeadlessServer) -> None:
    (a,) = add_cards(headless, "a")
    before = headless.look("col.undo_status()")
    headless.send("POST", "/changeDeck", {"cards": [a], "deck": "default"})
    assert headless.look("col.undo_status()") == before


def test_delete_decks_moves_the_cards_of_all_subdecks_to_default(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    (b,) = add_cards(api.server, "b")
    api("changeDeck", cards=[a], deck="Lang")
    api("changeDeck", cards=[b], deck="Lang::Verbs")
    assert api("deleteDecks", decks=["Lang"]) is None
    assert api("deckNames") == ["Default"]
    assert api("getDecks", cards=[a, b]) == {"Default": [a, b]}
    assert api.look("col.undo_status().undo") == "AnkiConnect: delete decks"
    undo(api)
    assert api("getDecks", cards=[a, b]) == {"Lang": [a], "Lang::Verbs": [b]}


def test_delete_decks_with_cards_too_deletes_them_and_their_notes(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    api("changeDeck", cards=[a], deck="Lang::Verbs")
    assert api("deleteDecks", decks=["Lang"], cardsToo=True) is None
    assert api("findCards", query="") == [b]
    assert len(api("findNotes", query="")) == 1
    undo(api)
    assert api("getDecks", cards=[a]) == {"Lang::Verbs": [a]}


def test_delete_decks_ignores_unknown_names_and_other_cases(api: Api) -> None:
    api("createDeck", deck="Lang")
    before = api.look("col.undo_status().last_step")
    api("deleteDecks", decks=["lang", "Nope"], cardsToo=True)
    api("deleteDecks", decks=[])
    assert api("deckNames") == ["Default", "Lang"]
    assert api.look("col.undo_status().last_step") == before


@pytest.mark.parametrize("cards_too", [True, False])
def test_the_default_deck_stays(api: Api, cards_too: bool) -> None:
    (a,) = add_cards(api.server, "a")
    api("createDeck", deck="Default::Sub")
    api("deleteDecks", decks=["Default"], cardsToo=cards_too)
    assert "Default" in api("deckNames")
    assert api("findCards", query="") == ([] if cards_too else [a])


def test_deleting_a_filtered_deck_sends_its_cards_home(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    api("changeDeck", cards=[a], deck="Home")
    make_filtered_deck(api, "deck:Home")
    api("deleteDecks", decks=["Cram"])
    assert api("getDecks", cards=[a]) == {"Home": [a]}


def test_a_borrowed_card_whose_home_is_deleted_moves_to_default(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    api("changeDeck", cards=[a], deck="Home")
    make_filtered_deck(api, "deck:Home")
    api("deleteDecks", decks=["Home"])
    assert api("getDecks", cards=[a]) == {"Default": [a]}


@pytest.mark.parametrize(
    "params", [{"decks": "Lang"}, {"decks": [1]}, {"decks": ["Lang"], "cardsToo": "yes"}]
)
def test_bad_parameters_delete_nothing(headless: HeadlessServer, params: dict[str, Any]) -> None:
    headless.send("POST", "/createDeck", {"deck": "Lang"})
    assert headless.send("POST", "/deleteDecks", params).status == 400
    assert headless.send("GET", "/deckNames").json["result"] == ["Default", "Lang"]
