"""Statistics: what the review log tells, and additions to it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Annotated, Any, TypedDict

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection

from ..collection.ids import CardIds
from ..collection.names import find_deck
from ..collection.queries import rows
from ..errors import BadParams, Conflict
from ..registry import read, write
from ..schema.codecs import Alias, Invalid, Range
from .cards import columns
from .decks import DeckName

_DAY = 86_400

# Manual resets and reschedules are in the log too, with ease 0. They are no reviews.
_REVIEWED = "ease > 0"


@read("getNumCardsReviewedToday")
def reviewed_today(col: Collection) -> Annotated[int, "answers since Anki's day began"]:
    """Count today's answers: a card that was answered twice counts twice."""
    assert col.db
    started = (col.sched.day_cutoff - _DAY) * 1000
    count: int = col.db.scalar(f"select count() from revlog where id >= ? and {_REVIEWED}", started)
    return count


@read("getNumCardsReviewedByDay")
def reviewed_by_day(
    col: Collection,
) -> list[Annotated[list[Any], "date as YYYY-MM-DD, and number of answers"]]:
    """Count answers by day, newest first; days without any are left out.

    Days are local dates, shifted by the hour at which Anki's day begins.
    """
    assert col.db
    shift = col.get_config("rollover", 4) * 3600
    days = col.db.all(
        "select date(id / 1000 - ?, 'unixepoch', 'localtime') as day, count() from revlog "
        f"where {_REVIEWED} group by day order by day desc",
        shift,
    )
    return [[day, count] for day, count in days]


@read("getCollectionStatsHTML")
def statistics_page(
    col: Collection,
    whole_collection: Annotated[bool, "false: only the current deck with its subdecks"] = True,
) -> Annotated[str, "HTML with inline script data; the graphs need scripts that are not included"]:
    """Render Anki's classic statistics page over the last month."""
    stats = col.stats()
    stats.wholeCollection = whole_collection
    report: str = stats.report()
    return report


ReviewTuple = Annotated[
    list[int],
    "id (time in ms), cid, usn (-1: not synced yet), ease (button, 0 for manual entries), ivl and lastIvl "
    "(days, or negative seconds), factor (permille), time (ms), type (0 learning, 1 review, 2 relearning, "
    "3 filtered, 4 manual, 5 rescheduled)",
]


@read("cardReviews")
def reviews_in_deck(
    col: Collection,
    deck: DeckName,
    start_id: Annotated[int, Alias("startID"), "time in ms; only later reviews"],
) -> list[ReviewTuple]:
    """List the reviews after a time of the cards that are now in a deck, oldest first.

    Subdecks are not included. An unknown deck has none.
    """
    assert col.db
    reviews = col.db.all(
        "select id, cid, usn, ease, ivl, lastIvl, factor, time, type from revlog where id > ? "
        "and cid in (select id from cards where did = ?) order by id",
        start_id,
        find_deck(col, deck) or 0,
    )
    return [list(review) for review in reviews]


@read("getLatestReviewID")
def latest_review(col: Collection, deck: DeckName) -> Annotated[int, "time in ms, 0 if there is none"]:
    """Return the time of the latest review of a card now in a deck, subdecks not included."""
    assert col.db
    latest: int = col.db.scalar(
        "select coalesce(max(id), 0) from revlog where cid in (select id from cards where did = ?)",
        find_deck(col, deck) or 0,
    )
    return latest


class Review(TypedDict):
    id: Annotated[int, "time in ms"]
    usn: Annotated[int, "-1: not synced yet"]
    ease: Annotated[int, "button 1 to 4; 0 for manual entries"]
    ivl: Annotated[int, "new interval: days, or negative seconds"]
    lastIvl: Annotated[int, "previous interval: days, or negative seconds"]
    factor: Annotated[int, "ease factor in permille"]
    time: Annotated[int, "answer time in ms"]
    type: Annotated[int, "0 learning, 1 review, 2 relearning, 3 filtered, 4 manual, 5 rescheduled"]


@read("getReviewsOfCards")
def reviews_of_cards(col: Collection, cards: CardIds) -> dict[str, list[Review]]:
    """List the review-log entries of each card, oldest first: card id to entries.

    Every given id becomes a key, with an empty list where nothing is known.
    """
    reviews: dict[str, list[Review]] = {str(card): [] for card in cards}
    statement = (
        "select cid, id, usn, ease, ivl, lastIvl, factor, time, type from revlog "
        "where cid in ({}) order by id"
    )
    for card, *values in rows(col, statement, cards):
        names = Review.__annotations__
        reviews[str(card)].append(dict(zip(names, values)))  # type: ignore[arg-type]
    return reviews


# What Anki can read again: beyond that, one entry keeps it from reading the log, and from checking or
# repairing the collection.
_STORABLE = {
    "id": Range(1, 2**53),
    "ivl": Range(-(2**31), 2**31 - 1),
    "lastIvl": Range(-(2**31), 2**31 - 1),
    "factor": Range(0, 2**32 - 1),
    "time": Range(0, 2**32 - 1),
}


@write("insertReviews")
def insert_reviews(col: Collection, reviews: list[ReviewTuple]) -> None:
    """Add entries to the review log. The cards themselves are not changed.

    All or nothing: an entry that is malformed, of an unknown card or of a time that is taken refuses
    all. Anki has no operation for this, so it cannot be undone and clears the undo history.
    """
    assert col.db
    for index, review in enumerate(reviews):
        if len(review) != 9:
            raise BadParams(f"reviews[{index}]: {len(review)} numbers where 9 are needed")
        if not 0 <= review[3] <= 4 or not 0 <= review[8] <= 5:
            raise BadParams(f"reviews[{index}]: ease should be 0 to 4 and type 0 to 5: {review}")
        for (name, limits), value in zip(_STORABLE.items(), (review[0], *review[4:8])):
            try:
                limits.check(value)
            except Invalid as error:
                raise BadParams(f"reviews[{index}]: {name}: {error.problem}") from None
    known = columns(col, (AnkiCardId(review[1]) for review in reviews), "id")
    for index, review in enumerate(reviews):
        if review[1] not in known:
            raise BadParams(f"reviews[{index}]: Card was not found: {review[1]}")
    times = Counter(review[0] for review in reviews)
    taken = [time for (time,) in rows(col, "select id from revlog where id in ({})", times)]
    taken += [time for time, count in times.most_common(1) if count > 1]
    if taken:
        raise Conflict(f"DbError: a review with this id exists already: {taken[0]}")
    if reviews:
        usn = -1  # so that they are synced, whatever was sent
        values = [[review[0], review[1], usn, *review[3:]] for review in reviews]
        insert = "insert into revlog values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        # Of its own accord Anki would write each row to the disk by itself.
        col.db.transact(partial(col.db.executemany, insert, values))
