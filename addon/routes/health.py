"""What supervisors ask: `GET /healthz`, is the process alive, and `GET /readyz`, is a collection open.

Neither takes a key or waits for the collection.
"""

from __future__ import annotations

from flask import Blueprint, Response

from .context import current_context
from .responses import json_response

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    return _reply("alive", True)


@bp.get("/readyz")
def readyz() -> Response:
    return _reply("ready", current_context().runtime.is_ready())


def _reply(name: str, value: bool) -> Response:
    response = json_response({name: value}, 200 if value else 503)
    response.headers["Cache-Control"] = "no-store"
    return response
