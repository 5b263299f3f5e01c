"""What GNU's C library is told about memory, which it keeps when freed. Elsewhere this does nothing."""

from __future__ import annotations

import contextlib
import sys

LARGE = 1024 * 1024  # bytes of a request from which on it is worth to give memory back
_M_ARENA_MAX = -8  # of malloc.h


def share_one_heap() -> None:
    """Have all threads share one heap: what a sync needed is then used again, 6 MB less for good."""
    _tell("mallopt", _M_ARENA_MAX, 1)


def give_back() -> None:
    """Give back to the system what was freed, of which up to 64 MB are kept for each thread."""
    _tell("malloc_trim", 0)


def _tell(function: str, *arguments: int) -> None:
    if sys.platform == "linux":
        import ctypes  # not at the start of Anki, which can do without

        with contextlib.suppress(OSError, AttributeError):  # another C library
            getattr(ctypes.CDLL(None), function)(*arguments)
