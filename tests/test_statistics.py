"""The review log: counted, listed and added to."""

from __future__ import annotations

import time
from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, add_cards

UNKNOWN = 1
DAY = 86_400


def entry(card: int, seconds_ago: float = 0, ease: int = 3, ivl: int = 4) -> list[int]:
    when = int((time.time() - seconds_ago) * 1000)
    return [when, card, -1, ease, ivl, -600, 2500, 6157, 1]


@pytest.fixture
def card(server: Server) -> int:
    return add_cards(server, "a")[0]


def test_reviews_are_inserted_and_listed(api: Api, card: int) -> None:
    older, newer = entry(card, 100), entry(card, 50, ease=1, ivl=-60)
    assert api("insertReviews", reviews=[newer, older]) is None
    assert api("cardReviews", deck="default", startID=0) == [older, newer]
    assert api("cardReviews", deck="Default", startID=older[0]) == [newer]
    assert api("getLatestReviewID", deck="Default") == newer[0]
    names = "id usn ease ivl lastIvl factor time type".split()
    listed = dict(zip(names, [older[0], *older[2:]]))
    assert api("getReviewsOfCards", cards=[str(card), UNKNOWN]) == {
        str(card): [listed, dict(zip(names, [newer[0], *newer[2:]]))],
        str(UNKNOWN): [],
    }


def test_inserted_reviews_will_be_synced_whatever_was_sent(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    review = entry(card)
    review[2] = 7
    headless.send("POST", "/insertReviews", {"reviews": [review]})
    assert headless.look("col.db.list('select usn from revlog')") == [-1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({0: "(select 1)"}, "reviews[1][0]: '(select 1)' is not of type 'integer'"),
        ({1: UNKNOWN}, "reviews[1]: Card was not found: 1"),
        ({3: 5}, "ease should be 0 to 4"),
        ({8: 9}, "type 0 to 5"),
        ({8: None}, "reviews[1][8]: null is not of type 'integer'"),
    ],
)
def test_one_bad_review_refuses_all(server: Server, card: int, change: dict[int, Any], text: str) -> None:
    bad: list[Any] = entry(card, 50)
    for position, value in change.items():
        bad[position] = value
    reply = server.send("POST", "/insertReviews", {"reviews": [entry(card, 100), bad]})
    assert reply.status == 400
    assert text in reply.json["error"]
    assert server.send("GET", "/getLatestReviewID?deck=Default").json["result"] == 0


def test_a_review_of_another_length_is_refused(api: Api, card: int) -> None:
    with pytest.raises(ApiFailure, match=r"reviews\[0\]: 8 numbers where 9 are needed"):
        api("insertReviews", reviews=[entry(card)[:-1]])


def test_a_time_that_is_taken_refuses_all(api: Api, card: int) -> None:
    first = entry(card, 10)
    api("insertReviews", reviews=[first])
    for reviews in ([entry(card, 5), first], [entry(card, 5)] * 2):
        with pytest.raises(ApiFailure, match="^DbError: a review with this id exists already"):
            api("insertReviews", reviews=reviews)
    assert api("getLatestReviewID", deck="Default") == first[0]


def test_an_unknown_deck_has_no_reviews_and_is_not_made(api: Api) -> None:
    assert api("cardReviews", deck="Nope", startID=0) == []
    assert api("getLatestReviewID", deck="Nope") == 0
    assert api("deckNames") == ["Default"]


def test_today_counts_answers_and_no_manual_entries(api: Api, card: int) -> None:
    api("answerCards", answers=[{"cardId": card, "ease": 1}, {"cardId": card, "ease": 3}])
    manual, long_ago = entry(card, 5, ease=0), entry(card, 3 * DAY)
    api("insertReviews", reviews=[manual, long_ago])
    assert api("getNumCardsReviewedToday") == 2


def test_days_are_counted_newest_first_with_ankis_day(headless: HeadlessServer) -> None:
    (card,) = add_cards(headless, "a")
    started = headless.look("col.sched.day_cutoff") - DAY
    now = time.time()
    entries = [
        entry(card, now - started - 60),  # a minute into today
        entry(card, now - started + 60),  # the last minute of yesterday
        entry(card, now - started + 120),
        entry(card, now - started + 180, ease=0),
    ]
    headless.send("POST", "/insertReviews", {"reviews": entries})
    days = headless.send("GET", "/getNumCardsReviewedByDay").json["result"]
    date = [time.strftime("%Y-%m-%d", time.localtime(started - DAY * n)) for n in (0, 1)]
    assert days == [[date[0], 1], [date[1], 2]]


def test_the_statistics_page_is_html(api: Api) -> None:
    assert api("getCollectionStatsHTML").lstrip().startswith("<")
    assert "<" in api("getCollectionStatsHTML", wholeCollection=False)


@pytest.mark.parametrize("position", range(9))
@pytest.mark.parametrize(
    "value", ["1); drop table revlog; --", "(select 1)", 2**63, -(2**63) - 1, 10**30, 1.5]
)
def test_reviews_are_values_and_no_sql(headless: HeadlessServer, position: int, value: Any) -> None:
    (card,) = add_cards(headless, "a")
    review: list[Any] = entry(card)
    review[position] = value
    reply = headless.send("POST", "/insertReviews", {"reviews": [review]})
    assert 400 <= reply.status < 500
    assert headless.look("col.db.scalar('select count() from revlog')") == 0
