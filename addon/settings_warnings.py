"""Settings that are allowed and have no effect, or not the one that was meant. They are told, not refused:
a configuration may be older or newer than this code, and one slip is no reason not to serve.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Iterator, Mapping

from .core.origins import canonical
from .core.settings import ServerSettings, Settings
from .routes.hosts import is_host_name
from .settings_sources import variable

_PREFIX = "ANKICONNECT_"


def slips(settings: Settings, names: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """A sentence for each, from the settings in force, the names configured and the environment.

    It can take long: the file of the request log can be anywhere.
    """
    known = [field.name for field in dataclasses.fields(Settings)]
    return [
        *(f"there is no setting {name!r}{_meant(name, known)}" for name in names if name not in known),
        *_variable_slips(environment),
        *_key_slips(settings),
        *_origin_slips(settings),
        *_host_slips(settings),
        *_log_slips(settings),
    ]


def _meant(name: str, known: list[str], alike: float = 0.6) -> str:
    lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=alike)
    return f": is it {lower[close[0]]}?" if close else ""


def _variable_slips(environment: Mapping[str, str]) -> Iterator[str]:
    known = []
    for field in dataclasses.fields(ServerSettings):
        files = [f"{field.name}File"] if field.metadata["secret"] else []
        known += [variable(name).removeprefix(_PREFIX) for name in (field.name, *files)]
    for name in environment:
        rest = name.removeprefix(_PREFIX)
        # Clients have variables of the same prefix, such as one for the address.
        meant = _meant(rest, known, alike=0.8)
        if name.startswith(_PREFIX) and rest not in known and meant:
            yield f"there is no variable {name}{meant.replace('is it ', f'is it {_PREFIX}')}"


def _key_slips(settings: Settings) -> Iterator[str]:
    key = settings.key or ""
    if key != key.strip() or not key.isprintable():
        yield (
            "setting apiKey: no header carries spaces around a key, nor line breaks, so programs that send "
            "it in one are refused"
        )


def _origin_slips(settings: Settings) -> Iterator[str]:
    allowed = [("webCorsOriginList", origin) for origin in settings.webCorsOriginList]
    if settings.webCorsOrigin:
        allowed.append(("webCorsOrigin", settings.webCorsOrigin))
    for name, origin in allowed:
        if origin not in ("*", "null") and (not _is_origin(origin) or origin != canonical(origin)):
            yield _no_origin(name, origin)
    for origin in settings.ignoreOriginList:
        if origin != "null" and not _is_origin(origin):
            yield _no_origin("ignoreOriginList", origin)


def _is_origin(text: str) -> bool:
    scheme, _, name = text.partition("://")
    return bool(scheme and name.strip("/")) and "*" not in text and "/" not in name.rstrip("/")


def _no_origin(name: str, origin: str) -> str:
    scheme = "http" if origin.startswith(("localhost", "127.")) else "https"
    suggested = canonical(origin if "://" in origin else f"{scheme}://{origin}")
    meant = f": is it {suggested}?" if suggested != origin and _is_origin(suggested) else ""
    return f"setting {name}: {origin!r} is not as browsers write an origin, so it matches no page{meant}"


def _host_slips(settings: Settings) -> Iterator[str]:
    for host in settings.webAllowedHosts:
        if host != "*" and not is_host_name(host):
            yield (
                f"setting webAllowedHosts: {host!r} matches no host: a name has no scheme, port or path, "
                'and "*" stands only for all'
            )


def _log_slips(settings: Settings) -> Iterator[str]:
    if settings.apiLogPath:
        try:
            with open(settings.apiLogPath, "ab"):
                pass
        except OSError as error:
            reason = error.strerror or error
            yield f"setting apiLogPath: {settings.apiLogPath} can't be opened to write: {reason}"
