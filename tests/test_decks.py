from __future__ import annotations

import pytest

from .conftest import Api, ApiFailure


def test_deck_names_lists_all_decks_by_name(api: Api) -> None:
    api("createDeck", deck="Lang::Verbs")
    assert api("deckNames") == ["Default", "Lang", "Lang::Verbs"]
