"""Cards: their notes, and whether they are suspended or due. One query per call, never one per card."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Optional, Union

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection
from anki.consts import QUEUE_TYPE_SUSPENDED

from ..collection.ids import CardIds, NoteId
from ..collection.queries import id_lists, rows
from ..errors import CardNotFound, Damaged
from ..registry import read, write
from ..undo import UndoStep

# A learning step of up to 20 minutes is looked for with `is:due`, as Anki's own "learn ahead" would
# show it; a longer one is due when it has run out.
_SHORT_STEP = -20 * 60


def columns(col: Collection, cards: Iterable[int], *names: str) -> dict[AnkiCardId, Sequence[Any]]:
    """The named columns of each card that exists, by card id."""
    statement = f"select id, {', '.join(names)} from cards where id in ({{}})"
    return {row[0]: row[1:] for row in rows(col, statement, cards)}


_WITHOUT_DECK = (
    "select id from cards where id in ({}) and not "
    "(did in (select id from decks) and odid in (select 0 union select id from decks))"
)


def check_decks(col: Collection, cards: Iterable[int]) -> None:
    """Raise Damaged if the deck of one of the cards is gone, since Anki would fail halfway."""
    for (card,) in rows(col, _WITHOUT_DECK, cards):
        raise Damaged(f"card {card}", "deck")


def at_home_in(col: Collection, decks: Iterable[int]) -> list[AnkiCardId]:
    """The cards that belong to `decks`, wherever they are now."""
    assert col.db
    listed = ",".join(map(str, decks))
    return col.db.list(f"select id from cards where (odid = 0 and did in ({listed})) or odid in ({listed})")


@read("cardsToNotes")
def notes_of_cards(col: Collection, cards: CardIds) -> list[NoteId]:
    """Return the distinct ids of the cards' notes. Unknown cards are ignored."""
    return list(dict.fromkeys(row[0] for row in columns(col, cards, "nid").values()))


@read("areSuspended")
def are_suspended(col: Collection, cards: CardIds) -> list[Optional[bool]]:
    """Tell for each card, in order, whether it is suspended; null for an unknown one."""
    queue_of = columns(col, cards, "queue")
    return [queue_of[card][0] == QUEUE_TYPE_SUSPENDED if card in queue_of else None for card in cards]


@write("suspend")
def suspend(
    col: Collection,
    undo_step: UndoStep,
    cards: CardIds,
    suspend: Annotated[bool, "false unsuspends instead"] = True,
) -> Annotated[bool, "whether at least one card changed"]:
    """Suspend cards.

    False when all were suspended already or none was given. An unknown card fails the call, and
    nothing is changed.
    """
    queue_of = columns(col, cards, "queue")
    for card in cards:
        if card not in queue_of:
            raise CardNotFound(card)
    changing = [
        AnkiCardId(card)
        for card, (queue,) in queue_of.items()
        if (queue == QUEUE_TYPE_SUSPENDED) != suspend
    ]
    if changing:
        undo_step(col.sched.suspend_cards if suspend else col.sched.unsuspend_cards, changing)
    return bool(changing)


@write("unsuspend")
def unsuspend(
    col: Collection, undo_step: UndoStep, cards: CardIds
) -> Annotated[bool, "whether at least one card was suspended"]:
    """Unsuspend cards: each returns to the queue it had.

    An unknown card fails the call, and nothing is changed.
    """
    return suspend(col, undo_step, cards, suspend=False)


@read("areDue")
def are_due(col: Collection, cards: CardIds) -> list[Optional[bool]]:
    """Tell for each card, in order, whether it is due; null for an unknown one.

    New cards are due unless suspended or buried. A card in a learning step of more than 20 minutes is
    due once the step has run out; any other card is due when Anki's search `is:due` finds it.
    """
    state = columns(col, cards, "type", "queue", "due")
    latest = _latest_review(col, state)
    now = time.time()
    due: dict[int, bool] = {}
    searched = []
    for card, (kind, queue, _due) in state.items():
        reviewed, interval = latest.get(card, (0, 0))
        if kind == 0:
            due[card] = queue >= 0
        elif interval < _SHORT_STEP and queue >= 0:
            due[card] = reviewed / 1000 - interval <= now
        else:
            searched.append(card)
    for listed in id_lists(searched):
        found = set(col.find_cards(f"cid:{listed} is:due"))
        due.update((int(card), AnkiCardId(int(card)) in found) for card in listed.split(","))
    return [due.get(card) for card in cards]


# Entries of manual resets and reschedules (ease 0) say nothing about a step.
_REVIEWS = "select cid, id, ivl from revlog where ease > 0 and cid in ({}) order by id"


def _latest_review(col: Collection, cards: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Time in ms and interval of each card's latest answer."""
    return {card: (reviewed, interval) for card, reviewed, interval in rows(col, _REVIEWS, cards)}


Interval = Annotated[int, "days if positive, seconds if negative"]


@read("getIntervals")
def intervals(
    col: Collection,
    cards: CardIds,
    complete: Annotated[bool, "all intervals of each card, oldest first"] = False,
) -> list[Union[Interval, list[Interval], None]]:
    """Return for each card, in order, the interval that its latest review-log entry set.

    With `complete`, all of them in an array, which is empty for a card without any. Otherwise new cards
    give 0, a card that has no log gives the interval it has, and an unknown one null.
    """
    state = columns(col, cards, "type", "ivl")
    history: dict[int, list[int]] = {card: [] for card in state}
    entries = rows(col, "select cid, ivl from revlog where cid in ({}) order by id", state)
    for card, interval in entries:
        history[card].append(interval)

    def of(card: AnkiCardId) -> Union[int, list[int], None]:
        if complete:
            return history.get(card, [])
        if card not in state:
            return None
        kind, interval = state[card]
        if kind == 0:
            return 0
        return history[card][-1] if history[card] else interval

    return [of(card) for card in cards]
