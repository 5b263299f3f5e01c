"""The log of requests: who did what and how it went, without contents."""

from __future__ import annotations

import json
import socket
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from addon.routes import request_log
from addon.settings_sources import load

from .conftest import OverSockets, Wired, WiredServer, basic


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def log(wired: Wired, tmp_path: Path) -> Path:
    path = tmp_path / "requests.log"
    wired.configure(apiLogPath=str(path), apiKey="SECRET")
    return path


def test_a_request_is_one_line(wired: Wired, log: Path) -> None:
    wired.send("POST", "/", {"action": "version", "key": "SECRET"}, Origin="http://localhost:3000")
    (entry,) = entries(log)
    assert datetime.fromisoformat(entry.pop("time")).tzinfo
    assert 0 <= entry.pop("ms") < 10_000
    assert entry == {
        "peer": "127.0.0.1",
        "origin": "http://localhost:3000",
        "method": "POST",
        "actions": {"version": 1},
        "status": 200,
        "errors": {},
    }


def test_the_parts_of_a_multi_are_counted(wired: Wired, log: Path) -> None:
    add = {"action": "addNote", "version": 6, "params": {"note": basic("a")}}
    parts = [add, add, {"action": "nope"}, {"action": "deckNames"}, {"action": "addNote"}]
    wired.send("POST", "/", {"action": "multi", "params": {"actions": parts}, "key": "SECRET"})
    (entry,) = entries(log)
    assert entry["actions"] == {"multi": 1, "addNote": 3, "deckNames": 1}
    assert entry["errors"] == {"Conflict": 1, "UnsupportedAction": 1, "BadParams": 1}


def test_what_is_refused_is_logged_with_its_kind(wired: Wired, log: Path) -> None:
    wired.send("GET", "/version")
    wired.send("GET", "/version", Host="example.com")
    wired.send("GET", "/version", Origin="https://example.com")
    wired.send("GET", "/nope")
    wired.send("POST", "/", b"{")
    wired.send("GET", "/modelFieldNames?modelName=Nope&key=SECRET")
    told = [(entry["status"], *entry["errors"]) for entry in entries(log)]
    assert told == [
        (401, "KeyRefused"),
        (403, "Forbidden"),
        (403, "Forbidden"),
        (404, "UnsupportedAction"),
        (200, "BadParams"),
        (404, "NoteTypeNotFound"),
    ]


def test_nothing_that_a_caller_sends_is_written(wired: Wired, log: Path) -> None:
    note = basic("CONTENT", tags=["CONTENT"])
    for key in ("SECRET", "SECRET2"):
        for path in ("/", f"/?key={key}", "/CONTENT", f"/addNote?key={key}&x=CONTENT"):
            wired.send("POST", path, {"action": "addNote", "params": {"note": note}, "key": key})
            wired.send("POST", path, {"note": note, "key": key})
            wired.send("POST", path, {"action": "CONTENT", "key": key}, X_API_Key=key)
            wired.send("GET", path, Authorization=f"Bearer {key}", User_Agent="CONTENT")
            wired.send("POST", path, b"CONTENT")
    text = log.read_text("utf-8")
    assert len(text.splitlines()) == 40
    assert "SECRET" not in text
    assert "CONTENT" not in text


def test_an_origin_can_not_forge_a_line(wired: Wired, log: Path) -> None:
    wired.send("GET", "/version", Origin='http://x"}\t{"y": "\xe9' + "z" * 500)
    (entry,) = entries(log)
    assert len(entry["origin"]) == 200


def test_a_method_can_not_fill_or_forge_the_log(wired: Wired, log: Path) -> None:
    with socket.create_connection(("127.0.0.1", wired.port), timeout=10) as sock:
        sock.sendall(b"\x1b[2J\x7f" + b"X" * 5000 + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.recv(1000)
    assert log.read_text("utf-8").rstrip("\n").isprintable()
    (entry,) = entries(log)
    assert len(entry["method"]) == 20


def test_the_file_changes_with_the_setting(wired: Wired, log: Path, tmp_path: Path) -> None:
    wired.send("GET", "/version")
    wired.configure(apiLogPath=str(tmp_path / "other.log"))
    wired.send("GET", "/version")
    wired.configure()
    wired.send("GET", "/version")
    assert (len(entries(log)), len(entries(tmp_path / "other.log"))) == (1, 1)


def test_a_log_that_can_not_be_written_fails_no_request(
    wired_headless: WiredServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wired_headless.configure(apiLogPath=str(tmp_path / "missing" / "x.log"))
    for _ in range(3):
        assert wired_headless.send("GET", "/version").status == 200
    assert [record.message for record in caplog.records if "logged" in record.message] == [
        f"requests can't be logged to {tmp_path / 'missing' / 'x.log'}"
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_fails_no_request(wired: Wired) -> None:
    wired.configure(apiLogPath="/dev/full")
    reply = wired.send("POST", "/addNote", {"note": basic("a")})
    assert (reply.status, reply.json["error"]) == (200, None)
    assert wired.send("POST", "/addNote", {"note": basic("a")}).status == 409


def test_the_log_begins_anew_when_it_is_large(
    wired_headless: WiredServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_LARGEST", 1000)
    path = tmp_path / "x.log"
    wired_headless.configure(apiLogPath=str(path))
    for _ in range(60):
        wired_headless.send("GET", "/version")
    kept = sorted(tmp_path.glob("x.log*"))
    assert [file.name for file in kept] == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    assert all(file.stat().st_size <= 1000 and entries(file) for file in kept)


def test_requests_at_once_are_lines_of_their_own(wired_headless: WiredServer, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    wired_headless.configure(apiLogPath=str(path))

    def ask() -> None:
        other = OverSockets(wired_headless.port)
        for _ in range(20):
            other.send("GET", "/version")
        other.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries(path)) == 160


def test_a_path_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="setting apiLogPath: 'x.log' is not an absolute path"):
        load({"apiLogPath": "x.log"}, {})
    assert load({"apiLogPath": ""}, {}).apiLogPath == ""
