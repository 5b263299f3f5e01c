"""The main window: its screens, and commands of its menus."""

from __future__ import annotations

import logging
from typing import Annotated, Callable, Literal, Optional, TypeVar

from anki.collection import Collection, OpChangesAfterUndo

from ...core.actions.decks import DeckName
from ...core.collection.names import find_deck
from ...core.context import RequestContext
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ..window import main_window

log = logging.getLogger("ankiconnect")

private("aqt.dbcheck", "check_db", "guiCheckDatabase")

T = TypeVar("T")

Found = Annotated[bool, "false if there is no such deck"]


@gui("guiDeckBrowser", runs_on=RunsOn.HTTP_THREAD)
def show_deck_browser(context: RequestContext) -> None:
    """Show the deck list."""
    _when_drawn(context, lambda: main_window().moveToState("deckBrowser"))


@gui("guiDeckOverview", runs_on=RunsOn.HTTP_THREAD)
def show_deck_overview(context: RequestContext, name: DeckName) -> Found:
    """Make a deck current and show its overview."""
    return _when_drawn(context, lambda: _show_overview(name))


@gui("guiDeckReview", runs_on=RunsOn.HTTP_THREAD)
def show_deck_review(context: RequestContext, name: DeckName) -> Found:
    """Make a deck current and review it. With nothing due, Anki shows that the deck is finished."""
    # The overview first, as when a person clicks: it lets a running review end.
    if not show_deck_overview(context, name):
        return False
    _when_drawn(context, lambda: main_window().moveToState("review"))
    return True


@gui("reloadCollection")
def refresh_windows() -> None:
    """Have all open windows show what the collection holds now."""
    main_window().reset()


@gui("guiUndo", runs_on=RunsOn.HTTP_THREAD)
def undo(context: RequestContext) -> Annotated[bool, "whether something was undone"]:
    """Undo what the Edit menu offers to undo."""

    def undo_on_collection(col: Collection) -> Optional[OpChangesAfterUndo]:
        if not col.undo_status().undo:
            return None
        context.runtime.will_change(undoing=True)
        undone = col.undo()
        context.runtime.notify_changes(undone.changes, undone=True)
        return undone

    def tell_windows(undone: OpChangesAfterUndo) -> None:
        from aqt import gui_hooks

        try:
            gui_hooks.state_did_undo(undone)
        except Exception:  # another add-on's: what was undone stays undone
            log.exception("not all windows were told what was undone")

    context.run_on_main(main_window)
    with context.runtime.sync_editors(None):
        undone = context.run_on_collection(undo_on_collection)
    if undone is None:
        return False
    context.run_on_main(lambda: tell_windows(undone))
    return True


@gui("guiCheckDatabase")
def check_database() -> Annotated[Literal[True], "the check was started"]:
    """Start Anki's database check, whose outcome is shown to the person."""
    from aqt.dbcheck import check_db

    check_db(main_window())
    return True


@gui("guiExitAnki")
def exit_anki() -> None:
    """Close Anki as its menu does, a second later, so that the reply still goes out."""
    from aqt.qt import QTimer

    QTimer.singleShot(1000, main_window().close)


def _show_overview(name: str) -> bool:
    mw = main_window()
    deck_id = find_deck(mw.col, name)
    if not deck_id:
        return False
    if deck_id != mw.col.decks.get_current_id():
        mw.col.decks.select(deck_id)  # even of the same deck, this would clear what waits under Redo
    mw.moveToState("overview")
    return True


def _when_drawn(context: RequestContext, work: Callable[[], T]) -> T:
    """Run `work` on the main thread once the screen is drawn.

    Anki's screens ask the collection in the background and draw when the answer comes, also over
    another screen that is shown by then. Such answers come in order.
    """
    context.run_on_main(main_window)  # here, a refresh that was due begins
    context.run_on_collection(lambda _col: None)
    return context.run_on_main(work)
