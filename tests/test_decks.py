from __future__ import annotations

from .conftest import Api


def test_deck_names_lists_all_decks_by_name(api: Api) -> None:
    api("createDeck", deck="Lang::Verbs")
    assert api("deckNames") == ["Default", "Lang", "Lang::Verbs"]
