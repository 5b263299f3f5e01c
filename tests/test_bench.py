"""The benchmark runs: each of its cases once, in a real Anki with a small collection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from anki.cards import CardId
from anki.notes import NoteId

from tools.bench.cases import cases
from tools.bench.measure import WAYS, import_ms

ROOT = Path(__file__).parent.parent


def test_every_case_runs() -> None:
    command = [sys.executable, "-m", "tools.bench", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(WAYS) * len(cases([], []))


def test_the_table_is_of_the_cases_that_there_are() -> None:
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    table = text[text.index("## Against the targets") : text.index("## Without statistics")]
    titles = [line.split(" | ")[0][2:] for line in table.splitlines() if line.startswith("| ")]
    assert titles[2:] == [case.title for case in cases([NoteId(0)] * 10_000, [CardId(0)] * 1000)]


def test_the_time_of_an_import_is_read() -> None:
    profile = "import time:        12 |       3456 |   1999999999\nimport time: 1 | 2 | 1999999999.core"
    assert import_ms(profile, "1999999999") == 3.456
