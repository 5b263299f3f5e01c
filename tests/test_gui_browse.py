"""The order of the Browse window: refused before the window changes, and kept out of the undo history."""

from __future__ import annotations

import pytest

from .conftest import Api, ApiFailure, LiveServer, add_cards

BROWSER = "aqt.dialogs._dialogs['Browser'][1]"
SHOWN = f"list({BROWSER}.table._model._items)"


def by(column: str, order: str) -> dict[str, str]:
    return {"columnId": column, "order": order}


@pytest.mark.parametrize("column", ["nope", "noteCrt", "question"])
def test_a_column_to_sort_by_is_checked_before_the_window_opens(gui: Api, column: str) -> None:
    with pytest.raises(ApiFailure, match=f"^invalid columnId: {column}$"):
        gui("guiBrowse", query="", reorderCards=by(column, "ascending"))
    assert gui.look(f"{BROWSER} is None")


def test_an_order_alone_keeps_the_search(gui: Api) -> None:
    a, b, _ = add_cards(gui.server, "a", "b", "c")
    gui("guiBrowse", query="front:a or front:b", reorderCards=by("noteFld", "ascending"))
    assert gui("guiBrowse", reorderCards=by("noteFld", "descending")) == []
    assert gui.look(SHOWN) == [b, a]
    assert gui.look(f"{BROWSER}.current_search()") == "front:a or front:b"


def test_notes_are_sorted_by_the_columns_of_notes(gui: Api, anki: LiveServer) -> None:
    a, b = add_cards(gui.server, "a", "b")
    gui("guiBrowse", query="")
    anki.live.run(f"{BROWSER}.on_table_state_changed(True)")
    anki.live.wait_for(f"{BROWSER}.table.is_notes_mode()")
    assert sorted(gui("guiBrowse", query="", reorderCards=by("noteFld", "descending"))) == [a, b]
    assert gui.look(SHOWN) == sorted(gui("findNotes", query=""), reverse=True)
    anki.live.run("col.set_browser_note_columns(['noteFld'])")
    with pytest.raises(ApiFailure, match="^invalid columnId: cardDue$"):
        gui("guiBrowse", reorderCards=by("cardDue", "ascending"))


def test_browsing_keeps_what_waits_under_redo(gui: Api) -> None:
    add_cards(gui.server, "a")
    gui("guiBrowse", query="", reorderCards=by("noteFld", "descending"))
    gui.look("col.undo()")
    before = gui.look("str(col.undo_status())")
    gui("guiBrowse", query="", reorderCards=by("noteFld", "descending"))
    assert "redo" in before
    assert gui.look("str(col.undo_status())") == before
