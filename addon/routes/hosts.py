"""Names of hosts: which of them stand for this server.

A page can have its own name point to this machine, and then asks as if it came from here (DNS rebinding).
It can't do that with addresses, with `localhost` and with this machine's own name.
"""

from __future__ import annotations

import re
import socket
from typing import Optional

from ..core.addresses import is_loopback
from ..core.settings import Settings

_HOST = re.compile(r"(\[[\da-f:.]+\]|[^:\[\]@/\s,]*)(:\d*)?", re.IGNORECASE)
# Containers and virtual machines reach the machine that they run on by these.
_CONTAINER_HOSTS = {
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "host.lima.internal",
    "host.orb.internal",
}
# Whoever runs the local network decides where these lead.
_OF_LOCAL_NETWORKS = (".local", ".lan", ".internal", ".home.arpa")


def is_known_host(host: str, settings: Settings) -> bool:
    """Whether a request to `host`, a name with or without a port, is meant for this server.

    Names of the local network count only where the server listens to that network: a network that
    somebody else runs can have any of them lead here.
    """
    if "*" in settings.webAllowedHosts:
        return True
    name = _name(host)
    if name is None:
        return False
    if not name or _is_address(name) or _is_localhost(name) or name in _CONTAINER_HOSTS:
        return True
    if name in map(_normal, settings.webAllowedHosts) or name in _own_names():
        return True
    is_of_network = "." not in name or name.endswith(_OF_LOCAL_NETWORKS)
    return is_of_network and not is_loopback(settings.webBindAddress)


def is_host_name(text: str) -> bool:
    """Whether `text` can be the name of a host, with nothing around it."""
    return bool(_normal(text)) and _name(text) == _normal(text) and "*" not in text


def is_secure_context(host: str) -> bool:
    """Whether browsers trust `host` without TLS; they send it headers that others don't get.

    See https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy.
    """
    name = _name(host) or ""
    # An IPv4 address that is written as one of IPv6 is none of them.
    return _is_localhost(name) or name == "[::1]" or (_is_address(name) and name.startswith("127."))


def _name(host: str) -> Optional[str]:
    """The name without the port, None for what is no host."""
    match = _HOST.fullmatch(host)
    return _normal(match[1]) if match else None


def _normal(name: str) -> str:
    return name.lower().rstrip(".")


def _is_address(name: str) -> bool:
    # No name ends in a number.
    last = name.rpartition(".")[2]
    return name.startswith("[") or (last.isascii() and last.isdigit())


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _own_names() -> tuple[str, str]:
    """This machine's name, as it is given and without its domain."""
    name = _normal(socket.gethostname())
    return name, name.partition(".")[0]
