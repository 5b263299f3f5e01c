"""Internet addresses: which are this machine's own, and which are everybody's."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Optional, Union

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=64)  # asked for each request
def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `address`, which may be a host name."""
    ip = _parsed(address)
    if ip is None:
        return address.lower() == "localhost" or address.lower().endswith(".localhost")
    # Written as one of IPv6 it is the same address; one that leads through a gateway is not.
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def is_public(address: str) -> bool:
    """Whether `address`, an IP literal, belongs to the internet at large, and not to this machine, its
    network or nobody in particular."""
    ip = _unwrapped(_parsed(address))
    if ip is None or ip.is_multicast or not ip.is_global:
        return False
    # Unwrapped addresses have passed; what else is reserved leads somewhere by special rules.
    return not (ip.is_reserved or getattr(ip, "is_site_local", False))


def _parsed(address: str) -> Optional[_Address]:
    """The address, without its zone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0].strip("[]"))
    except ValueError:
        return None


def _unwrapped(ip: Optional[_Address]) -> Optional[_Address]:
    """The IPv4 address that hides in an IPv6 one, where gateways lead to it; else `ip` itself."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1]) or ip
