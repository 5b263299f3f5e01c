"""Times requests from outside, the same work straight on a collection, and Anki's window meanwhile."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any, Callable

from anki.collection import Collection

from tests.live import LiveAnki

from .cases import Case

# Windows are refreshed 0.25 s after the last change.
_SETTLED_SECONDS = 0.7
# Anki's own check of a note takes 20 ms in a large collection.
_MAX_SECONDS = 3.0

_START_HEARTBEAT = """
import time
from aqt.qt import QTimer, Qt

class Heartbeat:
    def __init__(self):
        self.timer = QTimer(mw)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.beat)
        self.restart()
        self.timer.start(5)

    def restart(self):
        self.last, self.longest = time.perf_counter(), 0.0

    def beat(self):
        now = time.perf_counter()
        self.longest = max(self.longest, now - self.last)
        self.last = now

mw.bench_heartbeat = Heartbeat()
"""


@dataclass
class Way:
    """How requests come in."""

    title: str
    clients: int
    kept_alive: bool


WAYS = [
    Way("kept-alive", 1, True),
    Way("new connections", 1, False),
    Way("kept-alive", 8, True),
    Way("new connections", 8, False),
]


@dataclass
class Timing:
    """One or several runs of requests."""

    times: list[float]  # of each request, in seconds
    took: float  # all of them
    gap_ms: float  # the longest time in which Anki's window could not react
    memory_mib: float  # the highest rise of Anki's memory

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.times) * 1000

    @property
    def p99_ms(self) -> float:
        return sorted(self.times)[min(len(self.times) - 1, int(len(self.times) * 0.99))] * 1000

    @property
    def per_second(self) -> float:
        return len(self.times) / self.took

    def add(self, other: Timing) -> None:
        self.times += other.times
        self.took += other.took
        self.gap_ms = max(self.gap_ms, other.gap_ms)
        self.memory_mib = max(self.memory_mib, other.memory_mib)


class Target:
    """A real Anki, with the deck list showing."""

    def __init__(self, anki: LiveAnki, settled_seconds: float = _SETTLED_SECONDS) -> None:
        self._anki = anki
        self._settled_seconds = settled_seconds
        anki.run(_START_HEARTBEAT)
        self._process: int = anki.run("import os; result = os.getpid()")

    def measure(self, case: Case, way: Way, rounds: int, numbers: count[int]) -> Timing:
        """Send `rounds` requests from each client, of which none may fail."""
        self._send(case, way, [self._body(case, next(numbers))])  # what is paid once
        bodies = [[self._body(case, next(numbers)) for _ in range(rounds)] for _ in range(way.clients)]
        time.sleep(self._settled_seconds)
        memory = self._memory("VmRSS")
        with open(f"/proc/{self._process}/clear_refs", "w", encoding="ascii") as peak:
            peak.write("5")
        self._anki.run("mw.bench_heartbeat.restart()")
        started = time.perf_counter()
        with ThreadPoolExecutor(way.clients) as pool:
            times = [t for ts in pool.map(lambda own: self._send(case, way, own), bodies) for t in ts]
        took = time.perf_counter() - started
        time.sleep(self._settled_seconds)
        gap = self._anki.look("mw.bench_heartbeat.longest")
        return Timing(times, took, gap * 1000, (self._memory("VmHWM") - memory) / 1024)

    def _memory(self, name: str) -> int:
        with open(f"/proc/{self._process}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(name))

    @staticmethod
    def _body(case: Case, number: int) -> bytes:
        request = {"action": case.action, "version": 6, "params": case.params(number)}
        return json.dumps(request).encode()

    def _send(self, case: Case, way: Way, bodies: Sequence[bytes]) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", self._anki.anki.port, timeout=300)
        times = []
        for body in bodies:
            started = time.perf_counter()
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            reply = connection.getresponse().read()
            if not way.kept_alive:
                connection.close()
            times.append(time.perf_counter() - started)
            if b'"error":null' not in reply[-20:].replace(b" ", b""):
                raise RuntimeError(f"{case.title}: {reply[:500]!r}")
        connection.close()
        return times


def direct(
    work: Callable[[Collection, int], object], col: Collection, rounds: int, numbers: count[int]
) -> list[float]:
    """The times of work without HTTP, in seconds."""
    work(col, next(numbers))
    times: list[float] = []
    while len(times) < rounds and sum(times) < _MAX_SECONDS:
        number = next(numbers)
        started = time.perf_counter()
        work(col, number)
        times.append(time.perf_counter() - started)
    return times


def headless_start_ms(command: Sequence[str], port: int) -> float:
    """From starting the program without a window to its first reply."""
    import subprocess

    started = time.perf_counter()
    with subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                try:
                    connection.request("POST", "/", b'{"action": "deckNames"}')
                    connection.getresponse().read()
                    return (time.perf_counter() - started) * 1000
                except ConnectionRefusedError:
                    time.sleep(0.005)
                finally:
                    connection.close()
        finally:
            process.terminate()


def import_ms(profile: str, package: str) -> float:
    """What importing the add-on took, from what `-X importtime` printed; 0 if it is not there."""
    for line in profile.splitlines():
        parts: list[Any] = [part.strip() for part in line.removeprefix("import time:").split("|")]
        if len(parts) == 3 and parts[2] == package:
            return int(parts[1]) / 1000
    return 0.0
