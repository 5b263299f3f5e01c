"""`make fuzz`: a short run finds nothing, and what is wrong would be found."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tools import fuzz
from tools.headless import ROOT
from tools.verdict import problem


def test_a_short_run_tries_every_kind_of_input_and_finds_nothing() -> None:
    arguments = ["-m", "tools.fuzz", "--seconds", "5", "--seed", "3"]
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 3, 5 s\n")
    assert done.stdout.endswith("findings: 0\n")
    tried = done.stdout.partition("inputs tried: ")[2].partition("\n")[0]
    assert all(f"{kind} " in tried for kind in ("params", "url", "query", "bytes", "http", "multi"))


def test_a_seed_repeats_the_inputs() -> None:
    first, second = (fuzz.Inputs(random.Random(7)) for _ in range(2))
    assert [first.next() for _ in range(50)] == [second.next() for _ in range(50)]


@pytest.mark.parametrize(
    ("status", "body", "wrong"),
    [
        (500, {"result": None, "error": "x"}, "status 500"),
        (200, {"result": None, "error": "internal error: KeyError"}, "not a clear error"),
        (400, {"result": None, "error": ""}, "not a clear error"),
        (400, {"result": 5, "error": "x"}, "both an error and a result"),
        (400, {"result": [], "error": None}, "without an error"),
        (200, ["Default"], "not of two members"),
        (200, {"result": [5], "error": None}, "not the declared result"),
        (200, {"result": [], "error": None, "more": 1}, "not of two members"),
        (200, float("nan"), "not JSON"),
    ],
)
def test_a_bad_reply_is_told_from_a_good_one(status: int, body: object, wrong: str) -> None:
    told = problem("deckNames", status, json.dumps(body).encode())
    assert told is not None
    assert wrong in told


def test_what_goes_wrong_is_kept_and_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "FINDINGS", tmp_path / "found")
    monkeypatch.setattr(fuzz, "_MAX_FINDINGS", 1)
    monkeypatch.setattr(fuzz, "_MAX_MEMORY", 1)  # less than any server needs
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seconds", "20", "--seed", "5"])
    assert fuzz.main() == 1
    assert "of memory" in capsys.readouterr().out
    assert (tmp_path / "found" / "5-1.http").read_bytes()
