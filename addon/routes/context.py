"""What goes with the application and with the request that is being answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from flask import current_app, g, request

from ..core.context import RequestContext, Runtime
from ..core.settings import Settings


@dataclass(frozen=True)
class AppContext:
    """What the application was made with."""

    runtime: Runtime
    settings: Callable[[], Settings]
    problems: Callable[[], list[str]]


def app_context() -> AppContext:
    context: AppContext = current_app.extensions["ankiconnect"]
    return context


def current_context() -> RequestContext:
    context: RequestContext = g.context
    return context


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
