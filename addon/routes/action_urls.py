"""One URL per action: `/deckNames`, `/addNote`, ... Parameters from the query string or a JSON object.

Actions that only read take GET and POST, all others POST only, so that a link or an image can never
change anything.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from ..actions import Action, Kind, registry
from ..core.context import RequestContext
from ..core.dispatch import BoundAction, Result, attempt, check_key, resolve
from ..core.envelope import success
from ..core.errors import ApiError, BadParams
from ..core.schema import json_text
from ..core.schema.codecs import Json, short_repr
from .context import current_context, header_key
from .json_body import reading_body
from .responses import error_response, json_response

_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


bp = Blueprint("urls", __name__)


# One rule for all: a rule for each would add 20 ms to Anki's start.
@bp.route(f"/<any({', '.join(registry)}):name>", methods=_ALL_METHODS)
def handle(name: str) -> Response:
    action = registry[name]
    context = current_context()
    methods = ["GET", "HEAD", "POST"] if action.kind is Kind.READ else ["POST"]
    if request.method not in methods:
        response = error_response(ApiError(f"{request.method} is not allowed here"), 405)
        response.headers["Allow"] = ", ".join(methods)
        return response

    found = attempt(lambda: _request(action, context), context.runtime)
    outcome: Result = found if found.error else found.result.run()
    if outcome.error:
        return error_response(outcome.error, outcome.error.status)
    return json_response(success(outcome.result))


def _request(action: Action, context: RequestContext) -> BoundAction:
    if request.method != "POST":
        return _checked(action, _from_query(action), context)
    with reading_body() as body:
        return _checked(action, body.take(_parse) if body else None, context)


def _checked(action: Action, given: Json, context: RequestContext) -> BoundAction:
    params = {} if given is None else given
    if not isinstance(params, dict):
        raise BadParams(f"{short_repr(params)} is not of type 'object'")
    check_key(params.pop("key", None) or header_key(), action.name, context)
    return resolve(action.name, params, context)


def _parse(text: str) -> Json:
    return json_text.parse(text) if text.strip(" \t\r\n") else None


def _from_query(action: Action) -> dict[str, Any]:
    """Each value as the declared type reads it; a name that is not declared stays text."""
    codecs = {parameter.wire: parameter.codec for parameter in action.parameters}
    return {
        name: codecs[name].parse_query(texts) if name in codecs else texts[-1]
        for name, texts in request.args.lists()
    }
