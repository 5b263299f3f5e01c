"""The bytes that a client sends, taken for as long and as many as allowed."""

from __future__ import annotations

import io
import re
import socket
import time
from typing import Any

_CHUNK = 1024 * 1024
_BUFFER = 64 * 1024
_LONGEST_LINE = 64 * 1024
_SLOWEST_BYTES_PER_SECOND = 100_000  # of a body that takes longer than others
_HEX = re.compile(rb"[\da-fA-F]{1,15}")


class TooSlow(Exception):
    pass


class TooLarge(Exception):
    pass


class _Raw(io.RawIOBase):
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
            raise TooSlow()
        if self.most <= 0:
            raise TooLarge()
        self._sock.settimeout(left)
        try:
            received = self._sock.recv_into(buffer)
        except socket.timeout:
            raise TooSlow() from None
        self.most -= received
        return received


class Stream(io.BufferedReader):
    """All methods that read raise TooSlow, TooLarge and OSError; those of a body ValueError, too."""

    def __init__(self, sock: socket.socket) -> None:
        self._limits = _Raw(sock)
        super().__init__(self._limits, _BUFFER)

    def allow(self, seconds: float, size: int) -> None:
        """Let the client take so long, and send about so many bytes, from now on."""
        self._limits.deadline = time.monotonic() + seconds
        self._limits.most = size

    def allow_for(self, size: int) -> None:
        """Let the client take longer, as so many bytes need."""
        self._limits.deadline += size / _SLOWEST_BYTES_PER_SECOND

    def move(self, size: int, body: io.BytesIO) -> None:
        """Move `size` bytes into `body`, which takes up memory only as they arrive."""
        while size:
            part = self.read1(min(size, _CHUNK))
            if not part:
                raise ValueError("it ended too soon")
            size -= len(part)
            body.write(part)

    def move_chunks(self, limit: int, body: io.BytesIO) -> None:
        """Move a chunked body (RFC 9112, 7.1) into `body`, without extensions and trailers."""
        while size := self._chunk_size():
            if body.tell() + size > limit:
                raise TooLarge()
            self.allow_for(size)
            self.move(size, body)
            if self._line():
                raise ValueError("a chunk is longer than announced")
        while self._line():
            pass

    def skip(self) -> None:
        """Take all that still arrives."""
        while self.read1(_CHUNK):
            pass

    def _chunk_size(self) -> int:
        digits = self._line().partition(b";")[0].rstrip(b" \t")
        if not _HEX.fullmatch(digits):
            raise ValueError(f"a chunk is announced as {digits[:20]!r}")
        return int(digits, 16)

    def _line(self) -> bytes:
        line = self.readline(_LONGEST_LINE)
        if not line.endswith(b"\r\n"):
            raise ValueError("a line of it is too long or ended too soon")
        if b"\r" in line[:-2]:
            raise ValueError("half a line end is in it")
        return line[:-2]
