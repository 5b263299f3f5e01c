"""What the person has refused. Without a pause after that, a page could ask until it gets its way."""

from __future__ import annotations

import time

_PAUSE_SECONDS = 600
# The first number of refusals ends the questions for that time, the second one until Anki quits. The
# refusals of all askers count together as well, since a page can ask under any number of names.
_LIMITS_OF_ONE = (1, 3)
_LIMITS_OF_ALL = (5, 15)


class Refusals:
    """Those since Anki started. For the main thread."""

    def __init__(self) -> None:
        self._refused: list[tuple[float, str]] = []  # time and asker

    def add(self, asker: str) -> None:
        self._refused.append((time.monotonic(), asker))

    def forbid(self, asker: str) -> bool:
        """Whether the answer to `asker` is no without a question."""
        of_one = [at for at, who in self._refused if who == asker]
        of_all = [at for at, _who in self._refused]
        return _are_enough(of_one, *_LIMITS_OF_ONE) or _are_enough(of_all, *_LIMITS_OF_ALL)


def _are_enough(times: list[float], for_now: int, for_good: int) -> bool:
    recent = [at for at in times if at > time.monotonic() - _PAUSE_SECONDS]
    return len(recent) >= for_now or len(times) >= for_good
