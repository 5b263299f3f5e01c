"""Who may come in, and what every reply carries: hosts, origins, CORS headers, warnings."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from flask import Flask, Response, current_app, g, request

from ..config import Settings
from ..core.addresses import is_loopback
from ..core.call import Call, CollectionBinding, Host
from ..core.errors import Forbidden
from ..core.protocol import failure
from ..core.rules import OPEN_TO_ALL, unknown_origin
from ..core.shapes import brief
from .requestlog import RequestLog

_LOCALHOST = "http://localhost"
# While http://localhost is allowed, so are pages from this machine and browser extensions.
_LOCAL = re.compile(
    r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
    r"|(chrome-extension|moz-extension|safari-web-extension)://.*"
)
_HOST = re.compile(r"(\[[\da-f:.]+\]|[^:\[\]@/\s,]*)(:\d*)?", re.IGNORECASE)
# No stranger can own a name that ends like this, so none leads here but by the user's own doing.
_OWN_NAMES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
# A proxy on this machine passes on what other machines ask.
_FORWARDED = {
    f"HTTP_{name}" for name in ("FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_REAL_IP")
}
_LONGEST_QUESTION = 64 * 1024
_WARNINGS_SHOWN = 20
_WARNING_LENGTH = 300


@dataclass(frozen=True)
class Context:
    """What the application was made with."""

    host: Host
    settings: Callable[[], Settings]
    log: RequestLog = field(default_factory=RequestLog)


def is_known_host(host: str, settings: Settings) -> bool:
    """Whether a request to `host`, a name with or without a port, is meant for this server.

    A page can have its own name point here, and then asks as if it came from here itself. It cannot do
    that with names that only this network knows, nor with addresses.
    """
    match = _HOST.fullmatch(host)
    if "*" in settings.webAllowedHosts:
        return True
    if not match:
        return False
    name = match[1].lower().rstrip(".")
    last = name.rpartition(".")[2]
    if name == last or last.isdigit() or name.startswith("[") or name.endswith(_OWN_NAMES):
        return True
    return name in (allowed.lower().rstrip(".") for allowed in settings.webAllowedHosts)


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
    environ = request.environ
    origin = environ.get("HTTP_ORIGIN", "")
    is_direct = "HTTP_ORIGIN" not in environ and _FORWARDED.isdisjoint(environ)
    call = Call(
        context.host,
        settings,
        origin=origin,
        allowed=is_allowed(origin, settings),
        is_local_program=is_direct and is_loopback(request.remote_addr or ""),
        binding=CollectionBinding(context.host.collection()),
    )
    g.call = call
    return call


def current_call() -> Call:
    call: Call = g.call
    return call


def header_key() -> Optional[str]:
    """The API key that came outside the body."""
    authorization = request.headers.get("Authorization", "")
    bearer = authorization[7:].strip() if authorization[:7].lower() == "bearer " else None
    key = request.headers.get("X-API-Key") or bearer
    if not key:
        return request.args.get("key")
    try:
        return key.encode("latin-1").decode()  # headers are bytes, and came read as Latin-1
    except ValueError:
        return key


def error_response(error: Exception, status: int) -> Response:
    """The reply that tells of an error, which is counted for the log."""
    current_call().failed[type(error).__name__] += 1
    content = json.dumps(failure(error), separators=(",", ":"))
    return Response(content, status=status, mimetype="application/json")


def guard(app: Flask) -> None:
    """Check host and origin of every request, and put the headers on every reply."""

    @app.before_request
    def check() -> Optional[Response]:
        g.began = time.perf_counter()
        call = new_call()
        g.admitted = False
        host = request.environ.get("HTTP_HOST", "")
        if not is_known_host(host, call.settings):
            return error_response(_unknown_host(host), 403)
        g.admitted = call.allowed or request.method == "OPTIONS" or _asks_for_permission()
        if not g.admitted:
            return error_response(unknown_origin(call.origin), 403)
        return Response(mimetype="application/json") if request.method == "OPTIONS" else None

    @app.after_request
    def finish(response: Response) -> Response:
        call = current_call()
        _add_headers(response, call)
        context: Context = current_app.extensions["ankiconnect"]
        if call.settings.apiLogPath:
            context.log.write(call.settings.apiLogPath, _entry(call, response))
        return response


def _asks_for_permission() -> bool:
    """Whether a request is for the one action that is open to every origin.

    Asked of the route that was found: reading the path once more, one could read it differently.
    """
    # A question is short; what is long or of unknown length (chunked) is not read for it.
    if "HTTP_TRANSFER_ENCODING" in request.environ or (request.content_length or 0) > _LONGEST_QUESTION:
        return False
    if request.blueprint != "rpc":
        return request.blueprint == "urls" and (request.view_args or {}).get("name") == OPEN_TO_ALL
    try:
        message = json.loads(request.get_data().decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("action") == OPEN_TO_ALL


def _unknown_host(host: str) -> Forbidden:
    return Forbidden(
        f"the host name {brief(host)} is not known here: if it is yours, add it to webAllowedHosts "
        "in AnkiConnect's settings"
    )


def _add_headers(response: Response, call: Call) -> None:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = _allow_origin(call)
    wanted = request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").lower()
    # The star covers all headers but this one.
    headers["Access-Control-Allow-Headers"] = "*, Authorization" if "authorization" in wanted else "*"
    headers["Access-Control-Expose-Headers"] = "X-AnkiConnect-Warning"
    headers["Vary"] = "Origin"
    # A page that may not read a reply may not learn either, by loading it as a script or an image,
    # whether it is an error.
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"
    if request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    for warning in call.warnings[:_WARNINGS_SHOWN]:
        # Headers are ASCII; other characters are written as \uXXXX.
        text = " ".join(warning.split())[:_WARNING_LENGTH]
        text = text.encode("ascii", "backslashreplace").decode()
        headers.add("X-AnkiConnect-Warning", text)


def _allow_origin(call: Call) -> str:
    if "*" in call.settings.origins:
        return "*"
    # A refused page may read the reply to requestPermission, and its preflight must pass for that.
    return call.origin if call.origin and g.admitted else _LOCALHOST


def _entry(call: Call, response: Response) -> dict[str, Any]:
    """What the log tells of a request: nothing that the caller could have put a secret into."""
    return {
        "peer": request.remote_addr,
        "origin": call.origin[:200],
        "method": request.method,
        "actions": call.performed,
        "status": response.status_code,
        "errors": call.failed,
        "ms": round((time.perf_counter() - g.began) * 1000, 1),
    }
