"""Suspending, being due, intervals and answers."""

from __future__ import annotations

import time

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, LiveServer, Server, add_cards

UNKNOWN = 1


def undo_name(api: Api) -> str:
    return str(api.look("col.undo_status().undo"))


def set_card(server: Server, card: int, **values: int) -> None:
    columns = ", ".join(f"{name} = {value}" for name, value in values.items())
    server.look(f"col.db.execute('update cards set {columns} where id = {card}')")


def log_review(server: Server, card: int, seconds_ago: int, interval: int, ease: int = 3) -> None:
    when = int((time.time() - seconds_ago) * 1000)
    row = f"({when}, {card}, -1, {ease}, {interval}, 0, 2500, 1000, 0)"
    server.look(f"col.db.execute('insert into revlog values {row}')")


def test_suspend_tells_whether_anything_changed(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("suspend", cards=[a]) is True
    assert api("areSuspended", cards=[a, b, UNKNOWN]) == [True, False, None]
    assert undo_name(api) == "AnkiConnect: suspend"
    assert api("suspend", cards=[a, a, a]) is False
    assert api("suspend", cards=[]) is False
    assert api("suspend", cards=[a, str(b)]) is True
    api.look("col.undo(), col.undo()")
    assert api("areSuspended", cards=[a, b]) == [False, False]


def test_unsuspend_tells_whether_anything_changed(api: Api) -> None:
    a, b, c = add_cards(api.server, "a", "b", "c")
    api("suspend", cards=[a, b])
    assert api("unsuspend", cards=[a, b, c]) is True
    assert undo_name(api) == "AnkiConnect: unsuspend"
    assert api("areSuspended", cards=[a, b, c]) == [False, False, False]
    assert api("unsuspend", cards=[a, b, c]) is False


def test_suspend_false_unsuspends(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    api("suspend", cards=[a])
    assert api("suspend", cards=[a], suspend=False) is True
    assert api("areSuspended", cards=[a]) == [False]


@pytest.mark.parametrize("action", ["suspend", "unsuspend"])
def test_an_unknown_card_changes_nothing(api: Api, action: str) -> None:
    a, b = add_cards(api.server, "a", "b")
    api("suspend", cards=[b])
    with pytest.raises(ApiFailure, match=r"^Card was not found: 1$") as failed:
        api(action, cards=[a, b, UNKNOWN])
    assert failed.value.reply.status in (200, 404)
    assert api("areSuspended", cards=[a, b]) == [False, True]


# Being due


def test_new_cards_are_due_unless_suspended_or_buried(api: Api) -> None:
    new, suspended, buried = add_cards(api.server, "a", "b", "c")
    api("suspend", cards=[suspended])
    api.look(f"col.sched.bury_cards([{buried}])")
    assert api("areDue", cards=[new, suspended, buried, UNKNOWN]) == [True, False, False, None]


def test_review_cards_are_due_on_their_day(headless: HeadlessServer) -> None:
    today, tomorrow = add_cards(headless, "a", "b")
    day = headless.look("col.sched.today")
    set_card(headless, today, type=2, queue=2, ivl=5, due=day)
    set_card(headless, tomorrow, type=2, queue=2, ivl=5, due=day + 1)
    log_review(headless, today, 5 * 86400, 5)
    reply = headless.send("POST", "/areDue", {"cards": [today, tomorrow]})
    assert reply.json["result"] == [True, False]


@pytest.mark.parametrize(("seconds_ago", "due"), [(60, False), (7200, True)])
def test_a_long_step_is_due_when_it_has_run_out(
    headless: HeadlessServer, seconds_ago: int, due: bool
) -> None:
    (card,) = add_cards(headless, "a")
    now = int(time.time())
    set_card(headless, card, type=1, queue=1, due=now - seconds_ago + 3600)
    log_review(headless, card, seconds_ago, -3600)
    log_review(headless, card, 0, 0, ease=0)  # a manual entry says nothing of steps
    assert headless.send("POST", "/areDue", {"cards": [card]}).json["result"] == [due]


def test_a_short_step_is_due_at_once(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    headless.send("POST", "/answerCards", {"answers": [{"cardId": card, "ease": 1}]})
    found = headless.look("list(col.find_cards('is:due'))")
    assert headless.send("POST", "/areDue", {"cards": [card]}).json["result"] == [card in found]


def test_a_review_card_without_history_is_judged_like_the_others(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    set_card(headless, card, type=2, queue=2, ivl=5, due=headless.look("col.sched.today"))
    assert headless.send("POST", "/areDue", {"cards": [card]}).json["result"] == [True]


# Intervals


def test_intervals_come_from_the_review_log(api: Api) -> None:
    new, learned = add_cards(api.server, "a", "b")
    set_card(api.server, learned, type=2, queue=2, ivl=4)
    for seconds_ago, interval in ((900, -60), (800, -600), (100, 4)):
        log_review(api.server, learned, seconds_ago, interval)
    assert api("getIntervals", cards=[learned, new, UNKNOWN, str(learned)]) == [4, 0, None, 4]
    assert api("getIntervals", cards=[learned, new, UNKNOWN], complete=True) == [[-60, -600, 4], [], []]


def test_without_history_a_card_tells_the_interval_it_has(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    set_card(headless, card, type=2, queue=2, ivl=9)
    assert headless.send("POST", "/getIntervals", {"cards": [card]}).json["result"] == [9]


# Answers


def test_answers_are_recorded(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    answers = [{"cardId": b, "ease": 4}, {"cardId": UNKNOWN, "ease": 1}, {"cardId": str(a), "ease": 1}]
    assert api("answerCards", answers=answers) == [True, False, True]
    assert api.look("col.db.list('select ease from revlog order by cid')") == [1, 4]
    first, second = api("cardsInfo", cards=[a, b])
    assert (first["type"], second["type"]) == (1, 2)
    assert undo_name(api) == "AnkiConnect: answer cards"
    api.look("col.undo()")
    assert api.look("col.db.list('select ease from revlog')") == []
    assert [info["type"] for info in api("cardsInfo", cards=[a, b])] == [0, 0]


def test_one_bad_answer_refuses_all(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    for bad in (0, 5, -1):
        with pytest.raises(ApiFailure, match=r"^invalid ease$"):
            api("answerCards", answers=[{"cardId": a, "ease": 3}, {"cardId": b, "ease": bad}])
        assert api.warnings == f"answers[1].ease is {bad}, not 1 to 4"
    with pytest.raises(ApiFailure, match=r"answers\[1\].ease: 'ease' is a required property"):
        api("answerCards", answers=[{"cardId": a, "ease": 3}, {"cardId": b}])
    assert api.look("col.db.scalar('select count() from revlog')") == 0


def test_a_card_may_be_answered_twice_and_while_suspended(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    api("suspend", cards=[card])
    answers = [{"cardId": card, "ease": 3}, {"cardId": card, "ease": 3}]
    assert api("answerCards", answers=answers) == [True, True]
    assert api("areSuspended", cards=[card]) == [False]
    assert api.look("col.db.scalar('select count() from revlog')") == 2


def test_the_time_that_an_answer_took_is_stored(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    for taken in (4200, 86400000):
        api("answerCards", answers=[{"cardId": card, "ease": 3, "timeTaken": taken}])
    times = api.look("col.db.list('select time from revlog order by id')")
    assert times[0] == pytest.approx(4200, abs=100)
    assert times[1] == 60000  # the preset's maximum
    with pytest.raises(ApiFailure, match=r"answers\[0\].timeTaken is -1"):
        api("answerCards", answers=[{"cardId": card, "ease": 3, "timeTaken": -1}])


def test_cards_are_answered_while_the_user_reviews(anki: LiveServer) -> None:
    _a, b, c = add_cards(anki, "a", "b", "c")
    anki.send("POST", "/guiDeckReview", {"name": "Default"})
    answers = [{"cardId": c, "ease": 3}, {"cardId": b, "ease": 4}]
    reply = anki.send("POST", "/answerCards", {"answers": answers}).json
    assert reply == {"result": [True, True], "error": None}
    assert anki.look("col.undo_status().undo") == "AnkiConnect: answer cards"
    anki.look("col.undo()")
    assert anki.look("col.db.scalar('select count() from revlog')") == 0
