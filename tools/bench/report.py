"""The tables of docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Optional

from .cases import Case
from .measure import Timing, Way

_MAX_GAP_MS = 50
_START_MS = {"import": 50, "headless": 1000}

_HEAD = """# Performance

Made by `make bench` on {machine}.

A real Anki, offscreen, with its deck list showing and 100,000 notes (200,000 cards), is asked over HTTP
by another process. *direct* is what the same work costs when a script does it with Anki's own calls
straight on a copy of the collection, in the same run: its operation for many where it has one, else one
after the other. *ratio* compares p50 with it. *barest* is the fewest queries and calls that hold the
answer, without making a reply of it: what no server can go below. *gap* is the longest time in which Anki's
window could not react while the requests ran and until all windows were refreshed; a timer of 5 ms that
is never late would give 5. *memory* is the highest rise of Anki's memory. Times are in milliseconds; p99
of few requests is the slowest of them.

*With statistics* means that SQLite's `analyze` has been run on the collection; Anki never does that.
"""


@dataclass
class Row:
    case: Case
    direct: list[float] = field(default_factory=list)  # times in seconds, and so the next
    barest: list[float] = field(default_factory=list)
    timings: list[tuple[Way, Timing]] = field(default_factory=list)

    def add(self, way: Way, timing: Timing) -> None:
        """Take in one more run of requests that came in this way."""
        if self.timings and self.timings[-1][0] is way:
            self.timings[-1][1].add(timing)
        else:
            self.timings.append((way, timing))

    @property
    def direct_ms(self) -> float:
        return statistics.median(self.direct) * 1000

    @property
    def barest_ms(self) -> Optional[float]:
        return statistics.median(self.barest) * 1000 if self.barest else None

    @property
    def best(self) -> Timing:
        """One client, kept-alive: what the targets are about."""
        return self.timings[0][1]

    @property
    def ratio(self) -> float:
        return self.best.p50_ms / self.direct_ms

    @property
    def gap_ms(self) -> float:
        return max(timing.gap_ms for _way, timing in self.timings)

    @property
    def memory_mib(self) -> float:
        """Of one client."""
        return max(timing.memory_mib for way, timing in self.timings if way.clients == 1)

    def misses(self) -> list[str]:
        """The targets that are not met."""
        missed = []
        if self.case.target_ms and self.best.p50_ms > self.case.target_ms:
            missed.append("time")
        if self.case.target_ratio and self.ratio > self.case.target_ratio:
            missed.append("ratio")
        if self.gap_ms > _MAX_GAP_MS:
            missed.append("gap")
        if self.case.target_mib and self.memory_mib > self.case.target_mib:
            missed.append("memory")
        return missed


def render(
    machine: str,
    plain: Sequence[Row],
    analyzed: Sequence[Row],
    growth: Sequence[tuple[int, Sequence[Row]]],
    starts: Mapping[str, float],
) -> str:
    parts = [_HEAD.replace("{machine}", machine)]
    parts += [
        "\n## Against the targets\n\nWithout statistics, one client, kept-alive; the gap is the longest of "
        "all ways, the memory the most of one client.\n\n",
        _targets(plain),
    ]
    parts += ["\n## Without statistics\n\n", table(plain)]
    parts += ["\n## With statistics\n\n", table(analyzed)]
    parts += ["\n## What grows with the collection\n\np50, one client, kept-alive.\n\n", _growth(growth)]
    parts += ["\n## Starting\n\n", _starts(starts)]
    return "".join(parts)


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| work | clients | connections | p50 | p99 | per second | direct | ratio | gap | memory, MiB |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        for way, timing in row.timings:
            alone = way.clients == 1
            cells = (
                row.case.title,
                str(way.clients),
                way.title,
                _ms(timing.p50_ms),
                _ms(timing.p99_ms),
                f"{timing.per_second:.0f}" if timing.per_second >= 10 else f"{timing.per_second:.1f}",
                _ms(row.direct_ms) if alone else "",
                _times(timing.p50_ms / row.direct_ms) if alone else "",
                f"{timing.gap_ms:.0f}",
                f"{max(0, timing.memory_mib):.0f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _targets(rows: Sequence[Row]) -> str:
    lines = [
        "| work | p50 | target | direct | ratio | target | barest | longest gap | memory, MiB | target "
        "| misses |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        cells = (
            row.case.title,
            _ms(row.best.p50_ms),
            _ms(row.case.target_ms),
            _ms(row.direct_ms),
            _times(row.ratio),
            f"{row.case.target_ratio}" if row.case.target_ratio else "",
            _ms(row.barest_ms),
            f"{row.gap_ms:.0f}",
            f"{row.memory_mib:.0f}" if row.case.target_mib else "",
            f"{row.case.target_mib}" if row.case.target_mib else "",
            ", ".join(row.misses()),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _growth(growth: Sequence[tuple[int, Sequence[Row]]]) -> str:
    titles = [row.case.title for row in growth[0][1]]
    lines = [f"| notes | {' | '.join(titles)} |", f"| ---: |{' ---: |' * len(titles)}"]
    for notes, rows in growth:
        lines.append(f"| {notes:,} | {' | '.join(_ms(row.best.p50_ms) for row in rows)} |")
    return "\n".join(lines) + "\n"


def _starts(starts: Mapping[str, float]) -> str:
    titles = {
        "import": "the add-on's imports in Anki's start (`-X importtime`)",
        "headless": "`python -m addon`, until it has answered",
    }
    lines = ["| what | ms | target |", "| --- | ---: | ---: |"]
    lines += [f"| {titles[name]} | {_ms(took)} | {_START_MS[name]} |" for name, took in starts.items()]
    return "\n".join(lines) + "\n"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


def _ms(value: Optional[float]) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
