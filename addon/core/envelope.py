"""The two members of every reply, whichever way it is made."""

from __future__ import annotations

from .schema.scalars import Json


def success(result: Json) -> Json:
    return {"result": result, "error": None}


def failure(text: str) -> Json:
    return {"result": None, "error": text}
