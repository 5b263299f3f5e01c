"""Who may come in, and what every reply carries: origins, CORS headers, warnings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Optional

from flask import Flask, Response, current_app, g, request

from ..config import Settings
from ..core.call import Call, Host

_LOCALHOST = "http://localhost"
# While http://localhost is allowed, so are pages from this machine and browser extensions.
_LOCAL = re.compile(
    r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
    r"|(chrome-extension|moz-extension|safari-web-extension)://.*"
)
_WARNINGS_SHOWN = 20
_WARNING_LENGTH = 300


@dataclass(frozen=True)
class Context:
    """What the application was made with."""

    host: Host
    settings: Callable[[], Settings]


def is_allowed(origin: str, settings: Settings) -> bool:
    """Whether pages of `origin` may use the API; an empty one is no page but a program."""
    allowed = settings.origins
    if not origin or "*" in allowed or origin in allowed:
        return True
    return _LOCALHOST in allowed and _LOCAL.fullmatch(origin) is not None


def new_call() -> Call:
    """The surroundings of the current request."""
    context: Context = current_app.extensions["ankiconnect"]
    settings = context.settings()
    origin = request.headers.get("Origin", "")
    call = Call(context.host, settings, origin=origin, allowed=is_allowed(origin, settings))
    g.call = call
    return call


def current_call() -> Call:
    call: Call = g.call
    return call


def header_key() -> Optional[str]:
    """The API key that came outside the body."""
    authorization = request.headers.get("Authorization", "")
    bearer = authorization[7:].strip() if authorization[:7].lower() == "bearer " else None
    return request.headers.get("X-API-Key") or bearer or request.args.get("key")


def forbidden() -> Response:
    return Response(status=403, mimetype="application/json")


def guard(app: Flask) -> None:
    """Check the origin of every request, and put the headers on every reply."""

    @app.before_request
    def check_origin() -> Optional[Response]:
        call = new_call()
        if request.method == "OPTIONS":
            return Response(mimetype="application/json")
        g.refused = not call.allowed  # judged where the action is known: requestPermission may pass
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        call = current_call()
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = _allow_origin(call, response.status_code)
        headers["Access-Control-Allow-Headers"] = "*"
        headers["Access-Control-Expose-Headers"] = "X-AnkiConnect-Warning"
        headers["Vary"] = "Origin"
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        for warning in call.warnings[:_WARNINGS_SHOWN]:
            # Headers are ASCII; other characters are written as \uXXXX.
            text = " ".join(warning.split())[:_WARNING_LENGTH]
            text = text.encode("ascii", "backslashreplace").decode()
            headers.add("X-AnkiConnect-Warning", text)
        return response


def _allow_origin(call: Call, status: int) -> str:
    if "*" in call.settings.origins:
        return "*"
    # A refused page may read the reply to requestPermission, and its preflight must pass for that;
    # anything else it asks for gets a 403.
    return call.origin if call.origin and status != 403 else _LOCALHOST
