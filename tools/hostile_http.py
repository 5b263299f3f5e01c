"""Requests that are no longer quite HTTP. Chosen by a `random.Random`, as in `hostile`."""

from __future__ import annotations

import random

_HEADS = (
    *(b"Content-Length: -1", b"Content-Length: 99"),
    *(b"Content-Length: 1e3", b"Content-Length: 9" + b"9" * 30),
    *(b"Content-Length: \xb2", b"Transfer-Encoding: chunked"),
    *(b"Transfer-Encoding: gzip, chunked", b":", b": x"),
    *(b"Host: evil.example", b"Host:", b"Host: a\r\nHost: b"),
    *(b"X: " + b"x" * 100_000, b" folded: x", b"no colon"),
    *(b"X\x00Y: z", b"X: \x00\xff", b"Expect: 100-continue"),
    *(b"Expect: nonsense", b"Connection: upgrade, close"),
    *(b"Origin: null", b"Origin: https://example.com"),
    *(b"Origin: \xff", b"Accept: text/html", b"Range: bytes=0-1"),
    *(b"Content-Encoding: gzip", b"Content-Type: multipart/form-data"),
    *(b"Content-Type: ;;;=", b"Cookie: a=b;;=;"),
    *(b"Authorization: Bearer", b"Authorization: Basic \xff"),
    *(b"X-API-Key: \xe9", b"Upgrade: websocket", b"\r"),
)
_LINES = (
    *(b"GET / HTTP/1.1", b"HEAD / HTTP/1.1", b"OPTIONS * HTTP/1.1"),
    *(b"PUT / HTTP/1.1", b"BREW /pot HTTP/1.1"),
    *(b"POST / HTTP/1.0", b"POST /", b"POST / HTTP/2.0"),
    *(b"POST / HTTP/9", b"POST / HTTP/1.1.1", b"POST", b""),
    *(b"POST  /  HTTP/1.1", b"post / http/1.1"),
    *(b"POST http://[::1/ HTTP/1.1", b"POST http://a.b/ HTTP/1.1"),
    *(b"CONNECT a:1 HTTP/1.1", b"POST /%00%ff%zz HTTP/1.1"),
    *(b"POST /../../etc/passwd HTTP/1.1", b"\x16\x03\x01"),
    *(b"POST /" + b"a" * 70_000 + b" HTTP/1.1", b"POST //// HTTP/1.1"),
    b"GET /?" + b"a&" * 9000 + b" HTTP/1.1",
    *(b"GET /_page/../../x HTTP/1.1", b"GET /openapi.json HTTP/1.1"),
    *(b"GET /\xe9\xff HTTP/1.1", b"PRI * HTTP/2.0"),
)
_CHUNKS = (
    *(b"5\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"zz\r\n\r\n"),
    *(b"ffffffffffffffff\r\nx", b"5\r\nhe", b"0\r\n", b"5;a=b\r\nhello"),
    *(b"0x5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n"),
)


def spoil_http(raw: bytes, rng: random.Random) -> bytes:
    """The bytes of a request, no longer quite HTTP."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    for _ in range(rng.randrange(1, 4)):
        how = rng.randrange(8)
        if how == 0:
            line = rng.choice(_LINES)
        elif how == 1:
            headers.insert(rng.randrange(len(headers) + 1), rng.choice(_HEADS))
        elif how == 2 and headers:
            del headers[rng.randrange(len(headers))]
        elif how == 3:
            headers.append(b"Transfer-Encoding: chunked")
            headers = [header for header in headers if not header.startswith(b"Content-Length")]
            body = rng.choice(_CHUNKS)
        elif how == 4:
            headers += [b"X-%d: y" % number for number in range(rng.choice((10, 200)))]
        elif how == 5:
            body = body[: rng.randrange(len(body) + 1)]
        elif how == 6:
            body += raw * rng.randrange(1, 4)  # one request after the other
    whole = rng.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r")).join((line, *headers, b"", body))
    if rng.random() < 0.2:
        at = rng.randrange(len(whole) + 1)
        whole = whole[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(4))) + whole[at + 1 :]
    return whole[: rng.randrange(len(whole) + 1)] if rng.random() < 0.1 else whole
