"""Replies: JSON, errors, and the header with warnings."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Optional

from flask import Flask, Response, g

from ..core.context import RequestContext
from ..core.envelope import failure
from ..core.plain_text import header_text

_orjson: Any
try:
    import orjson as _orjson
except ImportError:
    _orjson = None

_MAX_WARNINGS = 20
_MAX_WARNING_LENGTH = 300


def init_app(app: Flask) -> None:
    """Put the warnings of each request on its reply."""
    app.after_request(_add_warnings)


def json_response(value: Any, status: int = 200) -> Response:
    return Response(dumps(value), status=status, mimetype="application/json")


def error_response(error: Exception, status: int) -> Response:
    """The reply that tells of an error, which is counted for the log."""
    context: Optional[RequestContext] = g.get("context")
    if context:  # there is none where it could not be made
        context.failed[type(error).__name__] += 1
    return json_response(failure(str(error)), status)


def dumps(value: Any) -> bytes:
    """JSON, by orjson where Anki ships it, which is ten times as fast."""
    if _orjson:
        # It refuses what Python's own module can do: keys that are numbers, integers of more than
        # 64 bits and halves of surrogate pairs.
        with contextlib.suppress(TypeError):
            return bytes(_orjson.dumps(value))
    return json.dumps(value, separators=(",", ":")).encode()


def _add_warnings(response: Response) -> Response:
    context: Optional[RequestContext] = g.get("context")
    for warning in context.warnings[:_MAX_WARNINGS] if context else ():
        response.headers.add("X-AnkiConnect-Warning", header_text(warning, _MAX_WARNING_LENGTH))
    return response
