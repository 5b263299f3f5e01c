"""Memory that clients can take up: by refused and unfinished bodies, and by replies that nobody reads."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException

from addon.http.server import Server

from .conftest import Start, Wired
from .program import Program
from .raw_http import VERSION, head, post, read_reply

MB = 1_000_000
REFUSED = b'{"result":null,"error":"valid api key must be provided"}'


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def begin(port: int, sent: int, announced: int, path: str = "/") -> socket.socket:
    """A connection that has sent so many of the bytes that it has announced, and sends no more."""
    sock = connect(port)
    # It is dropped when others need the room, perhaps before all is sent.
    with contextlib.suppress(ConnectionError):
        sock.sendall(head(f"POST {path} HTTP/1.1", f"Content-Length: {announced}") + bytes(sent))
    return sock


def check_dropped(sock: socket.socket) -> None:
    status, headers, body = read_reply(sock)
    assert (status, headers["connection"]) == (503, "close")
    assert "webMemoryLimit" in json.loads(body)["error"]


@pytest.mark.parametrize("path", ["/", "/addNotes"])
def test_the_slowest_of_too_many_uploads_is_dropped(wired: Wired, path: str) -> None:
    wired.configure(webMemoryLimit=10)
    with begin(wired.port, 6 * MB, 9 * MB, path) as slow:
        time.sleep(2)  # silent for so long
        with connect(wired.port) as fast:
            fast.sendall(post(body=VERSION.ljust(8 * MB)))
            assert read_reply(fast)[2] == b"6"
        check_dropped(slow)
    assert wired.send("POST", "/", VERSION).json == 6


def test_the_slowest_of_too_many_readers_is_dropped(wired: Wired) -> None:
    content = "A" * 8 * MB
    wired.send("POST", "/storeMediaFile", {"filename": "a.bin", "data": content})
    wired.configure(webMemoryLimit=10)
    request = head("GET /retrieveMediaFile?filename=a.bin HTTP/1.1")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        slow.settimeout(30)
        slow.connect(("127.0.0.1", wired.port))
        slow.sendall(request)
        assert slow.recv(12) == b"HTTP/1.1 200"
        time.sleep(2)  # in which it reads no more
        with connect(wired.port) as fast:
            fast.sendall(request)
            assert json.loads(read_reply(fast)[2])["result"] == content
        size = 0
        with contextlib.suppress(ConnectionError):
            while part := slow.recv(MB):
                size += len(part)
        assert size < len(content)


def test_one_that_is_alone_has_its_own_limits_only(wired: Wired) -> None:
    wired.configure(webMemoryLimit=1)
    for _ in range(2):
        assert wired.send("POST", "/", VERSION.ljust(8 * MB)).json == 6


@pytest.fixture
def held() -> Iterator[tuple[Server, threading.Event]]:
    """A server that lets bodies have 10 MB together, and works on a request until it is let go on."""
    go_on = threading.Event()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            environ["wsgi.input"].read()
        except HTTPException as error:
            return error(environ, start_response)
        go_on.wait(20)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        return [b"done"]

    server = Server(app, "127.0.0.1", 0, 128, memory_limit=lambda: 10 * MB)
    server.start()
    yield server, go_on
    server.stop()


def test_what_is_worked_on_takes_up_room_and_is_not_dropped(held: tuple[Server, threading.Event]) -> None:
    server, go_on = held
    port = int(server.url.rpartition(":")[2])
    with connect(port) as first, connect(port) as second:
        first.sendall(post(body=bytes(8 * MB)))
        while server._transfers._size < 8 * MB:
            time.sleep(0.01)
        with contextlib.suppress(ConnectionError):
            second.sendall(post(body=bytes(8 * MB)))
        assert read_reply(second)[0] == 503
        go_on.set()
        assert read_reply(first)[2] == b"done"
    assert server._transfers._size == 0


@pytest.fixture
def locked(start: Start, tmp_path: Path) -> Program:
    """The server as a process of its own, which wants a key."""
    program = start("--collection", tmp_path / "c.anki2", "--key", "secret", "--memory-limit", 60)
    program.wait_until_it_serves()
    return program


OBJECTS = b"[" + b"{}," * 6_000_000 + b"{}]"


@pytest.mark.parametrize(
    "body",
    [
        OBJECTS,
        b'{"action": "multi", "key": "wrong", "params": {"actions": ' + OBJECTS + b"}}",
        b'{"' + b'":{},"'.join(b"%d" % number for number in range(1_500_000)) + b'":{}, "key": "wrong"}',
        b'{"x": [' + b'{"key": "wrong"},' * 1_000_000 + b"{}]}",
        b"[" * 18_000_000,
        b'["' + "\N{GRINNING FACE}".encode() + b"x" * 18_000_000 + b'"]',
    ],
    ids=["objects", "a multi", "names", "keys", "depth", "text"],
)
def test_a_body_without_the_key_is_not_parsed(locked: Program, body: bytes) -> None:
    before, size = locked.memory(), len(body) / MB
    for line, expected in (
        ("POST / HTTP/1.1", 200),
        ("POST /nope HTTP/1.1", 200),
        ("POST /addNotes HTTP/1.1", 401),
        ("POST /requestPermission HTTP/1.1", 401),
        ("PUT /healthz HTTP/1.1", 200),
    ):
        for _ in range(2):
            with connect(locked.port) as sock:
                sock.sendall(post("X-API-Key: wrong", body=body, line=line))
                status, _headers, reply = read_reply(sock)
                assert (status, reply) == (expected, REFUSED)
    assert locked.peak_memory() - before < 4 * size
    wait_until_it_holds(locked, before + size)


@pytest.mark.parametrize("path", ["/", "/addNotes"])
def test_unfinished_uploads_take_up_no_more_than_allowed(locked: Program, path: str) -> None:
    before = locked.memory()
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(begin(locked.port, 20 * MB, 500 * MB, path)) for _ in range(20)]
        message = {"action": "version", "key": "secret", "more": "x" * 30 * MB}
        assert locked.send("POST", "/", message) == (200, 6)
        assert locked.peak_memory() - before < 4 * 60
        for sock in sockets[:15]:
            check_dropped(sock)
    wait_until_it_holds(locked, before + 20)


def test_unread_replies_take_up_no_more_than_allowed(locked: Program) -> None:
    content = {"filename": "a.bin", "data": "A" * 8 * MB, "key": "secret"}
    assert locked.send("POST", "/storeMediaFile", content)[0] == 200
    before = locked.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            sock = stack.enter_context(connect(locked.port))
            sock.sendall(head("GET /retrieveMediaFile?filename=a.bin&key=secret HTTP/1.1"))
            assert sock.recv(12) == b"HTTP/1.1 200"
        wait_until_it_holds(locked, before + 60 * 1.5)
    wait_until_it_holds(locked, before + 20)


def wait_until_it_holds(program: Program, most: float) -> None:
    """Wait for less than the time after which those that read nothing are dropped anyway."""
    deadline = time.monotonic() + 10
    while program.memory() > most:
        assert time.monotonic() < deadline, f"{program.memory()} MB"
        time.sleep(0.05)


def test_heads_take_up_little(locked: Program) -> None:
    before = locked.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            sock = stack.enter_context(connect(locked.port))
            with contextlib.suppress(ConnectionError):
                sock.sendall(head("GET / HTTP/1.1", *["X: " + "y" * 64_000] * 97)[:-4])
            assert read_reply(sock)[0] == 431
        assert locked.send("GET", "/version?key=secret")[0] == 200
        assert locked.peak_memory() - before < 50
