"""The state of cards: ease factors, due dates, positions, grades."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection
from anki.consts import CARD_TYPE_NEW, CARD_TYPE_RELEARNING, QUEUE_TYPE_LRN, QUEUE_TYPE_SUSPENDED

from ..collection.ids import CardId, CardIds
from ..collection.queries import Empty
from ..context import RequestContext
from ..errors import BadParams, CardNotFound, Damaged
from ..registry import read, write
from ..schema.codecs import Alias, Coerce, ErrorText, Id, Invalid, Json, Range, short_repr
from ..undo import UndoStep
from .answers import Answer, answer_cards
from .cards import check_decks, columns


class CardModTime(TypedDict):
    cardId: CardId
    mod: Annotated[int, "modification time in seconds"]


@read("cardsModTime")
def cards_mod_time(col: Collection, cards: CardIds) -> list[Union[CardModTime, Empty]]:
    """Return id and modification time of each card, in order; `{}` for an unknown one."""
    times = {
        card_id: CardModTime(cardId=card_id, mod=mod)
        for card_id, (mod,) in columns(col, cards, "mod").items()
    }
    return [times.get(card) or Empty() for card in cards]


@read("suspended")
def is_suspended(col: Collection, card: CardId) -> bool:
    """Tell whether a card is suspended."""
    found = columns(col, [card], "queue")
    if not found:
        raise CardNotFound(card)
    return bool(found[card][0] == QUEUE_TYPE_SUSPENDED)


Factor = Annotated[int, "ease factor in permille, 0 if never reviewed"]


@read("getEaseFactors")
def ease_factors(col: Collection, cards: CardIds) -> list[Optional[Factor]]:
    """Return the ease factor of each card, in order; null for an unknown one."""
    factors = columns(col, cards, "factor")
    return [factors[card][0] if card in factors else None for card in cards]


@write("setEaseFactors")
def set_ease_factors(
    col: Collection,
    undo_step: UndoStep,
    cards: CardIds,
    ease_factors: Annotated[
        list[Annotated[int, Range(0, 65535)]], "one per card, in permille; surplus ones are ignored"
    ],
) -> Annotated[list[bool], "per card: whether it exists"]:
    """Set the ease factors of cards."""
    if len(ease_factors) < len(cards):
        raise BadParams(f"easeFactors: {len(ease_factors)} factors for {len(cards)} cards")
    wanted = dict(zip(cards, ease_factors))
    present = columns(col, cards, "factor")
    changing = []
    for card_id, (factor,) in present.items():
        if factor != wanted[card_id]:
            card = col.get_card(card_id)
            card.factor = wanted[card_id]
            changing.append(card)
    if changing:
        undo_step(col.update_cards, changing)
    return [card in present for card in cards]


@write("forgetCards")
def forget_cards(col: Collection, undo_step: UndoStep, cards: CardIds) -> None:
    """Turn cards back into new ones, at the positions they had as new cards.

    Counters stay, and manual entries are written to the review log. Unknown cards are ignored.
    """
    known = list(columns(col, cards, "id"))
    if known:
        undo_step(col.sched.schedule_cards_as_new, known, restore_position=True, reset_counts=False)


@write("relearnCards")
def relearn_cards(col: Collection, undo_step: UndoStep, cards: CardIds) -> None:
    """Put cards into relearning, at its first step and due now, as if they had just been forgotten.

    The lapse counter stays. Cards become active if they were suspended. Unknown ones are ignored.
    """
    check_decks(col, cards)
    relearning = []
    for card_id in columns(col, cards, "id"):
        card = col.get_card(card_id)
        preset = col.decks.config_dict_for_deck_id(card.odid or card.did)
        if "lapse" not in preset:  # a filtered deck
            raise Damaged(f"card {card_id}", "deck")
        steps = max(1, len(preset["lapse"]["delays"]))
        card.type, card.queue = CARD_TYPE_RELEARNING, QUEUE_TYPE_LRN
        card.due = int(time.time())
        # Anki packs the steps left today into the thousands, beside the steps left at all.
        card.left = steps + 1000 * steps
        card.ivl = max(1, card.ivl)
        card.factor = card.factor or preset["new"]["initialFactor"]
        relearning.append(card)
    if relearning:
        undo_step(col.update_cards, relearning)


# What a program may set of a card, and the numbers that Anki can store there: it cuts off the upper bits
# of some larger ones, and refuses others. Anki itself keeps the other values (id, mod, usn).
_INT32, _UINT32, _INT64 = Range(-(2**31), 2**31 - 1), Range(0, 2**32 - 1), Range(-(2**63), 2**63 - 1)
_HARMLESS = {"factor": Range(0, 65535), "flags": Range(0, 7), "due": _INT32}
_SETTABLE = {
    **_HARMLESS,
    **dict.fromkeys(("did", "nid", "odid"), _INT64),
    **dict.fromkeys(("ivl", "lapses", "left", "reps"), _UINT32),
    "odue": _INT32,
    "ord": Range(0, 65535),
    "queue": Range(-3, 4),
    "type": Range(0, 3),
}
_KEPT_BY_ANKI = ("id", "mod", "usn")
_INTEGER = Id()  # digits are fine


@write("setSpecificValueOfCard", undo="set card values")
def set_values(
    col: Collection,
    undo_step: UndoStep,
    card: Annotated[Union[CardId, list[Any]], "one card id; a list is answered with false"],
    keys: Annotated[Any, "names of values"],
    new_values: Annotated[Any, "as many values; digits count as numbers"],
    warning_check: Annotated[
        bool, Alias("warning_check"), "needed for values that can break a card"
    ] = False,
) -> Annotated[
    Union[list[Any], bool], "[true] when saved, [[false, reason]] when it failed, false when refused unseen"
]:
    """Set raw values of a card.

    factor, flags and due can be set as they are. did, ivl, lapses, left, nid, odid, odue, ord, queue, reps
    and type need warning_check; id, mod and usn belong to Anki.
    """
    if isinstance(card, list) or not isinstance(keys, list) or not isinstance(new_values, list):
        return False
    if not all(isinstance(key, str) for key in keys):
        return False
    guarded = [key for key in keys if key not in _HARMLESS and key in (*_SETTABLE, *_KEPT_BY_ANKI)]
    if len(keys) != len(new_values) or (guarded and not warning_check):
        return False
    if card not in columns(col, [card], "id"):
        return [[False, str(CardNotFound(card))]]
    changed = col.get_card(card)
    for key, value in zip(keys, new_values):
        if key not in _SETTABLE:
            return [[False, f"{key} can't be set; these can: {', '.join(_SETTABLE)}"]]
        try:
            number = _INTEGER.convert(value)
            _SETTABLE[key].check(number)
            setattr(changed, key, number)
        except Invalid as error:
            return [[False, f"{key}: {error.problem}"]]
    undo_step(col.update_card, changed)
    return [True]


_DAYS = re.compile(r"\d{1,20}(-\d{1,20})?!?")
_MAX_DAYS = 1_000_000  # far beyond them Anki's own sums overflow


def _number_as_text(value: Json) -> Json:
    return str(value) if type(value) is int else value


@write("setDueDate")
def set_due_date(
    col: Collection,
    undo_step: UndoStep,
    cards: CardIds,
    days: Annotated[
        str,
        Coerce(_number_as_text, {"type": "integer"}),
        "days from today: N, or N-M for a random one per card; followed by ! to set the interval too",
    ],
) -> Annotated[Literal[True], "done"]:
    """Make cards due on a day. New cards become review cards; unknown ones are ignored."""
    if not _DAYS.fullmatch(days.strip()):
        raise BadParams(f"days should be like 0, 3-7 or 1!, not {short_repr(days)}")
    span = sorted(int(day) for day in re.findall(r"\d+", days))  # Anki refuses a reversed one
    if span[-1] > _MAX_DAYS:
        raise BadParams(f"days should be {_MAX_DAYS} at most, not {short_repr(days)}")
    text = "-".join(map(str, span)) + ("!" if "!" in days else "")
    check_decks(col, cards)
    known = list(columns(col, cards, "id"))
    if known:
        undo_step(col.sched.set_due_date, known, text)
    return True


@write("gradeNow")
def grade_now(
    col: Collection,
    undo_step: UndoStep,
    context: RequestContext,
    cards: CardIds,
    ease: Annotated[int, ErrorText("ease must be between 1 and 4"), "1 Again, 2 Hard, 3 Good, 4 Easy"],
) -> Annotated[Literal[True], "all cards were graded"]:
    """Grade cards, all with one rating, whether or not they are due.

    An unknown card fails the call, and nothing is changed.
    """
    if not 1 <= ease <= 4:
        raise BadParams("ease must be between 1 and 4")
    known = columns(col, cards, "id")
    for card in cards:
        if card not in known:
            raise CardNotFound(card)
    answer_cards(col, undo_step, context, [Answer(card, ease) for card in known])
    return True


class Repositioned(TypedDict):
    requested: Annotated[int, "length of the list sent"]
    deduped: Annotated[int, "distinct ids"]
    eligibleNew: Annotated[int, "existing new cards among them"]
    repositioned: Annotated[int, "cards moved"]
    skippedNotFound: list[CardId]
    skippedNotNew: list[CardId]
    appliedStartPosition: int
    appliedStep: int
    appliedShift: bool


@write("repositionNewCards")
def reposition_new_cards(
    col: Collection,
    undo_step: UndoStep,
    ordered_card_ids: Annotated[
        list[CardId],
        ErrorText("orderedCardIds should contain only integers: {value}"),
        "in their new order",
    ],
    start_position: Annotated[
        int, ErrorText("startPosition should be an integer >= 1: {value}"), "1 or more"
    ],
    step: Annotated[int, ErrorText("step should be an integer >= 1: {value}"), "1 or more"],
    shift: Annotated[
        bool, ErrorText("shift should be a boolean: {value}"), "move other new cards out of the way"
    ],
) -> Repositioned:
    """Give new cards consecutive positions, in the order listed.

    Repeated ids count once. Ids that do not exist or are not new are reported, not errors.
    """
    if not ordered_card_ids:
        raise BadParams(f"orderedCardIds should be a non-empty list: {ordered_card_ids}")
    for name, value in (("startPosition", start_position), ("step", step)):
        if value < 1:
            raise BadParams(f"{name} should be an integer >= 1: {value}")
    distinct = list(dict.fromkeys(ordered_card_ids))
    kinds = columns(col, distinct, "type")
    new = [card for card in distinct if card in kinds and kinds[card][0] == CARD_TYPE_NEW]
    moved = 0
    if new:
        _check_positions(col, start_position + step * len(new), shift=shift)
        moved = undo_step(
            col.sched.reposition_new_cards,
            [AnkiCardId(card) for card in new],
            starting_from=start_position,
            step_size=step,
            randomize=False,
            shift_existing=shift,
        ).count
    return {
        "requested": len(ordered_card_ids),
        "deduped": len(distinct),
        "eligibleNew": len(new),
        "repositioned": moved,
        "skippedNotFound": [card for card in distinct if card not in kinds],
        "skippedNotNew": [card for card in distinct if card in kinds and kinds[card][0] != CARD_TYPE_NEW],
        "appliedStartPosition": start_position,
        "appliedStep": step,
        "appliedShift": shift,
    }


def _check_positions(col: Collection, end: int, *, shift: bool) -> None:
    """Raise BadParams if a new card would get a position that Anki can't store."""
    assert col.db
    last = col.db.scalar(f"select max(due) from cards where type = {CARD_TYPE_NEW}") if shift else 0
    if end + last >= 2**31:
        raise BadParams(f"startPosition and step lead to positions up to {end + last}, past {2**31 - 1}")
