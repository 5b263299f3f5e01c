"""Ease factors, due dates, positions and grades."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, add_cards

UNKNOWN = 1


def undo_name(api: Api) -> str:
    return str(api.look("col.undo_status().undo")).replace("AnkiConnect: ", "")


def test_factors_are_set_and_read(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("getEaseFactors", cards=[a, UNKNOWN, str(a)]) == [0, None, 0]
    assert api("setEaseFactors", cards=[a, UNKNOWN, b], easeFactors=[2300, 1, 2500, 9]) == [
        True,
        False,
        True,
    ]
    assert api("getEaseFactors", cards=[b, a]) == [2500, 2300]
    assert undo_name(api) == "set ease factors"
    api.look("col.undo()")
    assert api("getEaseFactors", cards=[a, b]) == [0, 0]


def test_too_few_factors_change_nothing(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    with pytest.raises(ApiFailure, match="easeFactors: 1 factors for 2 cards"):
        api("setEaseFactors", cards=[a, b], easeFactors=[2300])
    assert api("getEaseFactors", cards=[a, b]) == [0, 0]


def test_one_card_is_asked_about(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    assert api("suspended", card=str(a)) is False
    api("suspend", cards=[a])
    assert api("suspended", card=a) is True
    with pytest.raises(ApiFailure, match="^Card was not found: 1$"):
        api("suspended", card=UNKNOWN)


def test_modification_times_and_descriptions(api: Api) -> None:
    (a,) = add_cards(api.server, "a")
    mod = api.look(f"col.get_card({a}).mod")
    assert api("cardsModTime", cards=[UNKNOWN, a]) == [{}, {"cardId": a, "mod": mod}]
    assert api("findCardsInfo", query="front:a") == api("cardsInfo", cards=[a])
    assert api("findCardsInfo") == []


def test_cards_are_put_into_relearning_as_anki_would(api: Api) -> None:
    new, reviewed = add_cards(api.server, "a", "b")
    api("answerCards", answers=[{"cardId": reviewed, "ease": 4}])
    interval = api("cardsInfo", cards=[reviewed])[0]["interval"]
    assert api("relearnCards", cards=[new, reviewed, UNKNOWN]) is None
    first, second = api("cardsInfo", cards=[new, reviewed])
    assert [(info["type"], info["queue"]) for info in (first, second)] == [(3, 1), (3, 1)]
    assert (first["interval"], second["interval"]) == (1, interval)
    assert api("areDue", cards=[new, reviewed]) == [True, True]
    assert undo_name(api) == "relearn cards"
    answers = [{"cardId": new, "ease": 3}, {"cardId": reviewed, "ease": 3}]
    assert api("answerCards", answers=answers) == [True, True]
    assert [info["type"] for info in api("cardsInfo", cards=[new, reviewed])] == [2, 2]
    assert api("checkDatabase")["ok"] is True


def test_values_of_a_card_are_set(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    setting = {"card": str(card), "keys": ["flags", "due"], "newValues": [3, "77"]}
    assert api("setSpecificValueOfCard", **setting) == [True]
    (info,) = api("cardsInfo", cards=[card])
    assert (info["flags"], info["due"]) == (3, 77)
    assert undo_name(api) == "set card values"
    guarded = {"card": card, "keys": ["ivl"], "newValues": [10]}
    assert api("setSpecificValueOfCard", **guarded) is False
    assert api("setSpecificValueOfCard", **guarded, warning_check=True) == [True]
    assert api("cardsInfo", cards=[card])[0]["interval"] == 10


@pytest.mark.parametrize(
    ("params", "result"),
    [
        ({"card": [1]}, False),
        ({"keys": "flags"}, False),
        ({"keys": [["flags"]]}, False),
        ({"newValues": 3}, False),
        ({"newValues": [3, 4]}, False),
        ({"keys": ["id"], "newValues": [5]}, False),
        ({"card": UNKNOWN}, [[False, "Card was not found: 1"]]),
        ({"newValues": ["x"]}, [[False, "flags: 'x' is not of type 'integer'"]]),
        ({"newValues": [None]}, [[False, "flags: null is not of type 'integer'"]]),
        ({"newValues": [8]}, [[False, "flags: 8 is not from 0 to 7"]]),
    ],
)
def test_values_that_cannot_be_set_change_nothing(
    headless: HeadlessServer, params: dict[str, Any], result: Any
) -> None:
    (card,) = add_cards(headless, "a")
    sent = {"card": card, "keys": ["flags"], "newValues": [3], **params}
    assert headless.send("POST", "/setSpecificValueOfCard", sent).json["result"] == result
    assert headless.look("col.undo_status().undo") == "AnkiConnect: add note"


@pytest.mark.parametrize("key", ["data", "nope", "id", "usn"])
def test_a_value_that_is_not_ours_to_set_is_named(headless: HeadlessServer, key: str) -> None:
    (card,) = add_cards(headless, "a")
    sent = {"card": card, "keys": [key], "newValues": [3], "warning_check": True}
    ((saved, reason),) = headless.send("POST", "/setSpecificValueOfCard", sent).json["result"]
    assert saved is False
    assert reason.startswith(f"{key} can't be set; these can: factor, flags, due, did")


def test_cards_become_new_again(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    position = api("cardsInfo", cards=[b])[0]["due"]
    api("answerCards", answers=[{"cardId": b, "ease": 4}])
    assert api("forgetCards", cards=[b, UNKNOWN]) is None
    (info,) = api("cardsInfo", cards=[b])
    assert (info["type"], info["queue"], info["due"], info["reps"]) == (0, 0, position, 1)
    assert undo_name(api) == "forget cards"
    api.look("col.undo()")
    assert api("cardsInfo", cards=[b])[0]["type"] == 2
    assert api("cardsInfo", cards=[a])[0]["type"] == 0


@pytest.mark.parametrize(
    ("days", "interval"), [("1", 1), (1, 1), ("3-7", None), ("7-3", None), ("5!", 5), ("0", None)]
)
def test_cards_are_made_due(headless: HeadlessServer, days: Any, interval: int | None) -> None:
    (card,) = add_cards(headless, "a")
    reply = headless.send("POST", "/setDueDate", {"cards": [card, UNKNOWN], "days": days})
    assert reply.json == {"result": True, "error": None}
    due = headless.look(f"col.get_card({card}).due - col.sched.today")
    numbers = [int(n) for n in str(days).strip("!").split("-")]
    assert min(numbers) <= due <= max(numbers)
    assert interval in (None, headless.look(f"col.get_card({card}).ivl"))


@pytest.mark.parametrize("days", ["", "x", "-1", "3-", "1.5", "1!!", True])
def test_days_that_cannot_be_read_change_nothing(server: Server, days: Any) -> None:
    (card,) = add_cards(server, "a")
    reply = server.send("POST", "/setDueDate", {"cards": [card], "days": days})
    assert reply.status == 400
    assert "days" in reply.json["error"]
    assert server.look("col.undo_status().undo") == "AnkiConnect: add note"


def test_cards_are_graded_together(api: Api) -> None:
    a, b = add_cards(api.server, "a", "b")
    assert api("gradeNow", cards=[a, str(b), a], ease=4) is True
    assert api.look("col.db.list('select ease from revlog')") == [4, 4]
    assert undo_name(api) == "grade now"
    api.look("col.undo()")
    assert api.look("col.db.list('select ease from revlog')") == []


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"cards": [UNKNOWN], "ease": 3}, "Card was not found: 1"),
        ({"cards": [], "ease": 0}, "ease must be between 1 and 4"),
        ({"cards": [], "ease": "good"}, "ease must be between 1 and 4"),
    ],
)
def test_a_wrong_grade_is_told(server: Server, params: dict[str, Any], text: str) -> None:
    assert server.send("POST", "/gradeNow", params).json["error"] == text


def test_new_cards_get_positions_in_the_order_listed(api: Api) -> None:
    a, b, learned = add_cards(api.server, "a", "b", "c")
    api("answerCards", answers=[{"cardId": learned, "ease": 4}])
    order = [b, a, b, UNKNOWN, learned]
    assert api("repositionNewCards", orderedCardIds=order, startPosition=10, step=2, shift=True) == {
        "requested": 5,
        "deduped": 4,
        "eligibleNew": 2,
        "repositioned": 2,
        "skippedNotFound": [UNKNOWN],
        "skippedNotNew": [learned],
        "appliedStartPosition": 10,
        "appliedStep": 2,
        "appliedShift": True,
    }
    assert [info["due"] for info in api("cardsInfo", cards=[b, a])] == [10, 12]
    assert undo_name(api) == "reposition new cards"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"orderedCardIds": []}, "orderedCardIds should be a non-empty list: []"),
        ({"orderedCardIds": ["x"]}, "orderedCardIds should contain only integers: ['x']"),
        ({"startPosition": 0}, "startPosition should be an integer >= 1: 0"),
        ({"startPosition": "x"}, "startPosition should be an integer >= 1: x"),
        ({"step": 0}, "step should be an integer >= 1: 0"),
        ({"shift": "yes"}, "shift should be a boolean: yes"),
    ],
)
def test_a_wrong_order_is_told(server: Server, change: dict[str, Any], text: str) -> None:
    params = {"orderedCardIds": [UNKNOWN], "startPosition": 1, "step": 1, "shift": False}
    assert server.send("POST", "/repositionNewCards", {**params, **change}).json["error"] == text
