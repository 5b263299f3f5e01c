"""Actions that drive Anki's windows, in a real Anki with real windows."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from addon.actions import registry

from .conftest import Api, ApiFailure, HeadlessServer, LiveServer, add_cards, basic

GUI = sorted(name for name in registry if name.startswith("gui"))
BROWSER = "aqt.dialogs._dialogs['Browser'][1]"
ADD = "aqt.dialogs._dialogs['AddCards'][1]"
SAMPLES: dict[str, dict[str, Any]] = {
    "guiAddNoteSetData": {"note": {}},
    "guiAnswerCard": {"ease": 3},
    "guiDeckOverview": {"name": "Default"},
    "guiDeckReview": {"name": "Default"},
    "guiEditNote": {"note": 1},
    "guiSelectCard": {"card": 1},
    "guiSelectNote": {"note": 1},
}


@pytest.mark.parametrize("name", GUI)
def test_without_a_window_the_caller_is_told(headless: HeadlessServer, name: str) -> None:
    reply = headless.send("POST", f"/{name}", SAMPLES.get(name, {}))
    assert reply.status == 501
    assert "needs Anki's window" in reply.json["error"]


# Browse


def test_browse_opens_the_window_and_searches(gui: Api) -> None:
    a, b = add_cards(gui.server, "a", "b")
    assert gui("guiBrowse", query="front:a") == [a]
    assert gui.look(f"{BROWSER}.table.len()") == 1
    assert gui.look(f"{BROWSER}.current_search()") == "front:a"
    assert sorted(gui("guiBrowse", query="")) == [a, b]
    assert gui.look(f"{BROWSER}.table.len()") == 2


def test_browse_without_a_query_only_opens(gui: Api) -> None:
    add_cards(gui.server, "a")
    assert gui("guiBrowse") == []
    assert gui.look(f"{BROWSER}.isVisible()")


def test_browse_may_find_nothing(gui: Api) -> None:
    assert gui("guiBrowse", query="nid:1") == []


def test_a_wrong_query_opens_nothing(gui: Api) -> None:
    with pytest.raises(ApiFailure, match="^Invalid search: "):
        gui("guiBrowse", query="(")
    assert gui.look(BROWSER) is None


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_browse_sorts_by_a_column(gui: Api, order: str) -> None:
    a, b, c = add_cards(gui.server, "a", "b", "c")
    reorder = {"columnId": "noteFld", "order": order}
    assert sorted(gui("guiBrowse", query="", reorderCards=reorder)) == [a, b, c]
    shown = list(gui.look(f"list({BROWSER}.table._model._items)"))
    assert shown == ([a, b, c] if order == "ascending" else [c, b, a])


@pytest.mark.parametrize(
    ("reorder", "text"),
    [
        ([], "reorderCards should be a dict: []"),
        ("x", "reorderCards should be a dict: x"),
        ({}, 'Must provide a "columnId" and a "order" property"'),
        ({"columnId": "noteFld"}, 'Must provide a "columnId" and a "order" property"'),
        ({"columnId": "noteFld", "order": "up"}, "invalid card order: up"),
        ({"columnId": "noteFld", "order": None}, "invalid card order: null"),
        ({"columnId": "nope", "order": "ascending"}, "invalid columnId: nope"),
        ({"columnId": "noteCrt", "order": "ascending"}, "invalid columnId: noteCrt"),
        ({"columnId": 5, "order": "ascending"}, "invalid columnId: 5"),
    ],
)
def test_a_wrong_order_is_told(gui: Api, reorder: Any, text: str) -> None:
    with pytest.raises(ApiFailure) as failed:
        gui("guiBrowse", query="", reorderCards=reorder)
    assert failed.value.text == text
    assert gui("guiBrowse", query="nid:1") == []


def test_a_card_is_selected_where_it_is_listed(gui: Api) -> None:
    a, b = add_cards(gui.server, "a", "b")
    notes = gui("cardsToNotes", cards=[a]) + gui("cardsToNotes", cards=[b])
    assert gui("guiSelectCard", card=a) is False
    assert gui("guiSelectedNotes") == []
    gui("guiBrowse", query="")
    for action, name, card, note in (
        ("guiSelectCard", "card", b, notes[1]),
        ("guiSelectNote", "note", a, notes[0]),
    ):
        assert gui(action, **{name: card}) is True
        assert gui("guiSelectedNotes") == [note]
    assert gui("guiSelectCard", card=1) is False
    assert gui("guiSelectedNotes") == [notes[0]]


# Add


def test_the_add_window_opens(gui: Api) -> None:
    assert gui("guiAddCards") == 0
    assert gui.look(f"{ADD}.isVisible()")
    assert gui("guiAddCards") == 0


def test_the_add_window_is_filled_in_and_adds_nothing(gui: Api) -> None:
    gui("createDeck", deck="Verbs")
    picture = {
        "filename": "p.png",
        "data": base64.b64encode(b"picture").decode(),
        "fields": ["Back"],
    }
    note = {
        "deckName": "verbs",
        "modelName": "Basic (and reversed card)",
        "fields": {"front": "ir", "Nope": "ignored"},
        "tags": ["spanish", "n1"],
        "picture": [picture],
    }
    assert gui("guiAddCards", note=note) == 0
    filled = f"({ADD}.editor.note.fields, {ADD}.editor.note.tags, {ADD}.editor.note.note_type()['name'])"
    fields, tags, note_type = gui.look(filled)
    assert list(fields) == ["ir", '<img src="p.png">']
    assert sorted(tags) == ["n1", "spanish"]
    assert note_type == "Basic (and reversed card)"
    assert gui.look(f"col.decks.name({ADD}.deck_chooser.selected_deck_id)") == "Verbs"
    assert gui("findNotes", query="") == []
    assert gui("getMediaFilesNames") == ["p.png"]


def test_an_untouched_add_window_is_filled_in_again(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards")
    gui("guiAddCards", note=basic("new"))
    anki.live.wait_for(f"{ADD} and {ADD}.editor.note.fields[0] == 'new'")


def test_text_in_the_add_window_is_not_dropped_unasked(gui: Api, anki: LiveServer) -> None:
    live = anki.live
    gui("guiAddCards")
    live.run(f"w = {ADD}; w.editor.note.fields[0] = 'half typed'; w.editor.loadNoteKeepingFocus()")
    live.wait_for(f"{ADD}.editor.web is not None")
    assert gui("guiAddCards", note=basic("new")) == 0
    question = (
        "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
    )
    live.wait_for(f"bool({question})")
    assert gui.look(f"{ADD}.editor.note.fields[0]") == "half typed"
    assert gui("deckNames") == ["Default"]
    live.run(f"{question.replace('[w for', 'result = None; [w.reject() for')}")


@pytest.mark.parametrize(
    ("note", "text"),
    [
        (basic("a", "Nope"), "deck was not found: Nope"),
        ({**basic("a"), "modelName": "Nope"}, "model was not found: Nope"),
        ({"modelName": "Basic"}, "note.deckName: 'deckName' is a required property"),
        ({"deckName": "Default"}, "note.modelName: 'modelName' is a required property"),
        (basic("a", audio={"filename": "a", "data": "x"}), "Only base64 data is allowed|padding|base64"),
    ],
)
def test_a_wrong_note_opens_nothing(gui: Api, note: dict[str, Any], text: str) -> None:
    with pytest.raises(ApiFailure, match=text):
        gui("guiAddCards", note=note)
    assert gui.look(ADD) is None


# Screens


def test_screens_are_shown(gui: Api) -> None:
    gui("createDeck", deck="Verbs")
    assert gui("guiDeckOverview", name="verbs") is True
    assert gui.look("(mw.state, col.decks.current()['name'])") == ("overview", "Verbs")
    assert gui("guiDeckBrowser") is None
    assert gui.look("mw.state") == "deckBrowser"


def test_a_deck_is_reviewed(gui: Api) -> None:
    add_cards(gui.server, "a")
    assert gui("guiDeckReview", name="Default") is True
    assert gui.look("mw.state") == "review"


def test_a_deck_with_nothing_due_is_finished(gui: Api) -> None:
    assert gui("guiDeckReview", name="Default") is True
    assert gui.look("mw.state") == "overview"


@pytest.mark.parametrize("action", ["guiDeckOverview", "guiDeckReview"])
def test_an_unknown_deck_is_false_and_shows_nothing(gui: Api, action: str) -> None:
    assert gui(action, name="Nope") is False
    assert gui.look("mw.state") == "deckBrowser"


def test_undo_tells_whether_there_was_anything(gui: Api) -> None:
    assert gui("guiUndo") is False
    gui("createDeck", deck="A")
    assert gui("guiUndo") is True
    assert gui("deckNames") == ["Default"]
    assert "A" not in gui.look("mw.form.actionUndo.text()").replace("AnkiConnect", "")
    assert gui("guiUndo") is False


def test_the_database_is_checked_before_the_persons_eyes(gui: Api, anki: LiveServer) -> None:
    assert gui("guiCheckDatabase") is True
    shown = "[w for w in mw.app.topLevelWidgets() if w is not mw and w.isVisible()]"
    anki.live.wait_for(f"bool({shown}) or bool(aqt.utils._tooltipLabel)")


# Review


def test_outside_review_there_is_no_card(gui: Api) -> None:
    with pytest.raises(ApiFailure, match=r"^Gui review is not currently active\.$"):
        gui("guiCurrentCard")
    assert gui.with_version(4, "guiCurrentCard") is None
    assert gui("guiShowQuestion") is False
    assert gui("guiShowAnswer") is False
    assert gui("guiAnswerCard", ease=3) is False


def test_the_current_card_is_described(gui: Api) -> None:
    (card,) = add_cards(gui.server, "a")
    gui("guiDeckReview", name="Default")
    current = gui("guiCurrentCard")
    (info,) = gui("cardsInfo", cards=[card])
    assert current == {
        **{name: info[name] for name in ("cardId", "fields", "fieldOrder", "question", "answer")},
        **{name: info[name] for name in ("nextReviews", "modelName", "deckName", "css")},
        "buttons": [1, 2, 3, 4],
        "template": "Card 1",
    }


def test_a_card_is_answered_once_its_answer_shows(gui: Api, anki: LiveServer) -> None:
    a, b = add_cards(gui.server, "a", "b")
    gui("guiDeckReview", name="Default")
    assert gui("guiCurrentCard")["cardId"] == a
    assert gui("guiAnswerCard", ease=3) is False
    assert gui("guiShowAnswer") is True
    assert gui.look("mw.reviewer.state") == "answer"
    for ease in (0, 5, -1):
        assert gui("guiAnswerCard", ease=ease) is False
    assert gui("guiAnswerCard", ease=4) is True
    anki.live.wait_for(f"mw.reviewer.card and mw.reviewer.card.id == {b}")
    assert gui.look("col.db.list('select ease from revlog')") == [4]


def test_the_review_screen_is_asked_and_told(gui: Api) -> None:
    for action in ("guiReviewActive", "guiStartCardTimer", "guiPlayAudio"):
        assert gui(action) is False
    add_cards(gui.server, "a")
    gui("guiDeckReview", name="Default")
    gui.look("setattr(mw.reviewer.card, 'timer_started', 0)")
    for action in ("guiReviewActive", "guiStartCardTimer", "guiPlayAudio"):
        assert gui(action) is True
    assert gui.look("mw.reviewer.card.timer_started") > 0


def test_the_question_is_shown_again(gui: Api) -> None:
    add_cards(gui.server, "a")
    gui("guiDeckReview", name="Default")
    gui("guiShowAnswer")
    assert gui("guiShowQuestion") is True
    assert gui.look("mw.reviewer.state") == "question"


def test_ease_must_be_a_number(gui: Api) -> None:
    with pytest.raises(ApiFailure, match="ease: 'good' is not of type 'integer'"):
        gui("guiAnswerCard", ease="good")
