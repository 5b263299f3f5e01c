"""`python -m addon`: options, errors and signals of the program."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from .live import free_port

ROOT = Path(__file__).parent.parent


class Program:
    def __init__(self, *arguments: object) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "addon", "--port", str(self.port), *map(str, arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_it_serves(self) -> None:
        assert self.process.stderr
        assert "serves" in self.process.stderr.readline()

    def ask(self, action: str, **params: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/", json.dumps({"action": action, "params": params}))
        value = json.loads(connection.getresponse().read())
        connection.close()
        return value

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(signum)
        return self.end()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def program(collection_path: Path) -> Iterator[Program]:
    program = Program("--collection", collection_path)
    yield program
    program.process.kill()
    program.process.communicate()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_collection(program: Program, collection_path: Path, signum: int) -> None:
    program.wait_until_it_serves()
    program.ask("createDeck", deck="Kept")
    code, out, err = program.stop(signum)
    assert (code, out, err) == (0, "", "")
    col = Collection(str(collection_path))
    assert col.decks.by_name("Kept")
    col.close()


def test_a_missing_collection_is_made(tmp_path: Path) -> None:
    program = Program("--collection", tmp_path / "new.anki2")
    program.wait_until_it_serves()
    assert program.ask("deckNames") == ["Default"]
    assert program.stop()[0] == 0
    assert (tmp_path / "new.anki2").exists()


def test_the_key_is_asked_for(collection_path: Path) -> None:
    program = Program("--collection", collection_path, "--key", "abc")
    program.wait_until_it_serves()
    assert program.ask("deckNames")["error"] == "valid api key must be provided"
    program.stop()


def test_a_locked_collection_is_one_clear_line(program: Program, collection_path: Path) -> None:
    program.wait_until_it_serves()
    code, out, err = Program("--collection", collection_path).end()
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"error: the collection can't be opened: {collection_path}: "
        "Anki already open, or media currently syncing."
    ]


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    code, _out, err = Program("--collection", tmp_path / "no" / "c.anki2").end()
    assert (code, err) == (2, f"error: the folder does not exist: {tmp_path / 'no'}\n")


def test_a_file_that_is_no_collection_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "c.anki2").write_text("This is not a collection. " * 100)
    code, _out, err = Program("--collection", tmp_path / "c.anki2").end()
    assert code == 2
    assert err.startswith("error: the collection can't be opened")
    assert len(err.splitlines()) == 1


def test_a_busy_port_is_one_clear_line(program: Program, tmp_path: Path) -> None:
    program.wait_until_it_serves()
    code, _out, err = Program("--collection", tmp_path / "c.anki2", "--port", program.port).end()
    assert code == 2
    assert err.startswith(f"error: can't listen on http://127.0.0.1:{program.port}: ")
    assert "Another AnkiConnect holds the port" in err
    assert len(err.splitlines()) == 1


def test_help_names_every_option() -> None:
    code, out, _err = Program("--help").end()
    assert code == 0
    assert all(option in out for option in ("--collection", "--host", "--port", "--key"))


def test_the_program_refuses_to_be_open_to_all(tmp_path: Path) -> None:
    code, out, err = Program("--collection", tmp_path / "c.anki2", "--host", "0.0.0.0").end()
    assert (code, out) == (2, "")
    assert err == (
        "error: setting webBindAddress: other machines reach '0.0.0.0', so set an apiKey, or "
        "webBindWithoutKey to true if everyone in the network may use your collection\n"
    )
    assert not (tmp_path / "c.anki2").exists()


def test_with_a_key_the_program_listens_to_all(tmp_path: Path) -> None:
    program = Program("--collection", tmp_path / "c.anki2", "--host", "0.0.0.0", "--key", "x")
    program.wait_until_it_serves()
    assert program.ask("version")["error"] == "valid api key must be provided"
    assert program.stop()[0] == 0
