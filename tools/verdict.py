"""What is wrong with a reply to hostile input, if anything."""

from __future__ import annotations

import functools
import json
from typing import Any, Optional

import jsonschema

from addon.actions import Kind, registry

STATUSES = {200, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 431, 501, 502, 503}


def is_error(reply: Any) -> bool:
    return isinstance(reply, dict) and set(reply) == {"result", "error"} and reply["error"] is not None


def problem(action: str, status: int, body: bytes, *, version: int = 6) -> Optional[str]:
    """Why `body` is no good reply of `action` to a request of `version`; None if it is one.

    A good reply is a clear error, or a result of the declared shape.
    """
    text = body.decode("utf-8", "replace")
    if status not in STATUSES:
        return f"status {status}: {text[:200]}"
    try:
        reply = json.loads(body, parse_constant=_no_constant)
    except ValueError as error:
        return f"not JSON ({error}): {text[:200]}"
    if is_error(reply):
        told = reply["error"]
        if not isinstance(told, str) or not told.strip() or "internal error" in told:
            return f"not a clear error: {text[:200]}"
        return None if reply["result"] is None else "both an error and a result"
    if status != 200:
        return f"status {status} without an error: {text[:200]}"
    if version > 4:
        if not isinstance(reply, dict) or set(reply) != {"result", "error"}:
            return f"not of two members: {text[:200]}"
        reply = reply["result"]
    mismatch = next(_results(action).iter_errors(reply), None)
    return f"not the declared result: {mismatch.message[:200]}" if mismatch else None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@functools.cache
def _results(action: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(registry[action].result_schema())


def methods(action: str) -> tuple[str, ...]:
    return ("GET", "POST") if registry[action].kind is Kind.READ else ("POST",)
