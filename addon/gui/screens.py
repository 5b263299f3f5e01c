"""The screens of the main window: deck list, deck overview, review."""

from __future__ import annotations

from typing import Annotated

from ..core.actions import gui
from ..core.decks import DeckName
from .window import main_window

Found = Annotated[bool, "false if there is no such deck"]


@gui("guiDeckBrowser")
def show_deck_browser() -> None:
    """Show the deck list."""
    main_window().moveToState("deckBrowser")


@gui("guiDeckOverview")
def show_deck_overview(name: DeckName) -> Found:
    """Make a deck current and show its overview."""
    return _select_and_show(name, "overview")


@gui("guiDeckReview")
def show_deck_review(name: DeckName) -> Found:
    """Make a deck current and review it. With nothing due, Anki shows that the deck is finished."""
    return _select_and_show(name, "review")


@gui("reloadCollection")
def refresh_windows() -> None:
    """Have all open windows show what the collection holds now."""
    main_window().reset()


def _select_and_show(name: str, state: str) -> bool:
    mw = main_window()
    deck_id = mw.col.decks.id_for_name(name)
    if not deck_id:
        return False
    mw.col.decks.select(deck_id)
    # The overview first, as when a person clicks: it lets a running review end.
    mw.moveToState("overview")
    if state == "review":
        mw.moveToState("review")
    return True
