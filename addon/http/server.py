"""The HTTP server: a thread that listens, and one more per connection.

Werkzeug's own server is not used: it closes the connection after each reply, exits the process when the
port is taken, and needs package metadata that Anki's bundles before 25.07 lack.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import logging
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any, Callable

from .handler import Handler
from .transfers import Transfers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("ankiconnect")

_MAX_CONNECTIONS = 512
_FILES = 1024  # that connections and Anki need together; macOS grants 256 unless asked
_POLL_SECONDS = 0.1
_CHANCE_SECONDS = 1.0
_RETRY_SECONDS = 2.0
# `localhost` is either of them, whichever a client tries first.
_LOOPBACK = {"127.0.0.1": "::1", "localhost": "::1"}


class _Connections:
    """The open connections. Where one more is too many, the one that keeps us waiting longest goes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self._busy = 0
        self._count = 0
        self._waiting: dict[socket.socket, float] = {}  # since when, in this order

    def opened(self) -> None:
        with self._lock:
            self._count += 1
            if self._count > _MAX_CONNECTIONS:
                self._drop_oldest(0)

    def closed(self) -> None:
        with self._lock:
            self._count -= 1
            self._ended.notify_all()

    def make_room(self) -> None:
        """Drop one that was given a chance, and wait a moment for the end of any: no file is left for
        another one, which the system keeps waiting meanwhile."""
        with self._lock:
            self._drop_oldest(_CHANCE_SECONDS)
            self._ended.wait(_POLL_SECONDS)

    def _drop_oldest(self, seconds: float) -> None:
        """Drop the one that we wait for longest, if that is so many seconds."""
        oldest = next(iter(self._waiting), None)
        if oldest is not None and time.monotonic() - self._waiting[oldest] >= seconds:
            del self._waiting[oldest]
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def waiting(self, connection: socket.socket) -> Iterator[contextlib.ExitStack]:
        """While this is open, we wait for the client; `close` of what it gives ends it early."""
        with contextlib.ExitStack() as stack:
            with self._lock:
                self._waiting[connection] = time.monotonic()
            stack.callback(self._arrived, connection)
            yield stack

    def _arrived(self, connection: socket.socket) -> None:
        with self._lock:
            self._waiting.pop(connection, None)

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While this is open, a request is worked on, up to the last byte of its reply."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._answered.notify_all()

    def wait_until_answered(self, seconds: float) -> None:
        with self._lock:
            self._answered.wait_for(lambda: not self._busy, seconds)


class _Listener(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    # On Windows this option would let two programs listen on one port.
    allow_reuse_address = os.name != "nt"
    # What make_environ asks of its server.
    multithread = True
    multiprocess = False
    ssl_context = None
    closing = False

    def __init__(
        self,
        app: WSGIApplication,
        address: str,
        port: int,
        backlog: int,
        body_limit: Callable[[], int],
        transfers: Transfers,
        connections: _Connections,
    ) -> None:
        self.app = app
        self.body_limit = body_limit
        self.transfers = transfers
        self.waiting = connections.waiting
        self.answering = connections.answering
        self._connections = connections
        self.request_queue_size = backlog
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._connections.make_room()
            raise  # and is tried again

    def process_request(self, request: Any, client_address: Any) -> None:
        # Late in its exit Anki clears sys.excepthook, and no thread can be started from then on.
        if self.closing or sys.excepthook is None:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._connections.opened()
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.closed()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # The application reports its own errors; one of the socket means that the client has gone.
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception("error while serving a connection")


class Server:
    """Listens on `address` and `port` (0: any free one) and hands requests to `app`.

    `body_limit` is asked for the largest body, in bytes, that is read, `memory_limit` for the size that
    all unfinished bodies and unread replies have together.
    """

    def __init__(
        self,
        app: WSGIApplication,
        address: str,
        port: int,
        backlog: int,
        body_limit: Callable[[], int] = lambda: 512_000_000,
        memory_limit: Callable[[], int] = lambda: 1_000_000_000,
    ) -> None:
        self._app, self._address, self._port, self._backlog = app, address, port, backlog
        self._body_limit = body_limit
        self._transfers = Transfers(memory_limit)
        self._listeners: list[_Listener] = []
        self._connections = _Connections()
        self._stopping = threading.Event()
        self._changing = threading.Lock()  # held while it begins to listen or to stop

    @property
    def url(self) -> str:
        """Where it can be reached; the real port once it listens."""
        port = self._listeners[0].server_port if self._listeners else self._port
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"http://{host}:{port}"

    @property
    def is_listening(self) -> bool:
        return bool(self._listeners) and not self._stopping.is_set()

    def start(self) -> None:
        """Listen and serve in the background. Raises OSError when the port is taken."""
        if self._listen():
            self._spawn(self._serve)

    def start_when_free(self, on_busy: Callable[[OSError], None], on_listening: Callable[[], None]) -> None:
        """Listen and serve in the background, as soon as the port is free.

        `on_busy` is called once when it is not free at first. Both are called on the server's thread.
        """

        def keep_trying() -> None:
            told = False
            while not self._stopping.is_set():
                try:
                    is_listening = self._listen()
                except OSError as error:
                    if not told:
                        on_busy(error)
                        told = True
                    self._stopping.wait(_RETRY_SECONDS)
                else:
                    if is_listening:
                        on_listening()
                        self._serve()

        self._spawn(keep_trying)

    def stop(self, seconds: float = 0) -> None:
        """Take no more connections, and wait so long for the replies to requests that are under way."""
        self._stopping.set()
        with self._changing:
            listeners = self._listeners
        for listener in listeners:
            listener.closing = True
            listener.shutdown()
            listener.server_close()
        self._connections.wait_until_answered(seconds)

    def _listen(self) -> bool:
        """Listen, unless it has been stopped: `stop` either finds the listeners or prevents them."""
        _allow_files()
        with self._changing:
            if self._stopping.is_set():
                return False
            first = self._bound(self._address, self._port)
            self._listeners = [first]
            second = _LOOPBACK.get(self._address)
            if second and socket.has_ipv6:
                try:
                    self._listeners.append(self._bound(second, first.server_port))
                except OSError as error:
                    # A machine without IPv6 has no ::1; another program on its port is a surprise.
                    if error.errno == errno.EADDRINUSE:
                        log.warning("port %s of %s is taken by another program", first.server_port, second)
            return True

    def _bound(self, address: str, port: int) -> _Listener:
        return _Listener(
            self._app, address, port, self._backlog, self._body_limit, self._transfers, self._connections
        )

    def _serve(self) -> None:
        """Serve until stopped, the last listener on this thread."""
        *others, last = self._listeners
        for listener in others:
            self._spawn(partial(listener.serve_forever, _POLL_SECONDS))
        # Even when stopped before: `shutdown` waits for the end of what has not begun.
        last.serve_forever(_POLL_SECONDS)

    @staticmethod
    def _spawn(work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="ankiconnect-server", daemon=True).start()


def _allow_files() -> None:
    """Let this process have enough files open, as far as the system allows that."""
    if sys.platform == "win32":
        return  # there, sockets are no files
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def describe_listener(address: str, port: int) -> str:
    """A sentence on what already listens there, as far as asking it tells."""
    connection = http.client.HTTPConnection(address, port, timeout=1)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse().read(200).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return "Another program holds the port."
    finally:
        connection.close()
    if "AnkiConnect" in answer:
        return "Another AnkiConnect holds the port: a second Anki, or a second copy of the add-on."
    return "Another program holds the port and answers HTTP."
