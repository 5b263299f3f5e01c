"""One connection of the HTTP server: its requests one after the other, each within limits.

Built on Werkzeug's request handler, which turns a request into a WSGI environment, chunked bodies
included. A client that sends its request too slowly, too much of it or nonsense is told so and dropped.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import socket
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Optional

from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("ankiconnect")

IDLE_SECONDS = 30
_HEAD_SECONDS = 10
_BODY_SECONDS = 30
_SLOWEST_BYTES_PER_SECOND = 100_000  # of a body that takes longer than that
_REPLY_SECONDS = 60
_LARGEST_HEAD = 8 * 1024 * 1024
_DRAIN_SECONDS = 2
_CHUNK = 1024 * 1024


class _TooSlow(Exception):
    pass


class _TooLarge(Exception):
    pass


class _Whole(io.BufferedReader):
    """Reads what is asked for or fails: Werkzeug's reader of chunks takes less for as much.

    It then hands over memory that was never written, in which the process may crash.
    """

    def read(self, size: Optional[int] = -1, /) -> bytes:
        content = super().read(size)
        if size is not None and len(content) < size:
            raise ValueError("it ended too soon")
        return content


class _Stream(io.RawIOBase):
    """Reads a socket until a deadline, however the bytes trickle in, and no more than allowed."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline = 0.0
        self.most = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _TooSlow()
        if self.most <= 0:
            raise _TooLarge()
        self._sock.settimeout(left)
        try:
            received = self._sock.recv_into(buffer)
        except socket.timeout:
            raise _TooSlow() from None
        self.most -= received
        return received


class Handler(WSGIRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server: Any
    # Together these send head and body in one packet at once; without them each reply waits 40 ms
    # for the client's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024

    def setup(self) -> None:
        super().setup()
        self._stream = _Stream(self.connection)
        self._input = _Whole(self._stream, 64 * 1024)
        self.rfile = self._input

    def handle_one_request(self) -> None:
        self._allow(IDLE_SECONDS)
        try:
            with self.server.waiting(self.connection):
                begun = self._input.peek(1)
        except _TooSlow:
            begun = b""
        if not begun:
            self.close_connection = True
            return
        self._allow(_HEAD_SECONDS)
        try:
            with self.server.waiting(self.connection) as self._request:
                super().handle_one_request()
        except _TooSlow:
            self.send_error(408, "the request did not arrive in time")
        except _TooLarge:
            self.send_error(431, "the head of the request is too large")

    def run_wsgi(self) -> None:
        try:
            length = self._body_length()
            environ = self.make_environ()
            body = self._read_body(environ, length)
        except _TooLarge:
            megabytes = self.server.body_limit() // 1_000_000
            self.send_error(
                413, f"the request is larger than {megabytes} MB (webBodyLimit in the settings)"
            )
            return
        except (ValueError, OSError) as error:
            self.send_error(400, f"the request can't be read: {error}")
            return
        self._request.close()  # it has arrived, and is no longer in danger of being dropped
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        app: WSGIApplication = self.server.app
        reply = Response.from_app(app, environ, buffered=True)
        self._send(reply.status, reply.headers.items(), reply.get_data())

    def handle_expect_100(self) -> bool:
        try:
            self._body_length()
        except (_TooLarge, ValueError):
            return True  # told when the body would be read, without asking for it
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def send_error(self, code: int, message: Optional[str] = None, explain: Optional[str] = None) -> None:
        """Refuse what is no request for the application, and close the connection."""
        self.close_connection = True
        # A head that could not be read has left neither of them.
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = self.protocol_version
        text = message or self.responses.get(code, ("bad request",))[0]
        content = json.dumps({"result": None, "error": text}).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        self._send(f"{code} {self.responses.get(code, ('',))[0]}", headers.items(), content)
        self._drain()

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            log.info(message, *args)

    def _allow(self, seconds: float, size: int = _LARGEST_HEAD) -> None:
        """Let the client take so long, and send about so many bytes, from now on."""
        self._stream.deadline = time.monotonic() + seconds
        self._stream.most = size

    def _body_length(self) -> Optional[int]:
        """The announced length of the body, None for a chunked one. Raises _TooLarge and ValueError."""
        announced = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding"):
            if announced:
                raise ValueError("both Content-Length and Transfer-Encoding are given")
            return None
        if len(set(announced)) > 1:
            raise ValueError("two different values of Content-Length")
        text = announced[0].strip() if announced else "0"
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"Content-Length is {text!r}")
        if len(text) > 18 or int(text) > self.server.body_limit():
            raise _TooLarge()
        return int(text)

    def _read_body(self, environ: dict[str, Any], length: Optional[int]) -> bytes:
        limit: int = self.server.body_limit()
        if length is not None:
            self._allow(_BODY_SECONDS + length / _SLOWEST_BYTES_PER_SECOND, length + _LARGEST_HEAD)
            body = self._input.read(length)
            if len(body) < length:
                raise ValueError("it ended too soon")
            return body
        if not environ.get("wsgi.input_terminated"):
            raise ValueError("its Transfer-Encoding is not chunked")
        parts: list[bytes] = []
        received = 0
        self._allow(_BODY_SECONDS, limit + _LARGEST_HEAD)
        while part := environ["wsgi.input"].read(min(_CHUNK, limit + 1 - received)):
            self._stream.deadline += len(part) / _SLOWEST_BYTES_PER_SECOND
            received += len(part)
            if received > limit:
                raise _TooLarge()
            parts.append(part)
        return b"".join(parts)

    def _send(self, status: str, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.connection.settimeout(_REPLY_SECONDS)
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        else:
            self.send_header("Connection", "keep-alive")
            self.send_header("Keep-Alive", f"timeout={IDLE_SECONDS}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _drain(self) -> None:
        """Take what still arrives: a reset connection could lose the reply on its way to the client."""
        with contextlib.suppress(OSError, _TooSlow, _TooLarge):
            self.connection.shutdown(socket.SHUT_WR)
            self._allow(_DRAIN_SECONDS, _CHUNK * 1024)
            while self._input.read1(_CHUNK):
                pass
