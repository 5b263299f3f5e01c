"""Reviewing by remote control: answers are taken before the reply, and only once."""

from __future__ import annotations

from .conftest import Api, LiveServer, add_cards

BREAK_AFTER_THE_NEXT_CARD = "col.conf['timeLim'] = 1; col.startTimebox(); col._startTime -= 60"
QUESTION = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"


def start(gui: Api, *fronts: str) -> list[int]:
    """Review a deck with these new cards; returns them in order."""
    cards = add_cards(gui.server, *fronts)
    gui("guiDeckReview", name="Default")
    return cards


def test_the_next_card_is_there_when_an_answer_is_replied_to(gui: Api) -> None:
    cards = start(gui, *"abcdefgh")
    for card in cards:
        assert gui("guiCurrentCard")["cardId"] == card
        gui("guiShowAnswer")
        assert gui("guiAnswerCard", ease=4) is True
    assert gui.look("mw.state") == "overview"
    assert gui.look("col.db.list('select cid from revlog order by id')") == cards


def test_nothing_is_shown_while_an_answer_is_being_taken(gui: Api, anki: LiveServer) -> None:
    _, second = start(gui, "a", "b")
    gui("guiShowAnswer")
    with anki.live.busy_lane():
        anki.live.run("mw.reviewer._answerCard(3)")
        assert gui("guiShowAnswer") is False
        assert gui("guiShowQuestion") is False
        assert gui("guiAnswerCard", ease=3) is False
    anki.live.wait_for(f"mw.reviewer.card.id == {second} and mw.reviewer.state == 'question'")
    assert gui.look("col.db.scalar('select count() from revlog')") == 1


def test_an_answer_is_ankis_own_undo_entry(gui: Api) -> None:
    (card,) = start(gui, "a")
    gui("guiShowAnswer")
    gui("guiAnswerCard", ease=4)
    assert gui.look("col.undo_status().undo") == "Answer Card"
    gui.look("col.undo()")
    assert gui.look("col.db.scalar('select count() from revlog')") == 0
    assert gui("cardsInfo", cards=[card])[0]["queue"] == 0


def test_an_answer_that_another_add_on_stops_is_not_given(gui: Api, anki: LiveServer) -> None:
    start(gui, "a")
    gui("guiShowAnswer")
    anki.live.run(
        "stop = lambda allowed, *_: (False, allowed[1])\n"
        "mw.stop_answers = stop\n"
        "aqt.gui_hooks.reviewer_will_answer_card.append(stop)"
    )
    assert gui("guiAnswerCard", ease=3) is False
    anki.live.run("aqt.gui_hooks.reviewer_will_answer_card.remove(mw.stop_answers)")
    assert gui("guiAnswerCard", ease=3) is True


def test_a_question_about_a_break_holds_up_no_reply(gui: Api, anki: LiveServer) -> None:
    start(gui, "a", "b")
    gui("guiShowAnswer")
    anki.live.run(BREAK_AFTER_THE_NEXT_CARD)
    assert gui("guiAnswerCard", ease=3) is True
    anki.live.wait_for(f"bool({QUESTION})")
    assert gui("guiShowAnswer") is False
    anki.live.run(f"{QUESTION}[0].buttons()[0].click()")
    anki.live.wait_for("mw.reviewer.state == 'question'")
