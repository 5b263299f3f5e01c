"""Origins of web pages, and their spellings."""

from __future__ import annotations

import re

_ORIGIN = re.compile(r"([a-z][a-z\d+.-]*)://(\[[^]]*\]|[^:/]*)(?::0*(\d*))?/*")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def canonical(origin: str) -> str:
    """The spelling that browsers send, whatever the spelling of `origin`; a dot behind the name goes."""
    lower = origin.strip().lower()
    match = _ORIGIN.fullmatch(lower)
    if not match:
        return lower
    scheme, name, port = match.groups()
    is_default = not port or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{name.rstrip('.')}" + ("" if is_default else f":{port}")
