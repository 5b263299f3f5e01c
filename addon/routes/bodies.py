"""JSON bodies: of requests, read, and of replies, written."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any, Callable, Optional, TypeVar

from flask import Response, request

from .. import memory
from ..core import parsing
from ..core.errors import BadParams
from .doors import current_call

_orjson: Any
try:
    import orjson as _orjson
except ImportError:
    _orjson = None

T = TypeVar("T")

_LARGE = 1024 * 1024
_large = threading.Lock()


def from_body(read: Callable[[Any], T], parse: Callable[[str], Any] = parsing.parse) -> Optional[T]:
    """What `read` makes of the JSON value in the body of the request; None where there is no body.

    Raises BadParams with the decoder's text.
    """
    body = request.get_data(cache=False)
    if not body:
        return None
    call = current_call()
    if len(body) > _LARGE:
        call.reading = _turn_of_large
    with call.reading():
        try:
            text = body.decode("utf-8")
        except ValueError as error:
            raise BadParams(str(error)) from None
        del body  # each of them can hold a file, and is not kept longer than it is needed
        value = parse(text)
        del text
        result = read(value)
        del value
        return result


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
            memory.give_back()


def json_response(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status=status, mimetype="application/json")


def encode(value: Any) -> bytes:
    """JSON, by orjson where Anki ships it, which is ten times as fast."""
    if _orjson:
        # It refuses what Python's own module can do: keys that are numbers, integers of more than
        # 64 bits and halves of surrogate pairs.
        with contextlib.suppress(TypeError):
            return bytes(_orjson.dumps(value))
    return json.dumps(value, separators=(",", ":")).encode()
