"""Libraries of real programs drive a running server through their own calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LiveServer, skip_or_fail
from .program import Program

CLIENTS = Path(__file__).parent / "clients"


def run(*command: str, **environment: object) -> str:
    """What a program of the clients' folder prints; it must succeed."""
    variables = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    done = subprocess.run(
        command,
        cwd=CLIENTS,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """The libraries that package-lock.json names, fetched once."""
    if not (shutil.which("node") and shutil.which("npm")):
        skip_or_fail("needs Node.js and npm: apt-get install nodejs npm")
    installed = CLIENTS / "node_modules" / ".package-lock.json"
    lock = CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


@pytest.fixture(params=["headless", "anki"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param == "anki":
        server: LiveServer = request.getfixturevalue("anki")
        yield server.live.anki.port
        return
    program = Program("--collection", request.getfixturevalue("collection_path"))
    program.wait_until_it_serves()
    yield program.port
    program.stop()


def test_the_calls_are_those_of_the_librarys_types() -> None:
    run("node", "node_modules/typescript/bin/tsc", "--project", ".")


def test_yanki_connect(port: int) -> None:
    out = run("node", "--test", "--test-reporter=tap", "yanki.mjs", PORT=port)
    counts = dict(re.findall(r"^# (\w+) (\d+)$", out, re.MULTILINE))
    assert int(counts["pass"]) >= 15
    assert counts["fail"] == counts["cancelled"] == counts["skipped"] == "0"
