"""One connection of the HTTP server: its requests one after the other, each within limits.

Built on Werkzeug's request handler, which turns a request into a WSGI environment. A client that sends
its request too slowly, too much of it or nonsense is told so and dropped.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import socket
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional

from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Response

from ..core.envelope import failure
from . import malloc
from .reader import Stream, TooLarge, TooSlow
from .transfers import Dropped, Transfer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("ankiconnect")

IDLE_SECONDS = 30
_HEAD_SECONDS = 10
_BODY_SECONDS = 30
_SILENCE_SECONDS = 15  # of a client that sends a body or reads a reply
_MAX_HEAD = 64 * 1024
_MAX_EMPTY = 8  # bytes of empty lines before a request
_MAX_DRAIN = 1024 * 1024 * 1024
_DRAIN_SECONDS = 2
_SMALL = 64 * 1024
_PART = 256 * 1024
_UNSENT = 32 * 1024
_MAX_HEADERS = 100
_TOO_SLOW = "the request did not arrive in time"
_REQUEST_LINE = re.compile(rb"\S+ \S+ HTTP/\d\.\d\r?\n")
# A line of the head (RFC 9112, 5): what is looser is read differently by different programs.
_HEADER = re.compile(rb"[\w!#$%&'*+.^`|~-]+:[^\0\r\n]*\r?\n")
_SPACES = " \t"
_NOTSENT_LOWAT: Optional[int] = getattr(socket, "TCP_NOTSENT_LOWAT", None)


class _Body(io.RawIOBase):
    """The body of a request, a large one not read before the application asks for it.

    What is refused for its host or origin is so without taking up memory.
    """

    def __init__(self, receive: Callable[[], io.BytesIO]) -> None:
        self._receive = receive
        self._content = io.BytesIO()
        self.is_loaded = False

    def load(self) -> None:
        """Read all of it. Raises HTTPException for a body that does not arrive as announced."""
        if not self.is_loaded:
            self._content = self._receive()
            self.is_loaded = True

    def read(self, size: int = -1) -> bytes:
        self.load()
        if size >= 0:
            return self._content.read(size)
        content, self._content = self._content, io.BytesIO()  # once in memory is enough
        return content.getvalue()[content.tell() :]


def _give_back(transfer: Transfer) -> None:
    """Give back the memory of a body that was worked on or refused, if it was large."""
    if transfer.size > malloc.LARGE:
        malloc.give_back()


def _no_room() -> HTTPException:
    return ServiceUnavailable(
        "the unfinished requests and unread replies of all clients are too large together, and this client "
        "was the slowest (webMemoryLimit in the settings)"
    )


def _unreadable(reason: str) -> HTTPException:
    return BadRequest(f"the request can't be read: {reason}")


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
        self._stream = Stream(self.connection)
        self.rfile = self._stream
        self._has_sent_large = False

    def finish(self) -> None:
        super().finish()
        if self._has_sent_large:  # and holds none of it any more
            malloc.give_back()

    def handle_one_request(self) -> None:
        self.command = ""  # not that of the request before
        self._stream.allow(IDLE_SECONDS)
        try:
            with self.server.waiting(self.connection):
                begun = self._skip_empty_lines()
        except TooSlow:
            begun = b""
        if not begun:
            self.close_connection = True
            return
        self._stream.allow(_HEAD_SECONDS)
        try:
            with self.server.waiting(self.connection) as self._request:
                super().handle_one_request()
        except TooSlow:
            self.send_error(408, _TOO_SLOW)
        except TooLarge:
            self.send_error(431, "the head of the request is too large")

    def _skip_empty_lines(self) -> bytes:
        """Wait for a request, before which there may be a few line ends. Its first byte, if it comes."""
        for _ in range(_MAX_EMPTY):
            if self._stream.peek(1)[:1] not in (b"\r", b"\n"):
                break
            self._stream.read(1)  # some clients end a body with an empty line
        return self._stream.peek(1)[:1]

    def parse_request(self) -> bool:
        """Read the head of a request. False for one that has been refused."""
        if not _REQUEST_LINE.fullmatch(self.raw_requestline):
            # Not shown: a key can be in it.
            self.send_error(400, "the request can't be read: it does not begin as one of HTTP/1.1 does")
            return False
        left = _MAX_HEAD - len(self.raw_requestline)
        lines: list[bytes] = []
        # Python's own reader ends the head at a line that it does not understand, and drops the rest.
        while not lines or (_HEADER.fullmatch(lines[-1]) and len(lines) <= _MAX_HEADERS):
            lines.append(self._stream.readline(left + 1))
            left -= len(lines[-1])
            if left < 0:
                raise TooLarge()
        is_whole = lines[-1] in (b"\r\n", b"\n")
        if not is_whole and len(lines) <= _MAX_HEADERS:
            self.send_error(400, f"the request can't be read: line {len(lines)} of its head is no header")
            return False
        self.rfile = io.BytesIO(b"".join(lines))
        try:
            is_request = super().parse_request()
        finally:
            self.rfile = self._stream
        if not is_request:
            return False
        # The body of a chunked request of HTTP/1.0 may have been measured otherwise on its way.
        is_doubtful = self.request_version == "HTTP/1.0" and "Transfer-Encoding" in self.headers
        if is_doubtful or "close" in self._tokens("Connection"):
            self.close_connection = True
        return True

    def _tokens(self, header: str) -> list[str]:
        """The comma-separated words of a header, in lower case."""
        values = ",".join(self.headers.get_all(header, []))
        return [word.strip(_SPACES).lower() for word in values.split(",")]

    def run_wsgi(self) -> None:
        try:
            self._check_host()
            length = self._body_length()
            body = _Body(partial(self._receive, length))
            if length is not None and length <= _SMALL:
                body.load()
            environ = self._environ()
        except HTTPException as error:
            self.send_error(error.code or 400, error.description)
            return
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        app: WSGIApplication = self.server.app
        with self.server.answering():
            with contextlib.ExitStack() as self._held:  # the body, until it has been worked on
                reply = Response.from_app(app, environ, buffered=True)
            self.close_connection = self.close_connection or self.server.closing or not body.is_loaded
            self._send(reply.status, reply.headers.items(), reply.get_data())
        if not body.is_loaded:
            self._drain()

    def _environ(self) -> dict[str, Any]:
        try:
            return self.make_environ()
        except ValueError as error:  # the URL of a request that names its host
            raise _unreadable(str(error)) from None

    def handle_expect_100(self) -> bool:
        try:
            self._check_host()
            self._body_length()
        except HTTPException:
            return True  # told later, without asking for the body
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def send_error(self, code: int, message: Optional[str] = None, explain: Optional[str] = None) -> None:
        """Refuse what is no request for the application, and close the connection."""
        self.close_connection = True
        # A head that could not be read has left neither of them.
        self.command = self.command or "GET"
        self.request_version = self.protocol_version
        text = message or self.responses.get(code, ("bad request",))[0]
        content = json.dumps(failure(text), separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        self._send(f"{code} {self.responses.get(code, ('',))[0]}", headers.items(), content)
        self._drain()

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            log.info(message, *args)

    def _check_host(self) -> None:
        """Raise HTTPException for a request of HTTP/1.1 that does not name its host (RFC 9112, 3.2)."""
        if "Host" not in self.headers and self.request_version >= "HTTP/1.1":
            raise _unreadable("its head has no Host")

    def _body_length(self) -> Optional[int]:
        """The announced length of the body, None for a chunked one.

        Raises HTTPException for a body that will not be read.
        """
        # A small body could unpack to any size.
        if not {"", "identity"}.issuperset(self._tokens("Content-Encoding")):
            codings = ", ".join(self.headers.get_all("Content-Encoding", []))
            raise UnsupportedMediaType(f"the body may not be encoded, and is in {codings}")
        announced = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers:
            if announced:
                raise _unreadable("both Content-Length and Transfer-Encoding are given")
            if self._tokens("Transfer-Encoding") != ["chunked"]:
                raise _unreadable("its Transfer-Encoding is not chunked")
            return None
        if len(set(announced)) > 1:
            raise _unreadable("two different values of Content-Length")
        text = announced[0].strip(_SPACES) if announced else "0"
        if not (text.isascii() and text.isdigit()):
            raise _unreadable(f"Content-Length is {text!r}")
        if len(text) > 18 or int(text) > self.server.body_limit():
            raise self._too_large()
        return int(text)

    def _too_large(self) -> HTTPException:
        megabytes = self.server.body_limit() // 1_000_000
        return RequestEntityTooLarge(
            f"the request is larger than {megabytes} MB (webBodyLimit in the settings)"
        )

    def _receive(self, length: Optional[int]) -> io.BytesIO:
        """The body, once all of it has arrived. Raises HTTPException when it does not."""
        body = io.BytesIO()
        self._stream.allow_steady(_BODY_SECONDS, _SILENCE_SECONDS)
        if length is not None and length <= _SMALL:
            self._move(length, body, lambda size: None)
        else:
            transfer = self._held.enter_context(self.server.transfers.hold(self.connection, socket.SHUT_RD))
            self._held.callback(_give_back, transfer)
            try:
                self._move(length, body, transfer.arrived)
            except (Dropped, HTTPException):
                if transfer.is_dropped:
                    raise _no_room() from None
                raise
            transfer.is_moving = False
        self._request.close()  # it has arrived, and is no longer in danger of being dropped
        body.seek(0)
        return body

    def _move(self, length: Optional[int], body: io.BytesIO, on_arrival: Callable[[int], None]) -> None:
        try:
            if length is None:
                self._stream.move_chunks(self.server.body_limit(), body, on_arrival)
            else:
                self._stream.move(length, body, on_arrival)
        except TooSlow:
            raise RequestTimeout(_TOO_SLOW) from None
        except TooLarge:
            raise self._too_large() from None
        except (ValueError, OSError) as error:
            raise _unreadable(str(error)) from None

    def _send(self, status: str, headers: Iterable[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.connection.settimeout(_SILENCE_SECONDS)
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        else:
            self.send_header("Connection", "keep-alive")
            self.send_header("Keep-Alive", f"timeout={IDLE_SECONDS}")
        self.end_headers()
        if self.command != "HEAD" and len(content) <= _SMALL:
            self.wfile.write(content)
        self.wfile.flush()
        if self.command != "HEAD" and len(content) > _SMALL:
            self._send_large(content)

    def _send_large(self, content: bytes) -> None:
        """Send what the client may not read at once. Raises OSError when it does not read at all."""
        if _NOTSENT_LOWAT is not None:
            # Otherwise the system takes megabytes ahead, and a client that reads slowly seems silent.
            with contextlib.suppress(OSError):
                self.connection.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
        self._has_sent_large = self._has_sent_large or len(content) > malloc.LARGE
        rest = memoryview(content)
        with self.server.transfers.hold(self.connection, socket.SHUT_RDWR) as transfer:
            try:
                transfer.take(len(content))
                while rest:
                    sent = self.connection.send(rest[:_PART])
                    transfer.moved(sent)
                    rest = rest[sent:]
            except Dropped:
                self.close_connection = True

    def _drain(self) -> None:
        """Take what still arrives: a reset connection could lose the reply on its way to the client."""
        with contextlib.suppress(OSError, TooSlow):
            self.connection.shutdown(socket.SHUT_WR)
            self._stream.allow(_DRAIN_SECONDS)
            self._stream.skip(_MAX_DRAIN)
