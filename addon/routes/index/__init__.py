"""The page that a person sees who visits the address in a browser."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template, request

from ...core.context import RequestContext
from ...core.dispatch import BANNER, check_key
from ...core.errors import KeyRefused
from ...core.registry import Action, registry
from ...core.schema.codecs import Schema
from ..context import app_context, current_context, header_key
from ..schema_text import parameters

bp = Blueprint("page", __name__)

_TYPES = {"page.js": "text/javascript", "page.css": "text/css"}
# Read at start: an upgrade replaces the files under the running add-on.
_ASSETS = {name: Path(__file__).with_name(name).read_bytes() for name in _TYPES}
# Where one of several optional parameters is needed.
_ONE_OF_SEVERAL: dict[str, dict[str, Any]] = {
    "apiReflect": {"scopes": ["actions"]},
    "notesInfo": {"notes": []},
}
# Not to be framed: a page around it could have its form clicked.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_wanted() -> bool:
    """Whether the request comes from a person's browser."""
    return any(kind == "text/html" for kind, _quality in request.accept_mimetypes)


def show() -> Response:
    context = current_context()
    runtime = context.runtime
    html = render_template(
        "page.html",
        banner=BANNER,
        is_trusted=_is_trusted(context),
        anki_version=runtime.anki_version,
        profile=runtime.profile(),
        is_ready=runtime.is_ready(),
        problems=app_context().problems(),
        actions=_actions(),
    )
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_trusted(context: RequestContext) -> bool:
    """Whether to show what only the person at this machine, or somebody with the key, may know."""
    try:
        check_key(header_key(), "", context)
    except KeyRefused:
        return context.is_local and not context.origin
    return True


@bp.get("/_page/<any('page.js', 'page.css'):name>")
def asset(name: str) -> Response:
    return Response(_ASSETS[name], mimetype=_TYPES[name])


@cache
def _actions() -> list[dict[str, Any]]:
    """Name, kind and parameters to start from, for each action."""
    return [
        {
            "name": action.name,
            "kind": action.kind.value,
            "summary": action.summary,
            "params": json.dumps(_start(action), indent=2),
            "about": "\n".join(parameters(action)),
        }
        for _name, action in sorted(registry.items())
    ]


def _start(action: Action) -> dict[str, Any]:
    """All parameters: a value for those that are needed, what counts as not given for the others."""
    optional = {parameter.wire: parameter.default for parameter in action.parameters}
    return {**optional, **_sample(action.params_schema()), **_ONE_OF_SEVERAL.get(action.name, {})}


def _sample(schema: Schema) -> Any:
    """The smallest value of the right shape: an object's required members, emptiness otherwise."""
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _sample(properties[name]) for name in schema.get("required", ())}
    return {"string": "", "integer": 0, "number": 0, "boolean": False, "array": []}.get(kind or "")
