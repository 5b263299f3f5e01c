"""Downloads of media: http and https only, bounded in time and size, nothing kept of what fails."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any, Callable, Optional
from urllib.parse import urljoin, urlsplit

import requests
import requests.adapters

from ..errors import ApiError, BadParams, without_frames

_CHUNK = 64 * 1024
_MAX_REDIRECTS = 5

# Tells of an IP address whether it may be connected to.
Reachable = Callable[[str], bool]


class DownloadFailed(ApiError):
    """The network or the server at the other end failed, not the caller."""


class _OutOfReach(Exception):
    """Its text goes to the caller as it is: no part of the network's libraries takes it for its own."""


def check_url(url: str) -> None:
    """Raise BadParams for a URL that nothing can be downloaded from."""
    if not _is_usable(url):
        raise BadParams(f"unusable url, http or https was expected: {url}")


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def download(url: str, *, timeout: float, limit: int, reachable: Optional[Reachable] = None) -> bytes:
    """The content at `url`. Raises DownloadFailed after `timeout` seconds or above `limit` bytes.

    With `reachable`, only addresses that it accepts are connected to, wherever names and redirects
    lead. Such a download goes past proxies, which would look up names by themselves, and takes no
    password from the machine's `.netrc`.
    """
    check_url(url)
    connections = _Connections(reachable)
    result: futures.Future[bytes] = futures.Future()

    def work() -> None:
        _thread.connections = connections
        try:
            result.set_result(_download(url, timeout, limit))
        except BaseException as error:
            result.set_exception(without_frames(error))

    # On a thread that can be left behind, since nothing ends a look-up of a name that hangs.
    threading.Thread(target=work, name="ankiconnect-download", daemon=True).start()
    try:
        return result.result(timeout)
    except DownloadFailed:
        raise
    except (futures.TimeoutError, requests.Timeout):
        raise DownloadFailed(f"{url} download failed: no answer in {timeout:g} s") from None
    except Exception as error:
        raise DownloadFailed(f"{url} download failed: {error}") from None
    finally:
        connections.close()


def _download(url: str, timeout: float, limit: int) -> bytes:
    with _Session() as session:
        session.mount("http://", _Adapter())
        session.mount("https://", _Adapter())
        if _thread.connections.reachable:
            session.trust_env = False
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        address = url
        for _ in range(_MAX_REDIRECTS + 1):
            with session.get(address, stream=True, timeout=timeout, allow_redirects=False) as response:
                target = session.get_redirect_target(response)
                if target is None:
                    return _content(response, url, limit)
                address = urljoin(address, target)
                if not _is_usable(address):
                    raise DownloadFailed(f"{url} download failed: it leads to {address}")
        raise DownloadFailed(f"{url} download failed: more than {_MAX_REDIRECTS} redirects")


class _Session(requests.Session):
    def resolve_redirects(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Follow none; even to say where one leads, the original would read its body, however large."""
        return iter(())


def _content(response: requests.Response, url: str, limit: int) -> bytes:
    if response.status_code != 200:
        raise DownloadFailed(f"{url} download failed with return code {response.status_code}")
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise DownloadFailed(f"{url} download failed: more than {limit / 1e6:g} MB")
    return bytes(content)


class _Connections:
    """The connections of one download: where they may lead, and how they end.

    Timeouts of a socket start anew with each byte, so a server that drips could hold a reader for
    hours; a reader whose connection is shut returns at once.
    """

    def __init__(self, reachable: Optional[Reachable]) -> None:
        self.reachable = reachable
        self._closed = False
        self._sockets: list[socket.socket] = []

    def watch(self, sock: socket.socket) -> None:
        self._sockets.append(sock)
        if self._closed:
            self.close()

    def close(self) -> None:
        self._closed = True
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def open(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to an address of `host` that may be reached.

        The name is looked up once, and what was checked is what is connected to: a second look-up
        could give another answer.
        """
        assert self.reachable
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(address[0]) for *_, address in found if self.reachable(str(address[0]))]
        if not addresses:
            raise _OutOfReach(
                f"{host} is not on the public internet, and web pages and other machines may use "
                "nothing else"
            )
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, port), timeout)
        return socket.create_connection((addresses[-1], port), timeout)


class _Thread(threading.local):
    """What each thread that downloads works with."""

    connections: _Connections


_thread = _Thread()


class _Adapter(requests.adapters.HTTPAdapter):
    """Opens connections, also those to a proxy, as the `connections` of its thread have it."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _watch(manager)
        return manager


def _watch(manager: Any) -> None:
    pools = manager.pool_classes_by_scheme
    if not any(pool in _WATCHED for pool in pools.values()):  # a proxy's manager comes here again
        manager.pool_classes_by_scheme = {scheme: _watched(pool) for scheme, pool in pools.items()}


_WATCHED: set[Any] = set()


@functools.cache  # only a garbage collector frees a class, and Anki keeps Python's off
def _watched(pool: Any) -> Any:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            connections = _thread.connections
            if connections.reachable:
                # Only this socket leads elsewhere: certificates are checked against the name.
                sock = connections.open(self.host, self.port, self.timeout)
            else:
                sock = super()._new_conn()
            connections.watch(sock)
            return sock

        def connect(self) -> None:
            super().connect()
            _thread.connections.watch(self.sock)  # another one where TLS has wrapped it

    class Pool(pool):  # type: ignore[misc]
        ConnectionCls = Connection

    _WATCHED.add(Pool)
    return Pool
