"""A review goes on undisturbed while programs change other cards: the answer stays, the timer too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Api, LiveServer, add_cards, basic
from .desktop import Desktop
from .live import LiveAnki
from .windows import WebView

# What a person notices, counted from now on.
WATCH = """
from aqt import gui_hooks
from aqt.reviewer import Reviewer
mw.noticed = []
mw.watched = [
    (gui_hooks.reviewer_did_show_question, lambda card: mw.noticed.append("question")),
    (gui_hooks.reviewer_did_show_answer, lambda card: mw.noticed.append("answer")),
    (gui_hooks.av_player_will_play_tags, lambda tags, side, context: mw.noticed.append("sound")),
    (gui_hooks.operation_did_execute, lambda changes, handler: setattr(mw, "told", changes)),
]
mw.told = None
for hook, watcher in mw.watched: hook.append(watcher)
mw.card = mw.reviewer.card
mw.began = mw.card.timer_started
"""
FORGET = "for hook, watcher in mw.watched: hook.remove(watcher)"
TYPED = {
    "modelName": "Typed",
    "inOrderFields": ["Front", "Back"],
    "cardTemplates": [{"Front": "{{Front}} {{type:Back}}", "Back": "{{FrontSide}}<hr id=answer>{{Back}}"}],
}


NEW_CARDS = "document.querySelector('#ansbut .new-count').innerText === '%d'"


def review(live: LiveAnki, deck: str) -> None:
    """Begin a review, and have its question drawn: Anki does it in vain while other pages still load."""
    live.anki.invoke("guiDeckReview", name=deck)
    WebView(live, "mw.web").wait_for("typeof _showQuestion === 'function'")
    WebView(live, "mw.bottomWeb").wait_for("typeof showQuestion === 'function'")
    live.run("mw.reviewer._showQuestion()")


@pytest.fixture
def api(on_desktop: LiveAnki, desktop: Desktop, template: Path) -> Iterator[Api]:
    """A review of the cards a and b in front, its question drawn. There are other notes in another deck."""
    live = on_desktop
    live.reset(template)
    live.run("mw.errors.clear()")
    live.wait_for("mw.web._domDone")
    server = LiveServer(live)
    api = Api(server, "rpc")
    api("createModel", **TYPED)
    api("createDeck", deck="Other")
    add_cards(server, "x", "y", deck="Other")
    for front in "ab":
        api(
            "addNote",
            note={**basic(front), "modelName": "Typed", "fields": {"Front": front, "Back": "back"}},
        )
    desktop.activate("Anki")
    live.run("mw.raise_()")
    review(live, "Default")
    live.wait_for("aqt.utils.current_window() == mw")
    WebView(live, "mw.web").wait_for("!!document.getElementById('typeans')")
    WebView(live, "mw.bottomWeb").wait_for(NEW_CARDS % 2)
    live.run(WATCH)
    yield api
    server.close()
    live.run(FORGET)
    assert not [error for error in live.look("mw.errors") if live.addon.name in error]


def live_of(api: Api) -> LiveAnki:
    assert isinstance(api.server, LiveServer)
    return api.server.live


def others(api: Api) -> dict[str, Any]:
    """The cards and notes that are not under review."""
    return {"cards": api("findCards", query="deck:Other"), "notes": api("findNotes", query="deck:Other")}


def change(api: Api, action: str, **params: Any) -> None:
    """Have a program change something, and wait until windows were told."""
    live_of(api).run("mw.told = None")
    api(action, **params)
    live_of(api).wait_for("mw.told is not None")
    live_of(api).run("mw.taskman._collection_executor.submit(lambda: None).result()")


OTHER_WRITES: list[tuple[str, Any]] = [
    ("addNote", lambda others: {"note": basic("new", "Other")}),
    ("addNote", lambda others: {"note": basic("new")}),
    ("createDeck", lambda others: {"deck": "New"}),
    ("suspend", lambda others: {"cards": others["cards"]}),
    ("changeDeck", lambda others: {"cards": others["cards"], "deck": "Default"}),
    ("updateNoteFields", lambda others: {"note": {"id": others["notes"][0], "fields": {"Front": "z"}}}),
    ("addTags", lambda others: {"notes": others["notes"], "tags": "new"}),
    ("setDueDate", lambda others: {"cards": others["cards"], "days": "0"}),
    ("answerCards", lambda others: {"answers": [{"cardId": others["cards"][0], "ease": 3}]}),
    ("deleteNotes", lambda others: {"notes": others["notes"]}),
    ("deleteDecks", lambda others: {"decks": ["Other"], "cardsToo": True}),
    ("updateModelStyling", lambda others: {"model": {"name": "Basic", "css": ".card {color: red}"}}),
]
IDS = [f"{number}-{action}" for number, (action, _) in enumerate(OTHER_WRITES)]


@pytest.mark.parametrize(("action", "params"), OTHER_WRITES, ids=IDS)
def test_an_answer_stays_while_other_cards_change(api: Api, action: str, params: Any) -> None:
    api("guiShowAnswer")
    api.look("mw.noticed.clear()")
    change(api, action, **params(others(api)))
    assert api.look("mw.noticed") == []
    assert api.look("mw.reviewer.card is mw.card and mw.card.timer_started == mw.began")
    assert api.look("mw.reviewer.state") == "answer"
    web = WebView(live_of(api), "mw.web")
    assert web.js("document.body.style.opacity") != "0.3"
    assert api("guiAnswerCard", ease=3) is True
    assert api.look("col.db.list('select cid from revlog order by id')")[-1] == api.look("mw.card.id")


@pytest.mark.parametrize(("action", "params"), OTHER_WRITES, ids=IDS)
def test_nothing_is_faded_behind_another_window(
    api: Api, desktop: Desktop, action: str, params: Any
) -> None:
    desktop.activate("Dictionary")
    live_of(api).wait_for("aqt.utils.current_window() is None")
    change(api, action, **params(others(api)))
    desktop.activate("Anki")
    live_of(api).wait_for("aqt.utils.current_window() == mw")
    assert api.look("mw.noticed") == []
    assert WebView(live_of(api), "mw.web").js("document.body.style.opacity") != "0.3"


def test_what_a_person_types_as_the_answer_stays_and_the_numbers_follow(api: Api, desktop: Desktop) -> None:
    web, bar = WebView(live_of(api), "mw.web"), WebView(live_of(api), "mw.bottomWeb")
    web.js("document.getElementById('typeans').focus()")
    live_of(api).run("mw.web.setFocus()")
    desktop.press("h", "a")
    web.wait_for("document.getElementById('typeans').value === 'ha'")
    bar.js(
        "window.drawn = 0; const draw = window.showQuestion;"
        " window.showQuestion = (...given) => { window.drawn += 1; draw(...given); }"
    )
    change(api, "addNote", note=basic("new"))
    bar.wait_for(NEW_CARDS % 3)
    assert bar.js("document.querySelector('#ansbut .new-count u').innerText") == "3"
    assert bar.js("window.drawn") == 0  # which would start the timer again
    change(api, "addNote", note=basic("another"))
    bar.wait_for(NEW_CARDS % 4)
    change(api, "addNote", note=basic("elsewhere", "Other"))
    change(api, "suspend", cards=api("findCards", query="front:new"))
    bar.wait_for(NEW_CARDS % 3)
    assert web.js("document.getElementById('typeans').value") == "ha"
    desktop.press("Return")
    live_of(api).wait_for("mw.reviewer.state == 'answer'")
    assert api.look("mw.reviewer.typedAnswer") == "ha"
    assert api.look("mw.reviewer.card is mw.card")


def test_numbers_leave_out_siblings_that_anki_buries(api: Api) -> None:
    preset = api("getDeckConfig", deck="Default")
    preset["new"]["bury"] = True
    api("saveDeckConfig", config=preset)
    api("createDeck", deck="Pairs")
    pair = {"deckName": "Pairs", "modelName": "Basic (and reversed card)"}
    for front in "cd":
        api("addNote", note={**pair, "fields": {"Front": front, "Back": "back"}})
    review(live_of(api), "Pairs")
    bar = WebView(live_of(api), "mw.bottomWeb")
    bar.wait_for(NEW_CARDS % 2)
    change(api, "addNote", note=basic("new", "Pairs"))
    bar.wait_for(NEW_CARDS % 3)


def test_an_answer_is_taken_though_another_card_would_come_first_by_now(api: Api, desktop: Desktop) -> None:
    cards = others(api)["cards"]
    change(api, "changeDeck", cards=cards, deck="Default")
    change(api, "setDueDate", cards=cards, days="0")
    desktop.press("Return")
    live_of(api).wait_for("mw.reviewer.state == 'answer'")
    change(api, "addNote", note=basic("new"))
    desktop.press("3")
    live_of(api).wait_for("mw.reviewer.card is not None and mw.reviewer.card is not mw.card")
    assert api.look("col.db.list('select cid from revlog where ease > 0')") == [api.look("mw.card.id")]
    assert api.look("mw.reviewer.card.type") == 2  # a review, which Anki puts first


OWN_WRITES: list[tuple[str, Any, str]] = [
    ("suspend", lambda card, note: {"cards": [card]}, "next"),
    ("deleteNotes", lambda card, note: {"notes": [note]}, "next"),
    ("changeDeck", lambda card, note: {"cards": [card], "deck": "Other"}, "next"),
    ("setDueDate", lambda card, note: {"cards": [card], "days": "5"}, "next"),
    ("answerCards", lambda card, note: {"answers": [{"cardId": card, "ease": 4}]}, "next"),
    ("updateNoteFields", lambda card, note: {"note": {"id": note, "fields": {"Back": "z"}}}, "redrawn"),
    ("addTags", lambda card, note: {"notes": [note], "tags": "new"}, "redrawn"),
    ("updateModelStyling", lambda card, note: {"model": {"name": "Typed", "css": ".card {}"}}, "redrawn"),
    (
        "setSpecificValueOfCard",
        lambda card, note: {"card": card, "keys": ["flags"], "newValues": [1], "warning_check": True},
        "flag",
    ),
]


@pytest.mark.parametrize(("action", "params", "expected"), OWN_WRITES, ids=[w[0] for w in OWN_WRITES])
def test_a_change_of_the_card_itself_is_shown(api: Api, action: str, params: Any, expected: str) -> None:
    api("guiShowAnswer")
    api.look("mw.noticed.clear()")
    card = api("guiCurrentCard")["cardId"]
    (note,) = api("cardsToNotes", cards=[card])
    change(api, action, **params(card, note))
    if expected == "next":
        live_of(api).wait_for(f"mw.reviewer.card and mw.reviewer.card.id != {card}")
        assert api.look("mw.reviewer.state") == "question"
    elif expected == "redrawn":
        assert "answer" in api.look("mw.noticed")
        assert api.look("mw.reviewer.state") == "answer"
    else:
        assert api.look("mw.noticed") == []
        assert api.look("mw.reviewer.card.user_flag()") == 1


def test_a_change_of_its_preset_is_shown(api: Api) -> None:
    preset = api("getDeckConfig", deck="Default")
    preset["new"]["delays"] = [7, 70]
    change(api, "saveDeckConfig", config=preset)
    assert "question" in api.look("mw.noticed")
    assert "7" in api("guiCurrentCard")["nextReviews"][0]


def test_what_is_undone_is_shown(api: Api) -> None:
    first = api("guiCurrentCard")["cardId"]
    api("guiShowAnswer")
    assert api("guiAnswerCard", ease=4) is True
    assert api("guiUndo") is True
    live_of(api).wait_for(f"mw.reviewer.card.id == {first}")


def test_a_key_before_the_refresh_does_not_answer_a_card_that_was_suspended(
    api: Api, tmp_path: Path
) -> None:
    card = api("guiCurrentCard")["cardId"]
    api("guiShowAnswer")
    written = tmp_path / "written"

    def write() -> None:
        with_own = LiveServer(live_of(api))
        Api(with_own, "rpc")("suspend", cards=[card])
        with_own.close()
        written.touch()

    writing = threading.Thread(target=write)
    writing.start()
    live_of(api).run(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(written)!r}).exists(): time.sleep(0.01)\n"
        "mw.reviewer._answerCard(3)"
    )
    writing.join()
    live_of(api).wait_for(f"mw.reviewer.card and mw.reviewer.card.id != {card}")
    assert api.look(f"col.get_card({card}).queue") == -1
    assert api.look("col.db.scalar('select count() from revlog')") == 0
