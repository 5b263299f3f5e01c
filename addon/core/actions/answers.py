"""Answering cards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from anki.collection import Collection

from ..collection.ids import CardId
from ..context import RequestContext
from ..errors import BadParams
from ..registry import write
from ..undo import UndoStep
from .cards import check_decks, columns

_MAX_ANSWER = 86_400_000  # more than any preset allows, and little enough for Anki to store


@dataclass(frozen=True)
class Answer:
    card_id: CardId
    ease: Annotated[int, "1 Again, 2 Hard, 3 Good, 4 Easy"]
    time_taken: Annotated[
        int, "milliseconds that the answer took; the preset's maximum answer time caps it"
    ] = 0


@write("answerCards")
def answer_cards(
    col: Collection, undo_step: UndoStep, context: RequestContext, answers: list[Answer]
) -> Annotated[list[bool], "per answer: whether the card exists"]:
    """Answer cards in turn, as the reviewer would, whether or not they are due.

    A suspended card is answered too, and so becomes active. A bad ease refuses all answers.
    """
    for index, answer in enumerate(answers):
        if not 1 <= answer.ease <= 4:
            # The error text is compared by clients; what it does not say goes here.
            context.warnings.append(f"answers[{index}].ease is {answer.ease}, not 1 to 4")
            raise BadParams("invalid ease")
        if answer.time_taken < 0:
            raise BadParams(f"answers[{index}].timeTaken is {answer.time_taken}, not 0 or more")
    cards = {answer.card_id for answer in answers}
    check_decks(col, cards)
    known = columns(col, cards, "id")
    answered = [answer for answer in answers if answer.card_id in known]
    for answer in answered:
        # A window that shows the reviewer may not build its queue halfway.
        context.runtime.run_exclusively(partial(_answer, col, undo_step, answer))
    return [answer.card_id in known for answer in answers]


def _answer(col: Collection, undo_step: UndoStep, answer: Answer) -> None:
    """Answer a card that need not be on top of the queue.

    Once the reviewer has built its queue, Anki only takes answers to the card on top, and a refusal
    clears the undo history. Writing a card, even unchanged, makes it drop the queue.
    """
    card = col.get_card(answer.card_id)
    undo_step(col.update_cards, [card])
    card.load()
    card.timer_started = time.time() - min(answer.time_taken, _MAX_ANSWER) / 1000
    undo_step(col.sched.answerCard, card, answer.ease)  # type: ignore[arg-type]
