"""Anki's errors of syncing, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

from anki.errors import AnkiException, Interrupted, InvalidInput, NetworkError, SyncError, SyncErrorKind

from ..errors import (
    UNREACHABLE,
    ApiError,
    BadParams,
    LoginRefused,
    ServerUnreachable,
    SyncFailed,
    Unavailable,
    as_api_error,
    plain,
)


@contextmanager
def translated(endpoint: Optional[str]) -> Iterator[None]:
    """Put Anki's errors into our words."""
    try:
        yield
    except AnkiException as error:
        raise translation(error, endpoint) from None


def without_address(text: str) -> str:
    """The text of an error without what follows the news that a server can't be reached."""
    before, said, _after = text.partition(UNREACHABLE)
    return before + said


def translation(error: AnkiException, endpoint: Optional[str]) -> ApiError:
    text = " ".join(plain(str(error)).split())
    if isinstance(error, NetworkError) or text.startswith("HttpError"):  # broken in the middle
        return ServerUnreachable(endpoint or "AnkiWeb", text)
    if isinstance(error, Interrupted):
        return SyncFailed("it was stopped before its end")
    if isinstance(error, SyncError) and error.kind is SyncErrorKind.AUTH:
        return LoginRefused()
    known = as_api_error(error)
    if isinstance(known, Unavailable):
        return known
    if isinstance(error, InvalidInput):
        return BadParams(f"sync: {text}")
    return SyncFailed(text)
