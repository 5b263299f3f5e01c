"""Windows show what programs changed, once per burst, and no window takes the focus for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Api, LiveServer, add_cards, basic
from .windows import BROWSER, WebView

COUNT_REFRESHES = """
from aqt import gui_hooks
mw.refreshes = []
mw.count_refresh = lambda changes, handler: mw.refreshes.append(changes)
gui_hooks.operation_did_execute.append(mw.count_refresh)
"""


@pytest.fixture
def api(anki: LiveServer) -> Api:
    return Api(anki, "rpc")


@pytest.fixture
def counted(anki: LiveServer) -> Iterator[LiveServer]:
    """Anki with its main window in front, counting its refreshes from now on."""
    anki.live.run("mw.activateWindow(); mw.web.setFocus()")
    anki.live.wait_for("aqt.utils.current_window() == mw")
    anki.live.run(COUNT_REFRESHES)
    yield anki
    anki.live.run("from aqt import gui_hooks; gui_hooks.operation_did_execute.remove(mw.count_refresh)")


def test_the_deck_list_shows_counts_and_the_menu_the_entry(api: Api, counted: LiveServer) -> None:
    for number in range(3):
        api("addNote", note=basic(f"note {number}"))
    WebView(counted.live, "mw.web").wait_for('document.querySelector(".new-count").innerText === "3"')
    assert "AnkiConnect: add note" in api.look("mw.form.actionUndo.text()")


def test_a_whole_multi_is_shown_once_and_undone_at_once(api: Api, counted: LiveServer) -> None:
    api("multi", actions=[{"action": "addNote", "params": {"note": basic(front)}} for front in "abc"])
    counted.live.wait_for("mw.refreshes")
    WebView(counted.live, "mw.web").wait_for('document.querySelector(".new-count").innerText === "3"')
    assert api.look("len(mw.refreshes)") == 1
    assert api("guiUndo") is True
    assert api("findNotes", query="") == []


def test_rows_of_the_browser_are_right(api: Api, anki: LiveServer) -> None:
    add_cards(anki, "before")
    (note,) = api("findNotes", query="")
    api("guiBrowse", query="")
    anki.live.run(f"{BROWSER}.table._view.setFocus()")
    cell = f"{BROWSER}.table._model.get_cell({BROWSER}.table._model.index(0, 0)).text"
    anki.live.wait_for(f"{cell} == 'before'")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "after"}})
    anki.live.wait_for(f"{cell} == 'after'")
    api("deleteNotes", notes=[note])
    anki.live.wait_for(f"'deleted' in {cell}")


def test_a_review_goes_on_with_what_is_left(api: Api, counted: LiveServer) -> None:
    first, second = add_cards(counted, "a", "b")
    api("guiDeckReview", name="Default")
    assert api("guiCurrentCard")["cardId"] == first
    api("suspend", cards=[first])
    counted.live.wait_for(f"mw.reviewer.card and mw.reviewer.card.id == {second}")


def test_a_window_without_the_focus_refreshes_when_it_gets_it(api: Api, counted: LiveServer) -> None:
    first, second = add_cards(counted, "a", "b")
    api("guiDeckReview", name="Default")
    api("guiBrowse", query="")
    counted.live.run(f"{BROWSER}.table._view.setFocus()")
    counted.live.wait_for(f"aqt.utils.current_window() == {BROWSER}")
    counted.live.run("mw.refreshes.clear()")
    api("suspend", cards=[first])
    counted.live.wait_for("mw.refreshes")
    assert api.look("mw.reviewer.card.id") == first
    counted.live.run("mw.activateWindow(); mw.web.setFocus()")
    counted.live.wait_for(f"mw.reviewer.card.id == {second}")


def test_add_ons_see_notes_and_changes_through_ankis_hooks(api: Api, counted: LiveServer) -> None:
    counted.live.run(
        "from anki import hooks\n"
        "mw.seen = []\n"
        "def mark(col, note, deck_id):\n"
        "    mw.seen.append(deck_id); note['Back'] = 'marked'\n"
        "mw.mark = mark\n"
        "hooks.note_will_be_added.append(mark)"
    )
    (one,) = api("addNotes", notes=[basic("one")])
    two = api("addNote", note=basic("two"))
    counted.live.wait_for("mw.refreshes")
    counted.live.run("from anki import hooks; hooks.note_will_be_added.remove(mw.mark)")
    assert api.look("mw.seen") == [1, 1]
    assert [n["fields"]["Back"]["value"] for n in api("notesInfo", notes=[one, two])] == ["marked"] * 2
    assert api.look("mw.refreshes[0].note and mw.refreshes[0].note_text and mw.refreshes[0].study_queues")
