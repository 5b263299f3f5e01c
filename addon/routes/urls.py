"""One URL per action: `/deckNames`, `/addNote`, ... Parameters from the query string or a JSON object.

Actions that only read take GET and POST, all others POST only, so that a link or an image can never
change anything.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ..actions import Action, Kind, registry
from ..core.errors import ApiError, BadParams
from ..core.protocol import check_key, perform, success
from ..core.shapes import show
from .doors import current_call, error_response, header_key
from .rpc import json_response, parse

_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


bp = Blueprint("urls", __name__)


# One rule for all: a rule for each would add 20 ms to Anki's start.
@bp.route(f"/<any({', '.join(registry)}):name>", methods=_ALL_METHODS)
def handle(name: str) -> Response:
    action = registry[name]
    call = current_call()
    methods = ["GET", "HEAD", "POST"] if action.kind is Kind.READ else ["POST"]
    if request.method not in methods:
        response = error_response(ApiError(f"{request.method} is not allowed here"), 405)
        response.headers["Allow"] = ", ".join(methods)
        return response
    try:
        params = _from_query(action) if request.method != "POST" else _from_body()
        key = params.pop("key", None) or header_key()
        check_key(key, action.name, call)
        return json_response(success(perform(action.name, params, call)))
    except ApiError as error:
        return error_response(error, error.status)


def _from_body() -> dict[str, Any]:
    body = request.get_data(cache=False)
    if not body.strip():
        return {}
    params = parse(body)
    if params is None:
        return {}
    if not isinstance(params, dict):
        raise BadParams(f"{show(params)} is not of type 'object'")
    return params


def _from_query(action: Action) -> dict[str, Any]:
    """Each value as the declared type reads it; a name that is not declared stays text."""
    shapes = {parameter.wire: parameter.shape for parameter in action.parameters}
    return {
        name: shapes[name].from_text(texts) if name in shapes else texts[-1]
        for name, texts in request.args.lists()
    }
