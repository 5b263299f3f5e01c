"""The HTTP server over real sockets: connections, bodies, a busy port."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from addon.http import handler, reader, server
from addon.http.server import Server, describe_listener
from tools.ports import free_port

from .conftest import HeadlessServer, LiveServer
from .raw_http import VERSION, ask_at_once, head, post, read_reply


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


def test_a_connection_serves_many_requests(port: int) -> None:
    handler = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for _ in range(50):
        handler.request("POST", "/", VERSION)
        sock = handler.sock
        assert handler.getresponse().read() == b"6"
        assert handler.sock is sock
    handler.close()


def test_pipelined_requests_are_answered_in_order(raw: socket.socket) -> None:
    second = json.dumps({"action": "deckNames"}).encode()
    raw.sendall(post() + post(body=second))
    with raw.makefile("rb") as reader:
        received = b""
        while b'["Default"]' not in received:
            received += reader.read1(4096)
    assert received.index(b"\r\n\r\n6") < received.index(b'["Default"]')


def test_a_chunked_body_is_read(raw: socket.socket) -> None:
    half = len(VERSION) // 2
    chunks = [VERSION[:half], VERSION[half:], b""]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.sendall(head.encode() + body)
    assert read_reply(raw)[2] == b"6"


def test_expect_100_is_answered_before_the_body_comes(raw: socket.socket) -> None:
    request = post("Expect: 100-continue")
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
    for request in (post(), post(body=b""), post("Origin: https://example.com")):
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


def refusal(sock: socket.socket) -> tuple[int, str]:
    """Status and text of the reply, after which the connection is closed."""
    status, headers, body = read_reply(sock)
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    assert headers["connection"] == "close"
    assert sock.recv(1) == b""
    reply = json.loads(body)
    assert reply["result"] is None
    return status, reply["error"]


@pytest.mark.parametrize("length", ["x", "-5", "+5", "٣", "", "5\r\nContent-Length: 6"])
def test_a_bad_length_is_refused(raw: socket.socket, length: str) -> None:
    raw.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode())
    status, error = refusal(raw)
    assert (status, error[:26]) == (400, "the request can't be read:")


@pytest.mark.parametrize("url", ["/version", "http://localhost/version"])
def test_a_request_that_does_not_name_its_host_is_refused(raw: socket.socket, url: str) -> None:
    raw.sendall(f"GET {url} HTTP/1.1\r\nExpect: 100-continue\r\n\r\n".encode())
    assert refusal(raw) == (400, "the request can't be read: its head has no Host")


@pytest.mark.parametrize("lines", [["HTTP/1.0"], ["HTTP/1.0", "Host:"], ["HTTP/1.1", "HOST: "]])
def test_an_old_client_and_one_that_knows_no_name_need_not_name_it(
    raw: socket.socket, lines: list[str]
) -> None:
    raw.sendall("\r\n".join([f"GET /version {lines[0]}", *lines[1:], "", ""]).encode())
    assert read_reply(raw)[2] == b'{"result":6,"error":null}'


@pytest.mark.parametrize(
    "request_head",
    [
        "nonsense",
        "POST / HTTP/9.9",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip",
        "POST / HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 200,
        "POST /" + "x" * 70_000 + " HTTP/1.1",
    ],
    ids=lambda head: head[:60],
)
def test_a_bad_head_is_refused(raw: socket.socket, request_head: str) -> None:
    raw.sendall(f"{request_head}\r\n\r\n".encode())
    assert refusal(raw)[0] in (400, 414, 431, 505)


def test_a_bad_chunk_is_refused(raw: socket.socket) -> None:
    raw.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert refusal(raw)[0] == 400


@pytest.mark.parametrize("sent", [b"POST / HT", b"POST / HTTP/1.1\r\nHost: localhost\r\n", post()[:-1]])
def test_a_slow_request_is_told_so(
    monkeypatch: pytest.MonkeyPatch, raw: socket.socket, sent: bytes
) -> None:
    for limit in ("_HEAD_SECONDS", "_BODY_SECONDS"):
        monkeypatch.setattr(handler, limit, 0.2)
    raw.sendall(sent)
    assert refusal(raw) == (408, "the request did not arrive in time")


def test_a_client_that_sends_byte_by_byte_is_slow_too(
    monkeypatch: pytest.MonkeyPatch, raw: socket.socket
) -> None:
    monkeypatch.setattr(handler, "_HEAD_SECONDS", 0.5)
    with pytest.raises(OSError):
        for byte in (b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 90) * 20:
            raw.sendall(bytes([byte]))
            time.sleep(0.01)


LARGE = 5_000_000


def announce(length: int, *, sent: int = 0) -> bytes:
    return post(body=b"x" * sent).replace(b"Length: %d" % sent, b"Length: %d" % length)


def test_a_client_that_falls_silent_within_its_body_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, raw: socket.socket
) -> None:
    """However large the body that it has announced, for which it could take longer."""
    monkeypatch.setattr(handler, "_SILENCE_SECONDS", 0.2)
    raw.sendall(announce(500_000_000, sent=LARGE))
    assert refusal(raw) == (408, "the request did not arrive in time")


def test_a_burst_buys_no_time_for_drops(monkeypatch: pytest.MonkeyPatch, raw: socket.socket) -> None:
    monkeypatch.setattr(handler, "_BODY_SECONDS", 0.5)
    raw.sendall(announce(500_000_000, sent=LARGE))
    stopped = threading.Event()

    def drip() -> None:
        with contextlib.suppress(OSError):
            while not stopped.wait(0.05):
                raw.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    assert read_reply(raw)[0] == 408
    stopped.set()
    thread.join()


def test_a_client_that_is_slow_but_goes_on_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch, raw: socket.socket
) -> None:
    """At 20 kB a second, for longer than either limit."""
    for limit in ("_SILENCE_SECONDS", "_BODY_SECONDS"):
        monkeypatch.setattr(handler, limit, 3)
    body = VERSION.ljust(140_000)
    request = post(body=body)
    for start in range(0, len(request), 10_000):
        raw.sendall(request[start : start + 10_000])
        time.sleep(0.5)  # what such a line does
    assert read_reply(raw)[2] == b"6"


@pytest.fixture
def plenty() -> Iterator[Server]:
    """A server that replies with 8 MB, whatever is asked."""

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(8_000_000))])
        return [bytes(8_000_000)]

    server = Server(app, "127.0.0.1", 0, 128)
    server.start()
    yield server
    server.stop()


@contextlib.contextmanager
def reading_slowly(server: Server) -> Iterator[socket.socket]:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
        sock.sendall(post())
        yield sock


def rest_of(sock: socket.socket) -> int:
    """How many bytes still come."""
    size = 0
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(1_000_000):
            size += len(part)
    return size


def test_a_client_that_does_not_read_its_reply_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, plenty: Server
) -> None:
    monkeypatch.setattr(handler, "_SILENCE_SECONDS", 0.2)
    with reading_slowly(plenty) as sock:
        assert sock.recv(12) == b"HTTP/1.1 200"
        plenty.stop(seconds=10)  # returns when no reply is under way
        assert rest_of(sock) < 8_000_000


def test_a_client_that_reads_slowly_but_goes_on_gets_its_reply(
    monkeypatch: pytest.MonkeyPatch, plenty: Server
) -> None:
    """The system could take megabytes ahead, for which this client needs longer than it may be silent."""
    monkeypatch.setattr(handler, "_SILENCE_SECONDS", 3)
    with reading_slowly(plenty) as sock:
        read = 0
        for _ in range(40):
            read += len(sock.recv(20_000))
            time.sleep(0.2)  # what such a client does
        sock.shutdown(socket.SHUT_WR)
        assert read + rest_of(sock) > 8_000_000


def test_an_idle_connection_is_closed_quietly(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(handler, "IDLE_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        assert sock.recv(1) == b""


@pytest.fixture
def strict(headless: HeadlessServer) -> Iterator[socket.socket]:
    """A connection to a server that takes bodies of up to 1000 bytes."""
    server = Server(headless.app, "127.0.0.1", 0, 5, lambda: 1000)
    server.start()
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as sock:
        yield sock
    server.stop()


def test_a_body_over_the_limit_is_refused_before_it_is_read(strict: socket.socket) -> None:
    strict.sendall(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n"
    )
    status, error = refusal(strict)
    assert (status, "webBodyLimit" in error) == (413, True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["X: " + "y" * 600] * 98, 200),
        (["X: " + "y" * 700] * 98, 431),
        (["X: " + "y" * 64_000], 200),
        (["X: " + "y" * 65_530], 431),
    ],
    ids=["98 lines", "98 long lines", "one line", "one long line"],
)
def test_a_head_is_64_kilobytes_at_most(raw: socket.socket, lines: list[str], expected: int) -> None:
    raw.sendall(head("GET /version HTTP/1.1", *lines))
    assert read_reply(raw)[0] == expected


def test_a_url_may_be_nearly_as_long_as_a_head(raw: socket.socket) -> None:
    raw.sendall(head(f"GET /findNotes?query={'x' * 64_000} HTTP/1.1"))
    assert read_reply(raw)[0] == 200


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_a_few_empty_lines_before_a_request_are_enough(raw: socket.socket, line_end: bytes) -> None:
    raw.sendall(line_end * 100 + post())
    assert refusal(raw)[0] == 400


CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("line", [b"X: y\r\n", b"X: " + b"y" * 60_000 + b"\r\n"])
def test_the_trailer_of_a_body_has_a_limit(raw: socket.socket, line: bytes) -> None:
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(VERSION), VERSION)
    raw.sendall(CHUNKED + chunk + line * (60_000 // len(line)) + b"\r\n")
    assert read_reply(raw)[2] == b"6"
    raw.sendall(CHUNKED + chunk + line * (120_000 // len(line) + 1) + b"\r\n")
    assert refusal(raw)[0] == 400


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"2;" + b"y" * 1000 + b"\r\nxx\r\n"])
def test_a_body_of_tiny_chunks_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: socket.socket, chunk: bytes
) -> None:
    monkeypatch.setattr(reader, "_MAX_BETWEEN_CHUNKS", 100_000)
    raw.sendall(CHUNKED + chunk * (400_000 // len(chunk)) + b"0\r\n\r\n")
    assert refusal(raw)[0] == 400


def test_a_refused_body_may_still_be_sent(strict: socket.socket) -> None:
    strict.sendall(post(body=b"x" * 1_000_000))
    assert refusal(strict)[0] == 413


def test_a_chunked_body_over_the_limit_is_refused(strict: socket.socket) -> None:
    chunk = b"190\r\n" + b"x" * 400 + b"\r\n"
    strict.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3)
    assert refusal(strict)[0] == 413


def test_a_double_slash_is_not_redirected(raw: socket.socket) -> None:
    raw.sendall(post(line="POST // HTTP/1.1"))
    assert read_reply(raw)[2] == b"6"


def test_a_half_sent_request_holds_nobody_up(raw: socket.socket, port: int) -> None:
    raw.sendall(post()[:-5])
    handler = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    handler.request("POST", "/", VERSION)
    assert handler.getresponse().read() == b"6"
    handler.close()


def test_localhost_is_served_whichever_address_it_is(port: int) -> None:
    for address in ("127.0.0.1", "::1", "localhost"):
        handler = http.client.HTTPConnection(address, port, timeout=5)
        handler.request("POST", "/", VERSION)
        assert handler.getresponse().read() == b"6"
        handler.close()


def test_half_sent_requests_without_number_hold_nobody_up(port: int, many_files: None) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(600):  # more than the server keeps at once
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            sock.sendall(post()[:-5])
        ask_at_once(port, 200)


def test_a_burst_of_connections_is_served(port: int) -> None:
    ask_at_once(port, 200)


def test_a_large_body_is_read_whole(port: int) -> None:
    deck = "x" * 20_000_000
    handler = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    handler.request("POST", "/", json.dumps({"action": "version", "unused": deck}))
    assert handler.getresponse().read() == b"6"
    handler.close()


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


@pytest.mark.parametrize("moment", ["_allow_files", "_Listener"])
def test_a_server_that_is_stopped_while_it_begins_to_listen_does_not_go_on(
    headless: HeadlessServer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Stopped before it listens at all, and between the first address and the second."""
    begun, is_second, port = threading.Event(), moment == "_Listener", free_port()
    listener = Server(headless.app, "127.0.0.1", port, 5)
    original = getattr(server, moment)

    def held_up(*arguments: Any) -> Any:
        if not is_second or "::1" in arguments:
            begun.set()
            assert listener._stopping.wait(10)
        return original(*arguments)

    monkeypatch.setattr(server, moment, held_up)
    before = set(threading.enumerate())
    listener.start_when_free(lambda _error: None, lambda: None)
    assert begun.wait(10)
    listener.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    for address in ("127.0.0.1", "::1"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), timeout=5).close()


def test_what_holds_a_port_is_described() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        described = describe_listener("127.0.0.1", holder.getsockname()[1])
    assert described == "Another program holds the port."


def test_ipv6_is_served(headless: HeadlessServer) -> None:
    server = Server(headless.app, "::1", free_port(), 5)
    server.start()
    handler = http.client.HTTPConnection("::1", int(server.url.rpartition(":")[2]), timeout=5)
    handler.request("POST", "/", VERSION)
    assert handler.getresponse().read() == b"6"
    handler.close()
    server.stop()


def test_large_requests_that_come_at_once_are_all_answered(anki: LiveServer) -> None:
    data = base64.b64encode(bytes(2_000_000)).decode()

    def store(number: int) -> Any:
        return anki.live.anki.invoke("storeMediaFile", filename=f"{number}.bin", data=data)["result"]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(store, range(8))) == [f"{number}.bin" for number in range(8)]
