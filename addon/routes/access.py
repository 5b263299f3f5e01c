"""Who may use the API: known hosts, allowed origins, and programs, which have no origin."""

from __future__ import annotations

import json
import re
from typing import Optional

from flask import Flask, Response, g, request

from ..core.addresses import is_loopback
from ..core.context import CollectionBinding, RequestContext
from ..core.errors import Forbidden
from ..core.policy import OPEN_TO_ALL, unknown_origin
from ..core.schema.codecs import truncated
from ..core.settings import Settings
from .context import app_context
from .hosts import is_known_host, is_secure_context
from .responses import error_response

LOCALHOST = "http://localhost"
# While http://localhost is allowed, so are pages from this machine and browser extensions.
_LOCAL = re.compile(
    r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
    r"|(chrome-extension|moz-extension|safari-web-extension)://.*"
)
# A proxy on this machine passes on what other machines ask.
_FORWARDED = {
    f"HTTP_{name}" for name in ("FORWARDED", "VIA", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_REAL_IP")
}
# What a browser tells of requests from a page of ours and of an address that a person has typed.
_OWN_SITES = ("same-origin", "none")
_UNNAMED = "null"  # as browsers call the origin of pages that they don't name
_MAX_QUESTION = 64 * 1024


def init_app(app: Flask) -> None:
    """Note who sends each request, and refuse those that may not."""
    app.before_request(_admit)


def _admit() -> Optional[Response]:
    context = g.context = _new_context()
    host = request.environ.get("HTTP_HOST", "")
    if not is_known_host(host, context.settings):
        return error_response(_unknown_host(host), 403)
    if g.of_unnamed_page and not context.allowed:
        return None if _is_own_page() else error_response(_unnamed_page(), 403)
    is_admitted = context.allowed or request.method == "OPTIONS" or _asks_for_permission()
    g.reader = context.origin  # also of a refusal: the page can show what to do
    if not is_admitted:
        return error_response(unknown_origin(context.origin), 403)
    return Response(mimetype="application/json") if request.method == "OPTIONS" else None


def _new_context() -> RequestContext:
    """The surroundings of the current request."""
    context = app_context()
    settings = context.settings()
    environ = request.environ
    origin = environ.get("HTTP_ORIGIN", "")
    g.of_unnamed_page = not origin and _is_of_unnamed_page(settings)
    is_local = _FORWARDED.isdisjoint(environ) and is_loopback(request.remote_addr or "")
    return RequestContext(
        context.runtime,
        settings,
        origin=origin,
        allowed=is_allowed(_UNNAMED if g.of_unnamed_page else origin, settings),
        is_local=is_local,
        is_local_program=is_local and "HTTP_ORIGIN" not in environ and not g.of_unnamed_page,
        binding=CollectionBinding(context.runtime.collection()),
    )


def is_allowed(origin: str, settings: Settings) -> bool:
    """Whether pages of `origin` may use the API; an empty one is no page but a program."""
    allowed = settings.origins
    if not origin or "*" in allowed or origin in allowed:
        return True
    return LOCALHOST in allowed and _LOCAL.fullmatch(origin) is not None


def _is_of_unnamed_page(settings: Settings) -> bool:
    """Whether a request without an origin comes from a page of another site all the same.

    Browsers name no origin for what a page loads as an image, a script or a frame, nor for links. They do
    tell that another site is behind it, but only to hosts that are secure contexts. At the others, a
    browser's GET of an action can be of any page. Where there is a key, the page lacks that.
    """
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        return site not in _OWN_SITES
    return (
        request.blueprint in ("rpc", "urls")
        and request.method in ("GET", "HEAD")
        and request.environ.get("HTTP_USER_AGENT", "").startswith("Mozilla/")
        and settings.key is None
        and not is_secure_context(request.environ.get("HTTP_HOST", ""))
    )


def _is_own_page() -> bool:
    """Whether a request shows a page of this server in a tab of its own, which performs nothing.

    Asked of the route that was found, as below.
    """
    environ = request.environ
    if (
        request.method not in ("GET", "HEAD")
        or environ.get("HTTP_SEC_FETCH_MODE", "navigate") != "navigate"
        or environ.get("HTTP_SEC_FETCH_DEST", "document") != "document"
        or request.content_length
        or "HTTP_TRANSFER_ENCODING" in environ
    ):
        return False
    if request.blueprint == "rpc":
        return not (request.view_args or {}).get("path", "").strip("/")
    return request.blueprint == "openapi"


def _asks_for_permission() -> bool:
    """Whether a request is for the one action that is open to every origin.

    Asked of the route that was found: reading the path once more, one could read it differently.
    """
    # A question is short; what is long or of unknown length (chunked) is not read for it.
    if "HTTP_TRANSFER_ENCODING" in request.environ or (request.content_length or 0) > _MAX_QUESTION:
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
        f"the host name {truncated(host)} is not known here: if it is yours, add it to webAllowedHosts "
        "in AnkiConnect's settings"
    )


def _unnamed_page() -> Forbidden:
    return Forbidden(
        "a page of another site may not load this address or lead to it: it can ask with fetch once it is "
        "allowed, and a person can type the address, with 127.0.0.1 as its host"
    )
