"""Runs the benchmark in a real Anki and writes docs/performance.md.

python -m tools.bench              the whole of it, about 15 minutes
python -m tools.bench --smoke      every case once on a small collection, nothing written
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from anki import buildinfo
from anki.collection import Collection

from tests.live import ADDON_FOLDER, LiveAnki
from tools.ports import free_port

from . import report
from .cases import cases, growth_cases
from .collection import copied, made
from .measure import WAYS, Target, direct, headless_start_ms, import_ms
from .report import Row

ROOT = Path(__file__).resolve().parents[2]
_NOTES = 100_000
_GROWTH = (1_000, 10_000, 100_000, 500_000)
_SMOKE_NOTES = 12_000
_RUNS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the API in a real Anki.")
    parser.add_argument("--smoke", action="store_true", help="every case once, on a small collection")
    parser.add_argument("--cache", type=Path, default=ROOT / ".anki" / "bench", help="kept collections")
    parser.add_argument("--only", default="", help="cases whose title contains this; nothing is written")
    options = parser.parse_args()
    gc.disable()  # collections of this process would count as the API's time
    if options.smoke:
        with tempfile.TemporaryDirectory() as folder:
            collection = made(Path(folder), _SMOKE_NOTES)
            _print(run_all(collection, analyzed=False, smoke=True, only=options.only))
        return 0
    collection = made(options.cache, _NOTES)
    rows = {
        analyzed: run_all(collection, analyzed=analyzed, only=options.only) for analyzed in (False, True)
    }
    if options.only:
        for table in rows.values():
            _print(table)
        return 0
    growth = [
        (notes, run_all(made(options.cache, notes), analyzed=False, growth=True)) for notes in _GROWTH
    ]
    text = report.render(_machine(), rows[False], rows[True], growth, start_times(collection))
    (ROOT / "docs" / "performance.md").write_text(text, "utf-8")
    print(text)
    return 0


def run_all(
    collection: Path, *, analyzed: bool, smoke: bool = False, growth: bool = False, only: str = ""
) -> list[Row]:
    """Measure each case in each way, on fresh copies of a collection."""
    rows = []
    with _copies(collection, analyzed=analyzed) as (col, anki):
        notes, cards = list(col.find_notes("")), list(col.find_cards(""))
        target = Target(anki, 0.01) if smoke else Target(anki)
        numbers = count()  # no two requests are the same
        for case in (growth_cases if growth else cases)(notes, cards):
            if only not in case.title:
                continue
            print(f"{case.title} ...", file=sys.stderr, flush=True)
            rounds = 1 if smoke else case.rounds
            row = Row(case)
            for way in WAYS[:1] if growth else WAYS:
                # Eight clients repeat what one does, each a quarter as often.
                own = rounds if way.clients == 1 else max(1, rounds // 4)
                for _run in range(1 if smoke or way.clients > 1 else _RUNS):
                    if way is WAYS[0]:
                        # Each time anew: a machine is not always equally fast.
                        row.direct += direct(case.direct, col, own, numbers)
                        row.barest += direct(case.barest, col, own, numbers) if case.barest else []
                    row.add(way, target.measure(case, way, own, numbers))
            rows.append(row)
            gc.collect()
    return rows


@contextmanager
def _copies(collection: Path, *, analyzed: bool) -> Iterator[tuple[Collection, LiveAnki]]:
    """A copy that is open here, and another that is open in an Anki."""
    with tempfile.TemporaryDirectory() as folder:
        col = Collection(str(copied(collection, Path(folder) / "direct" / "c.anki2", analyzed=analyzed)))
        anki = LiveAnki(Path(folder) / "anki")
        copied(collection, anki.anki.base / "User 1" / "collection.anki2", analyzed=analyzed)
        anki.start()
        anki.anki.wait_until_ready()
        anki.wait_for("mw.state == 'deckBrowser'")
        try:
            yield col, anki
        finally:
            anki.stop()
            col.close()


def start_times(collection: Path) -> dict[str, float]:
    """What the add-on adds to Anki's start, and how soon the server without a window answers, in ms."""
    with tempfile.TemporaryDirectory() as folder:
        anki = LiveAnki(Path(folder) / "anki")
        # The first start compiles what later ones load.
        for profile in ("", "1"):
            anki.start(PYTHONPROFILEIMPORTTIME=profile, PYTHONDONTWRITEBYTECODE="")
            anki.anki.wait_until_ready()
            anki.stop()
        added = import_ms(anki.output(), ADDON_FOLDER)
        path = copied(collection, Path(folder) / "c.anki2", analyzed=False)
        command = [sys.executable, "-m", "addon", "--collection", str(path)]
        return {"import": added, "headless": headless_start_ms(command, free_port())}


def _machine() -> str:
    return (
        f"Anki {buildinfo.version}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores"
    )


def _print(rows: Sequence[Row]) -> None:
    print(report.table(rows))


if __name__ == "__main__":
    sys.exit(main())
