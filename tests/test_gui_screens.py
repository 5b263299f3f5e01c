"""Screens are changed without a trace in the undo history where nothing changes."""

from __future__ import annotations

import pytest

from .conftest import Api, add_cards


@pytest.mark.parametrize("action", ["guiDeckOverview", "guiDeckReview"])
def test_showing_the_current_deck_keeps_what_waits_under_redo(gui: Api, action: str) -> None:
    add_cards(gui.server, "a")
    gui("createDeck", deck="Verbs")
    gui.look("col.undo()")
    before = gui.look("str(col.undo_status())")
    assert gui(action, name="Default") is True
    assert 'redo: "AnkiConnect: create deck"' in before
    assert gui.look("str(col.undo_status())") == before


def test_another_deck_is_reviewed_while_one_is(gui: Api) -> None:
    gui("createDeck", deck="Verbs")
    add_cards(gui.server, "a")
    (verb,) = add_cards(gui.server, "ir", deck="Verbs")
    gui("guiDeckReview", name="Default")
    gui("guiShowAnswer")
    assert gui("guiDeckReview", name="Verbs") is True
    assert gui("guiCurrentCard")["cardId"] == verb
    assert gui.look("mw.reviewer.state") == "question"
