"""The question whether a web page's origin may use the API. On the main thread."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Callable, Optional

from ..core.origins import canonical
from .question import Question
from .refusals import Refusals

_MAX_WAITING = 20

_QUESTION = """The web site {origin} asks to use Anki through AnkiConnect.

If you allow it, its pages can read and change everything in your collection: now and later, \
until you take the site out of AnkiConnect's settings.

Allow it?"""


class Permissions:
    """One question at a time; a second request from the same origin waits for the same answer.

    After a no, `Refusals` tells how long there is no further question.
    """

    def __init__(self) -> None:
        # By the one spelling of each origin. The first one is being asked about.
        self._waiting: dict[str, tuple[str, Future[bool]]] = {}
        self._question: Optional[Question] = None
        self._refusals = Refusals()
        self.on_allowed: Callable[[str], None] = lambda origin: None
        self.on_ignored: Callable[[str], None] = lambda origin: None

    def ask(self, origin: str) -> Future[bool]:
        """The person's answer, who is not hurried: nothing else waits for it."""
        site = canonical(origin)
        if site in self._waiting:
            return self._waiting[site][1]
        answer: Future[bool] = Future()
        if len(self._waiting) == _MAX_WAITING:
            answer.set_result(False)
        else:
            self._waiting[site] = origin, answer
            if self._question is None:
                self._ask_next()
        return answer

    def _ask_next(self) -> None:
        while self._waiting:
            site, (origin, answer) = next(iter(self._waiting.items()))
            if not self._refusals.forbid(site):
                self._question = Question(
                    _QUESTION.format(origin=origin),
                    yes="Allow",
                    no="Deny",
                    box="Never ask again about this site",
                    on_answer=self._answered,
                )
                return
            del self._waiting[site]
            answer.set_result(False)

    def _answered(self, allowed: Optional[bool]) -> None:
        assert self._question
        ignored = self._question.box.isChecked()
        self._question = None
        site = next(iter(self._waiting))
        origin, answer = self._waiting.pop(site)
        if allowed:
            self.on_allowed(origin)
        elif ignored:
            self.on_ignored(origin)
        if allowed is False:
            self._refusals.add(site)
        answer.set_result(bool(allowed))
        self._ask_next()
