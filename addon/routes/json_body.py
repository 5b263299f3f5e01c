"""The JSON in the bodies of requests. Large ones are read one at a time."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Callable

from flask import request
from werkzeug.exceptions import HTTPException

from ..core.context import RequestContext
from ..core.dispatch import is_key
from ..core.errors import ApiError, BadParams, KeyRefused
from ..core.schema import json_text
from ..http import malloc
from .context import current_context, header_key

_large = threading.Lock()
# A body beyond this is parsed only if the key came with it: parsed JSON can take up 25 times as much.
_MAX_WITHOUT_KEY = 64 * 1024
# The name in each of its spellings, up to the text that follows.
_KEY = re.compile(rb'"(?:k|\\u006[bB])(?:e|\\u0065)(?:y|\\u0079)"[ \t\r\n]{0,99}:[ \t\r\n]{0,99}(?=")')
_MAX_KEY_NAME = 250
_PIECE = 1024 * 1024
_MAX_KEYS = 8
_decoder = json.JSONDecoder()


class Body:
    """What has arrived with a request: JSON, which can be taken once.

    It may hold whole files, so neither its bytes nor its text are kept longer than needed.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __bool__(self) -> bool:
        return bool(self._content)

    def take(self, parse: Callable[[str], Any] = json_text.parse) -> Any:
        """The JSON value. Raises BadParams with the decoder's text."""
        content, self._content = self._content, b""
        try:
            text = content.decode("utf-8")
        except ValueError as error:
            raise BadParams(str(error)) from None
        del content
        return parse(text)


@contextlib.contextmanager
def reading_body() -> Iterator[Body]:
    """The body of the request, within which its JSON is parsed and converted.

    Raises KeyRefused for a large one without the key, and ApiError for one that does not arrive as
    announced.
    """
    body = _received()
    context = current_context()
    if len(body) > _MAX_WITHOUT_KEY and not (is_key(header_key(), context) or _may_hold_key(body, context)):
        del body  # which the error would keep
        raise KeyRefused()
    if len(body) > malloc.LARGE:
        context.parse_lock = _turn_of_large
    with context.parse_lock():
        read = Body(body)
        del body
        yield read


def _received() -> bytes:
    try:
        return request.get_data(cache=False)
    except HTTPException as error:
        refusal = ApiError(error.description)
        refusal.status = error.code or refusal.status
    raise refusal  # not as its consequence, which would keep what has arrived


def _may_hold_key(body: bytes, context: RequestContext) -> bool:
    """Whether the API key is in `body`, as far as can be told without parsing it.

    It stands in front of what is large or behind it. No more are compared, so that a request tries a few.
    """
    pieces = range(0, len(body), _PIECE)  # between which other threads have their turn
    names = (name for at in pieces for name in _KEY.finditer(body, at, at + _PIECE + _MAX_KEY_NAME))
    last = deque(_KEY.finditer(body, max(0, len(body) - _MAX_WITHOUT_KEY)), _MAX_KEYS)
    # One character takes 12 bytes at most.
    longest = 12 * len(context.settings.key or "") + 2
    return any(
        is_key(_text(body[name.end() : name.end() + longest]), context)
        for name in chain(islice(names, _MAX_KEYS), last)
    )


def _text(start: bytes) -> Any:
    """The JSON string that `start` begins with; None if it is cut short or wrong."""
    try:
        return _decoder.raw_decode(start.decode(errors="ignore"))[0]
    except ValueError:
        return None


@contextlib.contextmanager
def _turn_of_large() -> Iterator[None]:
    """Read large bodies one at a time.

    Side by side they would not be read sooner, since Python runs one thread at a time, but take up memory
    and keep Anki's window from its turn.
    """
    with _large:
        try:
            yield
        finally:
            malloc.give_back()
