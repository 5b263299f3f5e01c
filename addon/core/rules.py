"""Which actions the settings allow."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Optional

from ..config import Settings
from .actions import Action, Kind, registry
from .errors import Forbidden

# They do nothing by themselves: the parts of a multi are judged one by one.
_HARMLESS = ("multi", "requestPermission")


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


def check_allowed(action: Action, settings: Settings) -> None:
    """Raise Forbidden, naming the setting, for an action that the settings forbid."""
    setting = refusal(action, settings)
    if setting:
        raise Forbidden(f"{action.name} is not allowed here ({setting} in the settings)")


def unknown_action(patterns: Iterable[str]) -> Optional[str]:
    """The first of `patterns` that no action has for a name, if there is one."""
    return next((p for p in patterns if not any(fnmatchcase(name, p) for name in registry)), None)


def _is_listed(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
