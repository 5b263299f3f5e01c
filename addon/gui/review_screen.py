"""The card on the review screen, and what a write of a program means for it.

Anki's reviewer hears of each change to any deck or card, and then shows the question anew: the answer is
hidden, the sound starts again, and so does the timer. So the reviewer is told only what concerns the card
that it shows. The numbers of cards left are brought up to date by themselves.

    collection's thread    what a write changes is found out by comparing the card before and after it
    main thread            the reviewer is told, and the numbers are drawn
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from anki.cards import Card
from anki.collection import Collection, OpChanges
from aqt import gui_hooks
from aqt.main import AnkiQt
from aqt.qt import QTimer

from ..core.private_api import private

if TYPE_CHECKING:
    from aqt.reviewer import Reviewer

private("aqt.reviewer", "Reviewer._v3", otherwise="the numbers of cards left are old until the next card")
private(
    "aqt.reviewer",
    "Reviewer._refresh_needed",
    otherwise="a card that is gone may stay under review while Anki's window is not in front",
)

log = logging.getLogger("ankiconnect")

# What an answer or its buttons depend on. Custom data is in `data`.
_CARD = "nid, ord, did, type, queue, due, ivl, factor, reps, lapses, left, odue, odid, data"
_DRAW_COUNTS = """
for (const [name, count] of %s) {
    const shown = document.querySelector("#ansbut ." + name);
    if (shown) (shown.querySelector("u") ?? shown).textContent = count;
}
"""


class _State(NamedTuple):
    """A card as the collection holds it, by what a change means for the reviewer."""

    queue: Any  # it may have to show another card, or other buttons
    text: Any  # it has to show other text
    flags: Any


class _Counts(NamedTuple):
    new: int
    learning: int
    review: int


@dataclass(frozen=True)
class Concern:
    """What a write means for the card that is shown."""

    card: Optional[Card]  # None when no card was shown
    changes: OpChanges

    @property
    def is_urgent(self) -> bool:
        """Whether an answer to the card must not be taken any more."""
        return self.changes.study_queues


class Shown:
    """The card on the review screen before a write. Made on the collection's thread."""

    def __init__(self, card: Card, col: Collection) -> None:
        self.card = card
        self._before = _state(card, col)

    def concern(self, col: Collection) -> Concern:
        after = _state(self.card, col)
        is_same = [before == now for before, now in zip(self._before, after)]
        queue, text, flags = (not same for same in is_same)
        return Concern(self.card, OpChanges(study_queues=queue, note_text=text, card=flags))


class ReviewScreen:
    """Made on the main thread."""

    def __init__(self, mw: AnkiQt) -> None:
        self._mw = mw
        self._overtaken: Optional[Card] = None  # shown, but changed meanwhile
        # Belongs to the collection's thread.
        self._counted: tuple[Optional[Card], _Counts] = None, _Counts(0, 0, 0)
        gui_hooks.reviewer_will_answer_card.append(self._on_answer)

    # On the collection's thread

    def before_write(self, col: Collection) -> Optional[Shown]:
        """The card that is shown; None if there is none, or it cannot be told. Never raises."""
        card = self._card()
        if card is None:
            return None
        try:
            if self._counted[0] is not card:
                self._counted = card, _counts(col)
            return Shown(card, col)
        except Exception:
            log.exception("the card under review could not be looked up")
            return None

    def after_write(self, col: Collection, shown: Optional[Shown]) -> Optional[Concern]:
        """What the write means for the card that is shown; None if that cannot be told. Never raises."""
        card = self._card()
        if shown is None or shown.card is not card:
            # A card that is shown from now on is as it is now.
            return None if self._mw.state == "review" else Concern(None, OpChanges())
        try:
            concern = shown.concern(col)
        except Exception:
            log.exception("the card under review could not be looked up")
            return None
        if concern.is_urgent:
            self._overtaken = card
        return concern

    # On the main thread

    def _card(self) -> Optional[Card]:
        """The card that is shown. For any thread."""
        return self._mw.reviewer.card if self._mw.state == "review" else None

    def _on_answer(self, allowed: tuple[bool, Any], _reviewer: Reviewer, card: Card) -> tuple[bool, Any]:
        if card is not self._overtaken:
            return allowed
        # The person's key came between a write and the refresh.
        QTimer.singleShot(0, self._leave_overtaken)
        return False, allowed[1]

    def _leave_overtaken(self) -> None:
        if self._card() is self._overtaken:
            self._mw.reviewer.op_executed(OpChanges(study_queues=True), None, True)

    @contextlib.contextmanager
    def told_only(self, concerns: list[Optional[Concern]]) -> Iterator[None]:
        """Within it, the reviewer hears of a change only what concerns its card."""
        reviewer = self._mw.reviewer
        card = self._card()
        if card is None or not hasattr(reviewer, "op_executed"):
            yield
            return
        heard: Optional[OpChanges] = None if None in concerns else OpChanges()
        if heard is not None:
            for concern in concerns:
                if concern and concern.card is card:
                    heard.MergeFrom(concern.changes)
            if _moves_on(reviewer):
                heard.study_queues = True  # or Anki would forget it for a change of the text
        own = vars(reviewer)
        before = {"op_executed": own["op_executed"]} if "op_executed" in own else {}
        # Within another telling, while another add-on asks the person something, this is ours already.
        tell = getattr(reviewer.op_executed, "untold", reviewer.op_executed)

        def op_executed(changes: OpChanges, handler: Optional[object], focused: bool) -> bool:
            return bool(tell(changes if heard is None else heard, handler, focused))

        op_executed.untold = tell  # type: ignore[attr-defined]
        own["op_executed"] = op_executed
        try:
            yield
        finally:
            del own["op_executed"]
            own.update(before)

    def recount(self) -> None:
        """Bring the numbers of cards left up to date, if the card that was shown still is."""
        card = self._card()
        if card is not None:
            self._mw.taskman.run_in_background(lambda: self._grown(card), self._add_to_counts)

    def _grown(self, card: Card) -> tuple[Card, _Counts]:
        """By how much the numbers have grown since they were drawn, or last grew. On its thread."""
        counted, before = self._counted
        now = _counts(card.col)
        self._counted = card, now
        if counted is not card:
            return card, _Counts(0, 0, 0)
        return card, _Counts(*(after - was for after, was in zip(now, before)))

    def _add_to_counts(self, done: Future[tuple[Card, _Counts]]) -> None:
        try:
            card, grown = done.result()
            if card is self._card() and any(grown):
                _draw(self._mw.reviewer, grown)
        except Exception:  # the collection was closed, say
            log.warning("the numbers of cards left could not be brought up to date", exc_info=True)


def _moves_on(reviewer: Reviewer) -> bool:
    """Whether it is to show the next card as soon as it has the focus."""
    needed = getattr(reviewer, "_refresh_needed", None)
    return getattr(needed, "name", "") == "QUEUES"


def _state(card: Card, col: Collection) -> _State:
    assert col.db
    row = col.db.first(f"select {_CARD}, flags from cards where id = ?", card.id)
    if row is None:
        return _State(None, None, None)
    note_id, _ord, deck_id, *_ = row
    home_id = row[12] or deck_id  # where a card of a filtered deck comes from
    note = col.db.first("select mid, tags, flds from notes where id = ?", note_id)
    # As text, since Anki hands out note types for changing.
    note_type = json.dumps(col.models.get(note[0])) if note else None
    deck = col.decks.name(deck_id), col.decks.config_dict_for_deck_id(home_id)
    return _State((row[:-1], deck), (note, note_type), row[-1])


def _counts(col: Collection) -> _Counts:
    """The numbers of cards left in the deck under review.

    They come from the list of decks. Anki's study queue has more exact ones. But asked for them after a
    write, it is made anew, perhaps with another card at its top, and refuses the answer to the one shown.
    """
    deck = col.sched.deck_due_tree(col.decks.get_current_id())
    return _Counts(deck.new_count, deck.learn_count, deck.review_count) if deck else _Counts(0, 0, 0)


def _draw(reviewer: Reviewer, grown: _Counts) -> None:
    assert reviewer._v3
    queued = reviewer._v3.queued_cards
    queued.new_count = max(0, queued.new_count + grown.new)
    queued.learning_count = max(0, queued.learning_count + grown.learning)
    queued.review_count = max(0, queued.review_count + grown.review)
    shown = {
        "new-count": queued.new_count,
        "learn-count": queued.learning_count,
        "review-count": queued.review_count,
    }
    reviewer.bottom.web.eval(_DRAW_COUNTS % json.dumps(list(shown.items())))
