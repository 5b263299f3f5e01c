"""`python -m addon`: starting, what keeps it from starting, and what it takes to run."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from .conftest import LiveServer, Start
from .program import Program


@pytest.fixture
def program(start: Start, collection_path: Path) -> Program:
    return start("--collection", collection_path)


def test_a_missing_collection_is_made(start: Start, tmp_path: Path) -> None:
    program = start("--collection", tmp_path / "new.anki2")
    program.wait_until_it_serves()
    assert program.ask("deckNames") == ["Default"]
    assert program.stop()[0] == 0
    assert (tmp_path / "new.anki2").exists()


def test_a_locked_collection_is_one_clear_line(
    start: Start, program: Program, collection_path: Path
) -> None:
    program.wait_until_it_serves()
    code, out, err = start("--collection", collection_path).end()
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"error: the collection can't be opened: {collection_path}: "
        "Anki already open, or media currently syncing."
    ]
    assert program.ask("deckNames") == ["Default"]


def test_a_collection_that_anki_has_open_is_one_clear_line(start: Start, anki: LiveServer) -> None:
    code, out, err = start("--collection", anki.look("col.path")).end()
    assert (code, out) == (2, "")
    assert err.startswith("error: the collection can't be opened: ")
    assert "Anki already open" in err
    assert len(err.splitlines()) == 1
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_a_missing_folder_is_one_clear_line(start: Start, tmp_path: Path) -> None:
    code, _out, err = start("--collection", tmp_path / "no" / "c.anki2").end()
    assert (code, err) == (2, f"error: the folder does not exist: {tmp_path / 'no'}\n")


def test_a_name_that_anki_would_take_its_media_folder_for_is_refused(start: Start, tmp_path: Path) -> None:
    code, _out, err = start("--collection", tmp_path / "collection.db").end()
    name = tmp_path / "collection.db"
    assert (code, err) == (2, f"error: the collection's name should end in .anki2: {name}\n")
    assert not name.exists()


def test_a_file_that_is_no_collection_is_one_clear_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "c.anki2").write_text("This is not a collection. " * 100)
    code, _out, err = start("--collection", tmp_path / "c.anki2").end()
    assert code == 2
    assert err.startswith("error: the collection can't be opened")
    assert len(err.splitlines()) == 1


def test_a_busy_port_is_one_clear_line(start: Start, program: Program, tmp_path: Path) -> None:
    program.wait_until_it_serves()
    code, _out, err = start("--collection", tmp_path / "c.anki2", port=program.port).end()
    assert code == 2
    assert err.startswith(f"error: can't listen on http://127.0.0.1:{program.port}: ")
    assert "Another AnkiConnect holds the port" in err
    assert len(err.splitlines()) == 1


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


def test_it_logs_lines_to_stderr_and_prints_nothing(program: Program, collection_path: Path) -> None:
    first = program.wait_until_it_serves()
    forged = "http://127.0.0.1:9/\x1b[2J\x9b\n2026-01-01 00:00:00,000 INFO forged"
    picture = {"filename": "a", "fields": [], "url": forged}
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "a"}, "picture": [picture]}
    assert program.ask("addNote", note=note) > 0
    code, out, err = program.stop()
    assert (code, out) == (0, "")
    assert f"INFO AnkiConnect serves {collection_path} at http://127.0.0.1:{program.port}\n" in first
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    lines = [first, *err.splitlines()]
    # What a message brings along as a line of its own is indented.
    logged = [line.split()[2] for line in lines if re.match(f"{stamp} [A-Z]+ .", line)]
    assert logged == ["INFO", "WARNING", "INFO"]
    assert all(line.startswith("    ") for line in lines if not re.match(stamp, line))
    assert any("forged" in line for line in lines)
    assert "\x1b" not in err and "\x9b" not in err and r"\x1b[2J\x9b" in err


def test_it_answers_within_a_second(program: Program) -> None:
    while True:
        try:
            assert program.ask("deckNames") == ["Default"]
            break
        except ConnectionRefusedError:
            time.sleep(0.005)
    # Of its own, which is 0.3 s on a machine at rest. Other programs may run beside it.
    assert program.processor_time() < 1


def test_it_idles_in_less_than_80_mb(start: Start, collection_path: Path) -> None:
    # A cause of much memory: Anki's library keeps its symbols once it has made a backtrace.
    program = start("--collection", collection_path, environment={"RUST_BACKTRACE": "1"})
    program.wait_until_it_serves()
    assert program.ask("cardsInfo", cards=[1]) == [{}]
    assert program.ask("getDeckConfig", deck="None") is False
    assert program.memory() < 80


def test_media_are_kept_in_the_folder_that_was_chosen(
    start: Start, collection_path: Path, tmp_path: Path
) -> None:
    media = tmp_path / "elsewhere" / "files"
    program = start("--collection", collection_path, "--media-folder", media)
    program.wait_until_it_serves()
    assert program.ask("getMediaDirPath") == str(media)
    assert program.ask("storeMediaFile", filename="a.txt", data="YQ==") == "a.txt"
    assert (media / "a.txt").read_bytes() == b"a"
    assert program.ask("retrieveMediaFile", filename="a.txt") == "YQ=="
    package = tmp_path / "p.apkg"
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": '<img src="a.txt">'}}
    note_id = program.ask("addNote", note=note)
    assert program.ask("exportPackage", deck="Default", path=str(package)) is True
    program.ask("deleteNotes", notes=[note_id])
    program.ask("deleteMediaFile", filename="a.txt")
    assert not (media / "a.txt").exists()
    assert program.ask("importPackage", path=str(package)) is True
    assert (media / "a.txt").read_bytes() == b"a"
    assert program.stop()[0] == 0
    assert not collection_path.with_suffix(".media").exists()


def test_a_media_folder_beside_the_collection_is_left_alone(
    start: Start, collection_path: Path, tmp_path: Path
) -> None:
    beside = collection_path.with_suffix(".media")
    beside.mkdir()
    program = start("--collection", collection_path, "--media-folder", tmp_path / "elsewhere")
    program.wait_until_it_serves()
    assert program.stop()[0] == 0
    assert beside.is_dir()
