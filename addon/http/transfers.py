"""The memory that bodies take up while they arrive and replies while they are read, within one limit."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator
from typing import Callable

_SPEED_SECONDS = 0.5  # a speed is an average of about so long
_FIRST_SPEED = 1e9  # bytes per second: a client that has just begun is not the slowest


class Dropped(Exception):
    """There was no room for all, and this client was the slowest."""


class Transfers:
    """What all connections hold. Where it is more than `limit` gives, in bytes, the slowest is dropped.

    One that is alone is never dropped: its own limits are enough.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: set[Transfer] = set()
        self._size = 0

    @contextlib.contextmanager
    def hold(self, connection: socket.socket, end: int) -> Iterator[Transfer]:
        """While this is open, what it is told to hold counts.

        `end` is how the connection is shut down if it is dropped, so that nobody waits for it any longer.
        """
        transfer = Transfer(self, connection, end)
        with self._lock:
            self._open.add(transfer)
        try:
            yield transfer
        finally:
            with self._lock:
                self._remove(transfer)

    def grow(self, transfer: Transfer, size: int) -> None:
        """Let it hold so many more bytes. Raises Dropped."""
        with self._lock:
            if transfer in self._open:
                transfer.size += size
                self._size += size
            while self._size > self._limit() and len(self._open) > 1:
                moving = [other for other in self._open if other.is_moving and other.size]
                if not moving:
                    break
                now = time.monotonic()
                self._drop(min(moving, key=lambda other: other.speed(now)))
            if transfer not in self._open:
                raise Dropped()

    def _drop(self, transfer: Transfer) -> None:
        self._remove(transfer)
        with contextlib.suppress(OSError):
            transfer.connection.shutdown(transfer.end)

    def _remove(self, transfer: Transfer) -> None:
        if transfer in self._open:
            self._open.remove(transfer)
            self._size -= transfer.size

    def has_dropped(self, transfer: Transfer) -> bool:
        with self._lock:
            return transfer not in self._open


class Transfer:
    """The body or the reply of one request."""

    def __init__(self, transfers: Transfers, connection: socket.socket, end: int) -> None:
        self._transfers = transfers
        self.connection = connection
        self.end = end
        self.size = 0
        self.is_moving = True  # until it has arrived: what is worked on is not dropped
        self._speed = _FIRST_SPEED
        self._measured = time.monotonic()

    def speed(self, now: float) -> float:
        """Bytes per second, of late."""
        return self._speed * math.exp((self._measured - now) / _SPEED_SECONDS)

    def arrived(self, size: int) -> None:
        """So many bytes have come, and are held. Raises Dropped."""
        self.moved(size)
        self._transfers.grow(self, size)

    def take(self, size: int) -> None:
        """Hold so many bytes that the client is to read. Raises Dropped."""
        self._transfers.grow(self, size)

    def moved(self, size: int) -> None:
        """So many bytes have come or gone."""
        now = time.monotonic()
        self._speed = self.speed(now) + size / _SPEED_SECONDS
        self._measured = now

    @property
    def is_dropped(self) -> bool:
        return self._transfers.has_dropped(self)
