"""The review screen: what it shows, and its buttons."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypedDict

from ...core.actions.card_info import next_reviews
from ...core.collection.fields import FieldValue, field_values
from ...core.collection.ids import CardId
from ...core.context import RequestContext
from ...core.errors import ApiError
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ..window import main_window

if TYPE_CHECKING:
    from anki.cards import Card
    from aqt.reviewer import Reviewer

private("aqt.reviewer", "Reviewer._answerButtonList", "guiCurrentCard guiAnswerCard")
private("aqt.reviewer", "Reviewer._answerCard", "guiAnswerCard")
private("aqt.reviewer", "Reviewer._showQuestion", "guiShowQuestion")
private("aqt.reviewer", "Reviewer._showAnswer", "guiShowAnswer")

# For Anki to tell that an answer is taken. It first closes its progress window, if one was open.
_TELLING_SECONDS = 5

Reviewing = Annotated[bool, "false when not reviewing"]
Shown = Annotated[bool, "false when not reviewing, or while an answer is being taken"]


class CurrentCard(TypedDict):
    cardId: CardId
    fields: dict[str, FieldValue]
    fieldOrder: Annotated[int, "template index, or cloze number minus one"]
    question: Annotated[str, "rendered front, style element first"]
    answer: Annotated[str, "rendered back, style element first"]
    buttons: Annotated[list[int], "usable values of ease"]
    nextReviews: Annotated[list[str], "one text per button"]
    modelName: str
    deckName: str
    css: str
    template: Annotated[str, "card template name"]


@gui("guiCurrentCard")
def current_card(context: RequestContext) -> Optional[CurrentCard]:
    """Describe the card on the review screen.

    Outside review this is an error, and null at version 4 and below.
    """
    current = _current()
    if current is None:
        if context.version <= 4:
            return None
        raise ApiError("Gui review is not currently active.")
    reviewer, card = current
    note_type = card.note_type()
    described: CurrentCard = {
        "cardId": card.id,
        "fields": field_values(card.note()),
        "fieldOrder": card.ord,
        "question": card.question(),
        "answer": card.answer(),
        "buttons": [ease for ease, _label in reviewer._answerButtonList()],
        "nextReviews": next_reviews(card.col, card.id),
        "modelName": note_type["name"],
        "deckName": card.col.decks.name(card.did),
        "css": note_type["css"],
        "template": str(card.template()["name"]),
    }
    return described


@gui("guiReviewActive")
def is_review_active() -> Annotated[bool, "whether the review screen is showing a card"]:
    """Tell whether a card is under review."""
    return _current() is not None


@gui("guiStartCardTimer")
def start_card_timer() -> Reviewing:
    """Restart the answer timer of the current card."""
    current = _current()
    if current is None:
        return False
    current[1].start_timer()
    return True


@gui("guiPlayAudio")
def play_audio() -> Reviewing:
    """Replay the audio of the side that is showing, if it has any."""
    current = _current()
    if current is None:
        return False
    current[0].replayAudio()
    return True


@gui("guiShowQuestion")
def show_question() -> Shown:
    """Show the question side of the current card."""
    reviewer = _settled_reviewer()
    if reviewer is None:
        return False
    reviewer._showQuestion()
    return True


@gui("guiShowAnswer")
def show_answer() -> Shown:
    """Reveal the answer side of the current card."""
    reviewer = _settled_reviewer()
    if reviewer is None:
        return False
    reviewer._showAnswer()
    return True


@gui("guiAnswerCard", runs_on=RunsOn.HTTP_THREAD)
def answer_card(
    context: RequestContext,
    ease: Annotated[int, "button: 1 Again, 2 Hard, 3 Good, 4 Easy"],
) -> Annotated[bool, "whether the answer was given"]:
    """Press an answer button on the current card, whose answer must be showing.

    The reply comes when the answer is taken, so that the next request meets the next card.
    """
    pressed: Optional[_Pressed] = context.run_on_main(lambda: _press(ease))
    if pressed is None:
        return False
    try:
        context.run_on_collection(
            lambda _col: None
        )  # operations finish in order, this one after the answer
        return pressed.answered.wait(_TELLING_SECONDS)
    finally:
        context.runtime.run_on_main(pressed.forget)  # whichever profile is open by now


def _press(ease: int) -> Optional[_Pressed]:
    reviewer = _settled_reviewer()
    if reviewer is None or reviewer.state != "answer":
        return None
    if ease not in [button for button, _label in reviewer._answerButtonList()]:
        return None
    pressed = _Pressed()
    reviewer._answerCard(ease)  # type: ignore[arg-type]
    # Anki can be quick enough to have moved on already.
    if not pressed.answered.is_set() and reviewer.state != "transition":  # type: ignore[comparison-overlap]
        pressed.forget()  # another add-on has stopped it
        return None
    return pressed


class _Pressed:
    """An answer that Anki has been asked to take."""

    def __init__(self) -> None:
        from aqt import gui_hooks

        self.answered = threading.Event()
        self._hook = gui_hooks.reviewer_did_answer_card
        # Anki moves on right after this, perhaps through a question to the person about a break.
        self._hook.append(self._on_answered)

    def _on_answered(self, *_: Any) -> None:
        self.answered.set()

    def forget(self) -> None:
        self._hook.remove(self._on_answered)


def _settled_reviewer() -> Optional[Reviewer]:
    """The reviewer, unless it is busy with an answer and still holds the card before."""
    current = _current()
    if current is None or current[0].state == "transition":
        return None
    return current[0]


def _bring_up_to_date(reviewer: Reviewer) -> None:
    """Have the reviewer show what it was told of. By itself it does so only with the focus."""
    # While an answer is being taken, the reviewer needs the card before, and then loads the next one.
    if reviewer.state != "transition":
        reviewer.refresh_if_needed()


def _current() -> Optional[tuple[Reviewer, Card]]:
    """The reviewer and its card, both up to date."""
    mw = main_window()
    reviewer = mw.reviewer
    if mw.state == "review" and reviewer is not None:
        _bring_up_to_date(reviewer)  # which can end the review
    if mw.state != "review" or reviewer is None or reviewer.card is None:
        return None
    return reviewer, reviewer.card
