"""Libraries of real programs drive a running server through their own calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .conftest import LiveServer
from .node import run
from .program import Program

pytestmark = pytest.mark.usefixtures("node")


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
