"""The HTTP server over real sockets: connections, bodies, a busy port."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from addon.server import Server, describe_listener

from .conftest import HeadlessServer
from .live import free_port

VERSION = json.dumps({"action": "version"}).encode()


@pytest.fixture
def listening(headless: HeadlessServer) -> Iterator[Server]:
    server = Server(headless.app, "127.0.0.1", 0, 128)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def port(listening: Server) -> int:
    return int(listening.url.rpartition(":")[2])


@pytest.fixture
def raw(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        yield sock


def post(body: bytes = VERSION, *headers: str, line: str = "POST / HTTP/1.1") -> bytes:
    lines = [line, "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_reply(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    response = http.client.HTTPResponse(sock)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return response.status, headers, response.read()


def test_a_connection_serves_many_requests(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for _ in range(50):
        connection.request("POST", "/", VERSION)
        sock = connection.sock
        assert connection.getresponse().read() == b"6"
        assert connection.sock is sock
    connection.close()


def test_pipelined_requests_are_answered_in_order(raw: socket.socket) -> None:
    second = json.dumps({"action": "deckNames"}).encode()
    raw.sendall(post() + post(second))
    with raw.makefile("rb") as stream:
        received = b""
        while b'["Default"]' not in received:
            received += stream.read1(4096)
    assert received.index(b"\r\n\r\n6") < received.index(b'["Default"]')


def test_a_chunked_body_is_read(raw: socket.socket) -> None:
    half = len(VERSION) // 2
    chunks = [VERSION[:half], VERSION[half:], b""]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.sendall(head.encode() + body)
    assert read_reply(raw)[2] == b"6"


def test_expect_100_is_answered_before_the_body_comes(raw: socket.socket) -> None:
    request = post(VERSION, "Expect: 100-continue")
    raw.sendall(request[: -len(VERSION)])
    assert raw.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n")
    raw.sendall(VERSION)
    assert read_reply(raw)[2] == b"6"


def test_an_old_client_gets_its_connection_closed(raw: socket.socket) -> None:
    raw.sendall(post(line="POST / HTTP/1.0"))
    status, headers, body = read_reply(raw)
    assert (status, body, headers["connection"]) == (200, b"6", "close")
    assert raw.recv(1) == b""


def test_every_reply_has_type_and_length(raw: socket.socket) -> None:
    for request in (post(), post(b""), post(VERSION, "Origin: https://example.com")):
        raw.sendall(request)
        _status, headers, body = read_reply(raw)
        assert headers["content-type"] == "application/json"
        assert int(headers["content-length"]) == len(body)


def test_head_leaves_the_connection_usable(raw: socket.socket) -> None:
    raw.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" + post())
    received = b""
    while not received.endswith(b"\r\n\r\n6"):
        received += raw.recv(4096)
    assert received.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("length", ["x", "-5"])
def test_a_bad_length_is_refused(raw: socket.socket, length: str) -> None:
    raw.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    assert read_reply(raw)[0] == 400


def test_a_double_slash_is_not_redirected(raw: socket.socket) -> None:
    raw.sendall(post(line="POST // HTTP/1.1"))
    assert read_reply(raw)[2] == b"6"


def test_a_half_sent_request_holds_nobody_up(raw: socket.socket, port: int) -> None:
    raw.sendall(post()[:-5])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    connection.request("POST", "/", VERSION)
    assert connection.getresponse().read() == b"6"
    connection.close()


def test_a_burst_of_connections_is_served(port: int) -> None:
    replies: list[bytes] = []

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/", VERSION)
        replies.append(connection.getresponse().read())
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [b"6"] * 100


def test_a_large_body_is_read_whole(port: int) -> None:
    deck = "x" * 20_000_000
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", json.dumps({"action": "version", "unused": deck}))
    assert connection.getresponse().read() == b"6"
    connection.close()


def test_a_busy_port_is_an_error_at_once(headless: HeadlessServer, port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        Server(headless.app, "127.0.0.1", port, 5).start()


def test_the_server_comes_up_when_the_port_is_freed(headless: HeadlessServer) -> None:
    busy, listening = threading.Event(), threading.Event()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        server = Server(headless.app, "127.0.0.1", port, 5)
        server.start_when_free(lambda _error: busy.set(), listening.set)
        assert busy.wait(5)
        assert not listening.is_set()
    assert listening.wait(10)
    assert "Another AnkiConnect" in describe_listener("127.0.0.1", port)
    server.stop()


def test_what_holds_a_port_is_described() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        described = describe_listener("127.0.0.1", holder.getsockname()[1])
    assert described == "Another program holds the port."


def test_ipv6_is_served(headless: HeadlessServer) -> None:
    server = Server(headless.app, "::1", free_port(), 5)
    server.start()
    connection = http.client.HTTPConnection("::1", int(server.url.rpartition(":")[2]), timeout=5)
    connection.request("POST", "/", VERSION)
    assert connection.getresponse().read() == b"6"
    connection.close()
    server.stop()
