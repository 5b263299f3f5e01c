"""The bytes that a client sends, taken for as long and as many as allowed."""

from __future__ import annotations

import io
import math
import re
import socket
import time
from typing import Any, Callable

_CHUNK = 1024 * 1024
_BUFFER = 64 * 1024
_MAX_LINE = 64 * 1024
_MAX_TRAILER = 64 * 1024
# Bytes between chunks, beyond one for each byte of the body: chunks of one byte each would take very long.
_MAX_BETWEEN_CHUNKS = 1024 * 1024
_SLOWEST_BYTES_PER_SECOND = 1000  # of a body that takes longer than others
_HEX = re.compile(rb"[\da-fA-F]{1,15}")


class TooSlow(Exception):
    pass


class TooLarge(Exception):
    pass


class _Raw(io.RawIOBase):
    """Reads a socket until a deadline, however the bytes trickle in."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline = 0.0
        self.silence = math.inf
        self.patience = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TooSlow()
        self._sock.settimeout(min(left, self.silence))
        try:
            received = self._sock.recv_into(buffer)
        except socket.timeout:
            raise TooSlow() from None
        if self.patience:
            earned = self.deadline + received / _SLOWEST_BYTES_PER_SECOND
            self.deadline = min(earned, time.monotonic() + self.patience)
        return received


class Stream(io.BufferedReader):
    """All methods that read raise TooSlow and OSError; those of a body TooLarge and ValueError, too."""

    def __init__(self, sock: socket.socket) -> None:
        self._limits = _Raw(sock)
        super().__init__(self._limits, _BUFFER)

    def allow(self, seconds: float) -> None:
        """Let the client take so long from now on."""
        limits = self._limits
        limits.deadline, limits.silence, limits.patience = time.monotonic() + seconds, math.inf, 0.0

    def allow_steady(self, seconds: float, silence: float) -> None:
        """Let the client take any time from now on, as long as it keeps sending.

        It is never silent for `silence` seconds, and never `seconds` behind the slowest speed.
        """
        self.allow(seconds)
        self._limits.silence, self._limits.patience = silence, seconds

    def move(self, size: int, body: io.BytesIO, on_arrival: Callable[[int], None]) -> None:
        """Move `size` bytes into `body`, which takes up memory only as they arrive."""
        while size:
            part = self.read1(min(size, _CHUNK))
            if not part:
                raise ValueError("it ended too soon")
            size -= len(part)
            on_arrival(len(part))
            body.write(part)

    def move_chunks(self, limit: int, body: io.BytesIO, on_arrival: Callable[[int], None]) -> None:
        """Move a chunked body (RFC 9112, 7.1) into `body`, without extensions and trailers."""
        between = 0
        while True:
            line = self._line()
            size = _chunk_size(line)
            if not size:
                break
            between += len(line) + 4  # with the ends of this line and of the chunk
            if body.tell() + size > limit:
                raise TooLarge()
            if between > _MAX_BETWEEN_CHUNKS + body.tell():
                raise ValueError("there is more between its chunks than in them")
            self.move(size, body, on_arrival)
            if self._line():
                raise ValueError("a chunk is longer than announced")
        left = _MAX_TRAILER
        while line := self._line():
            left -= len(line)
            if left < 0:
                raise ValueError("its trailer is too large")

    def skip(self, size: int) -> None:
        """Take all that still arrives, and no more than about `size` bytes."""
        while size > 0 and (part := self.read1(_BUFFER)):
            size -= len(part)

    def _line(self) -> bytes:
        line = self.readline(_MAX_LINE)
        if not line.endswith(b"\r\n"):
            raise ValueError("a line of it is too long or ended too soon")
        if b"\r" in line[:-2]:
            raise ValueError("half a line end is in it")
        return line[:-2]


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].rstrip(b" \t")
    if not _HEX.fullmatch(digits):
        raise ValueError(f"a chunk is announced as {digits[:20]!r}")
    return int(digits, 16)
