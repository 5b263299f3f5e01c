"""Downloads of media, on the HTTP thread: http and https only, bounded in time and size."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.adapters

from .errors import ApiError, BadParams

_CHUNK = 64 * 1024


class DownloadFailed(ApiError):
    """The network or the server at the other end failed, not the caller."""


def check_url(url: str) -> None:
    """Raise BadParams for a URL that nothing can be downloaded from."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise BadParams(f"unusable url, http or https was expected: {url}")


def download(url: str, *, timeout: float, limit: int) -> bytes:
    """The content at `url`. Raises DownloadFailed after `timeout` seconds or above `limit` bytes."""
    check_url(url)
    deadline = _Deadline(timeout)
    try:
        with requests.Session() as session:
            session.max_redirects = 5
            session.mount("http://", _Adapter(deadline))
            session.mount("https://", _Adapter(deadline))
            with session.get(url, stream=True, timeout=timeout) as response:
                if response.status_code != 200:
                    raise DownloadFailed(f"{url} download failed with return code {response.status_code}")
                return _read(response, url, limit)
    except DownloadFailed:
        raise
    except Exception as error:
        # A connection that the deadline shuts fails in whatever layer was reading it.
        late = deadline.passed or isinstance(error, requests.Timeout)
        reason = f"no answer in {timeout:g} s" if late else str(error)
        raise DownloadFailed(f"{url} download failed: {reason}") from None
    finally:
        deadline.cancel()


def _read(response: requests.Response, url: str, limit: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > limit:
            raise DownloadFailed(f"{url} download failed: more than {limit / 1e6:g} MB")
    return bytes(content)


class _Deadline:
    """Shuts the connections of a download when its time is up.

    Timeouts of a socket start anew with each byte, so a server that drips could hold a reader for
    hours; a reader whose connection is shut returns at once.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, sock: socket.socket) -> None:
        self._sockets.append(sock)
        if self.passed:
            self._expire()

    def cancel(self) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        self.passed = True
        for sock in self._sockets:
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Adapter(requests.adapters.HTTPAdapter):
    """Connects through connections that the deadline watches, also to a proxy."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: self._watched(pool) for scheme, pool in pools.items()}

    def _watched(self, pool: Any) -> Any:
        deadline = self._deadline

        class Connection(pool.ConnectionCls):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                deadline.watch(self.sock)

        class Pool(pool):  # type: ignore[misc]
            ConnectionCls = Connection

        return Pool
