"""A review by remote control while another window has the keyboard: actions meet the card as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Api, LiveServer, add_cards
from .desktop import Desktop
from .live import LiveAnki
from .windows import WebView

BOXES = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
SUSPENDED = -1


@pytest.fixture(params=["Dictionary", "Browse"])
def api(
    request: pytest.FixtureRequest, on_desktop: LiveAnki, desktop: Desktop, template: Path
) -> Iterator[Api]:
    """A review of two new cards, whose first answer shows, behind another program or the Browse window."""
    on_desktop.reset(template)
    on_desktop.run("mw.errors.clear()")
    server = LiveServer(on_desktop)
    api = Api(server, "rpc")
    add_cards(server, "first", "second")
    api("guiDeckReview", name="Default")
    api("guiShowAnswer")
    if request.param == "Browse":
        api("guiBrowse", query="")
    desktop.activate(request.param)
    on_desktop.wait_for("aqt.utils.current_window() != mw")
    yield api
    server.close()
    assert request.param in desktop.active()
    assert on_desktop.look(f"[box.text() for box in {BOXES}]") == []
    assert not [error for error in on_desktop.look("mw.errors") if on_desktop.addon.name in error]


def cards(api: Api) -> list[int]:
    found: list[int] = api.look("col.db.list('select id from cards order by due')")
    return found


def notes(api: Api) -> list[int]:
    found: list[int] = api.look("col.db.list('select nid from cards order by due')")
    return found


def test_the_card_is_described_with_its_new_text(api: Api) -> None:
    api("updateNoteFields", note={"id": notes(api)[0], "fields": {"Front": "premier", "Back": "back"}})
    card = api("guiCurrentCard")
    assert card["cardId"] == cards(api)[0]
    assert card["fields"]["Front"]["value"] == "premier"
    assert "premier" in card["question"]
    assert "back" in card["answer"]
    assert api.look("mw.reviewer.state") == "answer"  # as it was
    assert api("guiAnswerCard", ease=3) is True


def test_a_card_that_was_suspended_is_not_answered(api: Api) -> None:
    first, second = cards(api)
    api("suspend", cards=[first])
    assert api("guiAnswerCard", ease=3) is False
    assert api("guiCurrentCard")["cardId"] == second
    assert api.look(f"col.get_card({first}).queue") == SUSPENDED
    assert api.look("col.db.scalar('select count() from revlog')") == 0


def test_a_card_that_was_deleted_is_not_answered(api: Api) -> None:
    _, second = cards(api)
    api("deleteNotes", notes=notes(api)[:1])
    assert api("guiAnswerCard", ease=3) is False
    assert api("guiCurrentCard")["cardId"] == second
    assert api.look("col.undo_status().undo") == "AnkiConnect: delete notes"


def test_a_change_of_the_text_does_not_hide_that_the_card_is_suspended(api: Api) -> None:
    first, second = cards(api)
    api("suspend", cards=[first])
    api.server.live.wait_for("bool(mw.reviewer._refresh_needed)")  # type: ignore[attr-defined]
    api("addTags", notes=notes(api)[:1], tags="new")
    assert api("guiAnswerCard", ease=3) is False
    assert api("guiCurrentCard")["cardId"] == second
    assert api.look(f"col.get_card({first}).queue") == SUSPENDED


@pytest.mark.parametrize(
    ("action", "params", "result"),
    [
        ("guiReviewActive", {}, False),
        ("guiStartCardTimer", {}, False),
        ("guiPlayAudio", {}, False),
        ("guiShowQuestion", {}, False),
        ("guiShowAnswer", {}, False),
        ("guiAnswerCard", {"ease": 3}, False),
    ],
)
def test_a_review_without_cards_is_over(
    api: Api, action: str, params: dict[str, Any], result: bool
) -> None:
    api("suspend", cards=cards(api))
    assert api(action, **params) is result
    assert api.look("mw.state") == "overview"
    live = api.server.live  # type: ignore[attr-defined]
    # Anki tells in a box if this page is taken away while it loads.
    WebView(live, "mw.web").wait_for("!!document.querySelector('.congrats')")


def test_an_answer_that_was_undone_can_be_given_again(api: Api) -> None:
    first, _ = cards(api)
    assert api("guiAnswerCard", ease=4) is True
    assert api("guiUndo") is True
    assert api("guiCurrentCard")["cardId"] == first
    api("guiShowAnswer")
    assert api("guiAnswerCard", ease=4) is True


def test_a_review_begins_with_what_is_left(api: Api) -> None:
    first, second = cards(api)
    api("suspend", cards=[first])
    api("guiDeckReview", name="Default")
    assert api("guiCurrentCard")["cardId"] == second
