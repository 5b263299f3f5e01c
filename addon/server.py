"""The HTTP server: a thread that listens, and one more per connection.

Built on Werkzeug's request handler, which turns a request into a WSGI environment, chunked bodies
included. Werkzeug's own server is not used: it closes the connection after each reply, exits the process
when the port is taken, and needs package metadata that Anki's bundles before 25.07 lack.
"""

from __future__ import annotations

import http.client
import io
import logging
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Iterable
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any, Callable, Optional

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("ankiconnect")

_IDLE_SECONDS = 30
_POLL_SECONDS = 0.1
_RETRY_SECONDS = 2.0


class _Handler(WSGIRequestHandler):
    """Serves the requests of one connection, one after the other."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # Together these send head and body in one packet at once; without them each reply waits 40 ms
    # for the client's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def run_wsgi(self) -> None:
        try:
            environ = self.make_environ()
            body = self._read_body(environ)
        except ValueError:
            self.close_connection = True
            self.send_error(400)
            return
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        app: WSGIApplication = self.server.app
        reply = Response.from_app(app, environ, buffered=True)
        self._send(reply.status, reply.headers.items(), reply.get_data())

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("wsgi.input_terminated"):  # chunked
            return bytes(environ["wsgi.input"].read())
        length = int(self.headers.get("Content-Length") or 0)
        if length < 0:
            raise ValueError("negative Content-Length")
        return self.rfile.read(length)

    def _send(self, status: str, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        else:
            self.send_header("Connection", "keep-alive")
            self.send_header("Keep-Alive", f"timeout={_IDLE_SECONDS}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            log.info(message, *args)


class _Listener(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True
    # On Windows this option would let two programs listen on one port.
    allow_reuse_address = os.name != "nt"
    # What make_environ asks of its server.
    multithread = True
    multiprocess = False
    ssl_context = None
    closing = False

    def __init__(self, app: WSGIApplication, address: str, port: int, backlog: int) -> None:
        self.app = app
        self.request_queue_size = backlog
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        # Late in its exit Anki clears sys.excepthook, and no thread can be started from then on.
        if self.closing or sys.excepthook is None:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            log.exception("error while serving a connection")


class Server:
    """Listens on `address` and `port` (0: any free one) and hands requests to `app`."""

    def __init__(self, app: WSGIApplication, address: str, port: int, backlog: int) -> None:
        self._app, self._address, self._port, self._backlog = app, address, port, backlog
        self._listener: Optional[_Listener] = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """Where it can be reached; the real port once it listens."""
        port = self._listener.server_port if self._listener else self._port
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Listen and serve in the background. Raises OSError when the port is taken."""
        self._listen()
        self._spawn(self._serve)

    def start_when_free(self, on_busy: Callable[[OSError], None], on_listening: Callable[[], None]) -> None:
        """Listen and serve in the background, as soon as the port is free.

        `on_busy` is called once when it is not free at first. Both are called on the server's thread.
        """

        def keep_trying() -> None:
            told = False
            while not self._stopping.is_set():
                try:
                    self._listen()
                except OSError as error:
                    if not told:
                        on_busy(error)
                        told = True
                    self._stopping.wait(_RETRY_SECONDS)
                else:
                    on_listening()
                    self._serve()

        self._spawn(keep_trying)

    def stop(self) -> None:
        """Take no more connections. Requests that are under way are not waited for."""
        self._stopping.set()
        listener = self._listener
        if listener:
            listener.closing = True
            listener.shutdown()
            listener.server_close()

    def _listen(self) -> None:
        self._listener = _Listener(self._app, self._address, self._port, self._backlog)

    def _serve(self) -> None:
        assert self._listener
        if not self._stopping.is_set():
            self._listener.serve_forever(poll_interval=_POLL_SECONDS)

    @staticmethod
    def _spawn(work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="ankiconnect-server", daemon=True).start()


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
