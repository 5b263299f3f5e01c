"""Answering cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection

from .actions import write
from .cards import columns
from .errors import BadParams
from .ids import CardId
from .undo import Edit


@dataclass(frozen=True)
class Answer:
    card_id: CardId
    ease: Annotated[int, "1 Again, 2 Hard, 3 Good, 4 Easy"]


@write("answerCards")
def answer_cards(
    col: Collection, edit: Edit, answers: list[Answer]
) -> Annotated[list[bool], "per answer: whether the card exists"]:
    """Answer cards in turn, as the reviewer would, whether or not they are due.

    A suspended card is answered too, and so becomes active. A bad ease refuses all answers.
    """
    for index, answer in enumerate(answers):
        if not 1 <= answer.ease <= 4:
            raise BadParams(f"invalid ease: answers[{index}].ease is {answer.ease}, not 1 to 4")
    known = columns(col, {answer.card_id for answer in answers}, "id")
    answered = [answer for answer in answers if answer.card_id in known]
    if answered:
        # While the user reviews, Anki only takes answers to the card on top of its queue. Writing a
        # card, even unchanged, makes it drop the queue.
        edit(col.update_cards, [col.get_card(AnkiCardId(answered[0].card_id))])
    for answer in answered:
        card = col.get_card(answer.card_id)
        card.start_timer()
        edit(col.sched.answerCard, card, answer.ease)  # type: ignore[arg-type]
    return [answer.card_id in known for answer in answers]
