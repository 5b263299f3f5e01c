"""What browsers are told about replies: which pages may read them, and what pages may send (CORS)."""

from __future__ import annotations

from typing import Optional

from flask import Flask, Response, g, request

from ..core.context import RequestContext
from .access import LOCALHOST


def init_app(app: Flask) -> None:
    """Put the headers on every reply."""
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = _allow_origin()
    wanted = request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").lower()
    # The star covers all headers but this one.
    headers["Access-Control-Allow-Headers"] = "*, Authorization" if "authorization" in wanted else "*"
    if request.method == "OPTIONS" and request.url_rule:
        headers["Access-Control-Allow-Methods"] = ", ".join(sorted(request.url_rule.methods or ()))
    headers["Access-Control-Expose-Headers"] = "X-AnkiConnect-Warning"
    headers["Vary"] = "Origin"
    # A page that may not read a reply may not learn either, by loading it as a script or an image,
    # whether it is an error.
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["X-Content-Type-Options"] = "nosniff"
    if request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return response


def _allow_origin() -> str:
    context: Optional[RequestContext] = g.get("context")
    if context and "*" in context.settings.origins:
        return "*"
    return g.get("reader") or LOCALHOST
