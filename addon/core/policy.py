"""Which actions may be performed: what the settings allow, and to pages of other origins just one."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Optional

from .context import RequestContext
from .errors import Forbidden
from .registry import Action, Kind, registry
from .schema.codecs import truncated
from .settings import Settings

# What anyone may perform, from any origin and without a key.
OPEN_TO_ALL = "requestPermission"
# They do nothing by themselves: the parts of a multi are judged one by one.
_HARMLESS = ("multi", OPEN_TO_ALL)


def refusal(action: Action, settings: Settings) -> Optional[str]:
    """The name of the setting that forbids `action`, if one does."""
    if _is_listed(action.name, settings.apiDeniedActions):
        return "apiDeniedActions"
    if action.name in _HARMLESS:
        return None
    if settings.apiAllowedActions is not None and not _is_listed(action.name, settings.apiAllowedActions):
        return "apiAllowedActions"
    if settings.apiReadOnly and action.kind is not Kind.READ:
        return "apiReadOnly"
    return None


def unknown_origin(origin: str) -> Forbidden:
    return Forbidden(
        f"the origin {truncated(origin)} may not use Anki: it can ask with {OPEN_TO_ALL}, or be added to "
        "webCorsOriginList in AnkiConnect's settings"
    )


def check_allowed(action: Action, context: RequestContext) -> None:
    """Raise Forbidden for an action that is not for this caller, or that a setting, named, forbids.

    `routes/access.py` asks about the origin too, for the whole request. Every action passes here,
    however it was called.
    """
    if not context.allowed and action.name != OPEN_TO_ALL:
        raise unknown_origin(context.origin)
    setting = refusal(action, context.settings)
    if setting:
        raise Forbidden(f"{action.name} is not allowed here ({setting} in the settings)")


def unknown_action(patterns: Iterable[str]) -> Optional[str]:
    """The first of `patterns` that no action has for a name, if there is one."""
    return next((p for p in patterns if not any(fnmatchcase(name, p) for name in registry)), None)


def _is_listed(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
