"""A panic inside Anki's backend, after which it answers nothing any more: here, of a clock before 1970."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import HeadlessServer, Start, basic, skip_or_fail
from .live import LiveAnki
from .sync_server import PASSWORD, USER
from .sync_world import Client, World

PROBLEM = "internal error: Anki's backend has failed"


class Clock:
    """The clock of a process that was started with `environment`."""

    def __init__(self, path: Path) -> None:
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            skip_or_fail("needs libfaketime: apt-get install faketime")
        self._path = path
        self._path.write_text("+0")
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def go_back(self) -> None:
        self._path.write_text("@1960-01-01 00:00:00")

    def go_on(self) -> None:
        self._path.write_text("+0")


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libfaketime is used on Linux")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/", {"action": "addNote", "version": 6, "params": {"note": basic("second")}}, 200),
        ("/addNote", {"note": basic("second")}, 500),
        ("/createDeck", {"deck": "New"}, 500),
    ],
)
def test_a_panic_is_answered_and_the_program_exits_to_be_started_again(
    start: Start, collection_path: Path, clock: Clock, path: str, body: Any, status: int
) -> None:
    program = start("--collection", collection_path, environment=clock.environment)
    program.wait_until_it_serves()
    first = program.ask("addNote", note=basic("first"))
    clock.go_back()
    code, reply = program.send("POST", path, body)
    assert (code, reply["result"]) == (status, None)
    assert reply["error"].startswith(PROBLEM)
    code, _out, errors = program.end()
    assert code == 70
    assert "Anki's backend has failed, so AnkiConnect exits" in errors
    clock.go_on()
    again = start("--collection", collection_path)
    again.wait_until_it_serves()
    assert again.ask("findNotes", query="") == [first]


def test_a_panic_of_a_scheduled_sync_ends_the_program(
    start: Start, collection_path: Path, clock: Clock, world: World, other: Client
) -> None:
    account = {
        "ANKICONNECT_SYNC_USER": USER,
        "ANKICONNECT_SYNC_PASSWORD": PASSWORD,
        "ANKICONNECT_SYNC_ENDPOINT": world.line.url,
        "ANKICONNECT_SYNC_EVERY": "0.01",
    }
    program = start("--collection", collection_path, environment={**clock.environment, **account})
    program.wait_until_it_serves()
    clock.go_back()
    assert program.end()[0] == 70


def test_it_is_not_ready_after_a_panic(headless: HeadlessServer) -> None:
    headless.runtime.panicked()
    assert headless.send("GET", "/healthz").status == 200
    assert headless.send("GET", "/readyz").status == 503
    assert headless.send("GET", "/deckNames").status == 503


def test_a_panic_inside_anki_is_answered(own_anki: LiveAnki, clock: Clock) -> None:
    own_anki.start(**clock.environment)
    own_anki.anki.wait_until_ready()
    clock.go_back()
    reply = own_anki.anki.invoke("addNote", note=basic("x"))
    clock.go_on()
    assert reply["result"] is None
    assert reply["error"].startswith(PROBLEM)
    assert own_anki.anki.invoke("version")["result"] == 6
    own_anki.kill()
