"""HTTP byte for byte, and by many at once."""

from __future__ import annotations

import http.client
import socket
import threading

VERSION = b'{"action": "version"}'


def post(*headers: str, body: bytes = VERSION, line: str = "POST / HTTP/1.1") -> bytes:
    return head(line, f"Content-Length: {len(body)}", *headers) + body


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode()


def read_reply(sock: socket.socket, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    assert headers["content-type"].startswith(("application/json", "text/"))
    assert headers["content-length"].isdigit()
    return response.status, headers, response.read()


def ask_at_once(port: int, count: int) -> None:
    """Open connections all at once, and expect that each is served."""
    replies: list[bytes] = []
    barrier = threading.Barrier(count)

    def ask() -> None:
        barrier.wait()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            sock.sendall(post())
            replies.append(read_reply(sock)[2])

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replies == [b"6"] * count
