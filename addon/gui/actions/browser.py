"""The Browse window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional

from anki.collection import BrowserColumns, Collection
from anki.config import Config

from ...core.collection.ids import CardId, NoteId
from ...core.collection.queries import Query
from ...core.context import RequestContext
from ...core.errors import BadParams
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ...core.schema.codecs import ErrorText, named
from ..window import Activate, dialog, main_window, open_dialog

if TYPE_CHECKING:
    from aqt.browser.browser import Browser

private("aqt.browser.table.table", "Table._model", "guiSelectCard guiSelectNote")
private("aqt.browser.table.model", "DataModel.get_card_row", "guiSelectCard guiSelectNote")
private(
    "aqt.browser.table.table",
    "Table._state Table._set_sort_indicator",
    otherwise="no reorderCards in guiBrowse",
)

_ORDERS = {"ascending": False, "descending": True}


@gui("guiBrowse", runs_on=RunsOn.HTTP_THREAD)
def browse(
    context: RequestContext,
    query: Query = None,
    reorder_cards: Annotated[
        Optional[dict[str, Any]],
        ErrorText("reorderCards should be a dict: {value}"),
        "`columnId`, a visible column, and `order`, ascending or descending",
    ] = None,
    activate: Activate = True,
) -> Annotated[list[CardId], "ids that match, in no promised order; [] without a query"]:
    """Open or raise the Browse window, and search there if a query is given.

    `reorderCards` sorts the window by a column. A wrong query or order is told before the window changes.
    """
    order = _checked_order(reorder_cards)
    if query is None:
        found: list[CardId] = []
    else:
        found = context.run_on_collection(lambda col: list(col.find_cards(query)))
    context.run_on_main(lambda: _show(query, order, activate))
    return found


@gui("guiSelectCard")
def select_card(card: CardId) -> Annotated[bool, "false if no Browse window lists the card"]:
    """Select a card, and nothing else, in the open Browse window."""
    browser = _open_browser()
    if browser is None or browser.table._model.get_card_row(card) is None:
        return False
    browser.table.select_single_card(card)
    return True


@gui("guiSelectNote")
def select_note(
    note: Annotated[CardId, "a card id, despite the name"],
) -> Annotated[bool, "false if no Browse window lists the card"]:
    """Do as guiSelectCard does, under an old name."""
    return select_card(note)


@gui("guiSelectedNotes")
def selected_notes() -> Annotated[list[NoteId], "each once; [] without a Browse window"]:
    """List the notes that are selected in the Browse window."""
    browser = _open_browser()
    return list(browser.selected_notes()) if browser else []


def _open_browser() -> Optional[Browser]:
    main_window()
    browser: Optional[Browser] = dialog("Browser")
    return browser


def _checked_order(reorder: Optional[dict[str, Any]]) -> Optional[tuple[str, bool]]:
    """Column and whether it descends."""
    if reorder is None:
        return None
    if "columnId" not in reorder or "order" not in reorder:
        raise BadParams('Must provide a "columnId" and a "order" property"')
    column, order = reorder["columnId"], reorder["order"]
    if not isinstance(order, str) or order not in _ORDERS:
        raise BadParams(f"invalid card order: {named(order)}")
    if not isinstance(column, str):
        raise BadParams(f"invalid columnId: {named(column)}")
    return column, _ORDERS[order]


def _show(query: Optional[str], order: Optional[tuple[str, bool]], activate: bool) -> None:
    from aqt import gui_hooks

    if order is not None:
        _check_column(main_window().col, order[0])
    browser: Browser = open_dialog("Browser", activate, gui_hooks.browser_will_show)
    if order is not None:
        _set_order(browser, *order)
    if query is not None:
        browser.search_for(query)
    elif order is not None:
        browser.search()


def _check_column(col: Collection, key: str) -> None:
    """Raise BadParams unless the window shows the column and can sort by it."""
    notes_mode = col.get_config_bool(Config.Bool.BROWSER_TABLE_SHOW_NOTES_MODE)
    shown = col.load_browser_note_columns() if notes_mode else col.load_browser_card_columns()
    column = col.get_browser_column(key) if key in shown else None
    if column is None:
        raise BadParams(f"invalid columnId: {named(key)}")
    sorting = column.sorting_notes if notes_mode else column.sorting_cards
    if sorting == BrowserColumns.SORTING_NONE:
        raise BadParams(f"invalid columnId: {named(key)}")


def _set_order(browser: Browser, key: str, descending: bool) -> None:
    """Sort by a column, as a click on its header does, from the next search on."""
    state = browser.table._state
    if (state.sort_column, state.sort_backwards) != (key, descending):
        state.sort_column = key
        state.sort_backwards = descending
        browser.table._set_sort_indicator()
