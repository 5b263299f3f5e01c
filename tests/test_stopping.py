"""The end of the server without a window: signals, what runs and what waits then, and a hard kill."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from anki.collection import AddNoteRequest, Collection
from anki.decks import DeckId
from anki.errors import Interrupted
from anki.hooks import note_will_be_added

from addon.core.actions.packages import export_package, import_package
from addon.core.context import RequestContext
from addon.core.errors import Unavailable
from addon.core.headless import HeadlessRuntime
from addon.core.settings import Settings
from addon.core.undo import UndoStep

from .conftest import HeadlessServer, Start, basic
from .program import HELD, HOLDING, Program, SlowAction
from .web import Web

UNAVAILABLE = {"result": None, "error": "collection is not available"}


@pytest.fixture
def program(start: Start, collection_path: Path) -> Program:
    program = start("--collection", collection_path, command=HOLDING)
    program.wait_until_it_serves()
    return program


def notes_in(path: Path) -> set[int]:
    col = Collection(str(path))
    try:
        assert col.db
        assert col.db.scalar("pragma integrity_check") == "ok"
        return set(col.find_notes(""))
    finally:
        col.close()


def wait_until_it_stops(program: Program) -> None:
    deadline = time.monotonic() + 60
    while program.send("GET", "/readyz")[0] == 200:
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.01)


def stop(program: Program, signum: int = signal.SIGTERM) -> None:
    code, out, _err = program.stop(signum)
    assert (code, out) == (0, "")


def in_background(results: list[Any], work: Any) -> threading.Thread:
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_collection(program: Program, collection_path: Path, signum: int) -> None:
    note = program.ask("addNote", note=basic("kept"))
    stop(program, signum)
    assert not collection_path.with_name("collection.anki2-wal").exists()
    assert notes_in(collection_path) == {note}


def test_what_runs_is_finished_and_what_waits_is_refused(
    program: Program, collection_path: Path, tmp_path: Path
) -> None:
    slow = SlowAction(program, tmp_path)
    waiting: list[Any] = []
    threads = [
        in_background(waiting, lambda: program.send("POST", "/addNote", {"note": basic("x")}))
        for _ in range(3)
    ]
    program.process.send_signal(signal.SIGTERM)
    wait_until_it_stops(program)
    assert program.send("GET", "/healthz")[0] == 200
    assert slow.let_go_on() == (200, {"result": "held", "error": None})
    for thread in threads:
        thread.join()
    assert waiting == [(503, UNAVAILABLE)] * 3
    assert program.end()[:2] == (0, "")
    col = Collection(str(collection_path))
    assert col.decks.by_name(HELD)
    assert not col.find_notes("")
    col.close()


def test_a_second_signal_changes_nothing_and_a_second_ctrl_c_ends_at_once(
    program: Program, collection_path: Path, tmp_path: Path
) -> None:
    SlowAction(program, tmp_path)
    for signum in (signal.SIGTERM, signal.SIGTERM):
        program.process.send_signal(signum)
    wait_until_it_stops(program)
    program.process.send_signal(signal.SIGINT)
    assert program.end()[0] == 1
    assert notes_in(collection_path) == set()


def test_a_multi_ends_between_its_elements_and_says_which_did_not_run(collection_path: Path) -> None:
    server = HeadlessServer(collection_path)
    closing = threading.Thread(target=server.close)
    added: list[int] = []

    def close_after_three(_col: Collection, _note: object, _deck: object) -> None:
        added.append(1)
        if len(added) == 3:
            closing.start()
            while not server.runtime.is_closing():
                time.sleep(0.001)

    note_will_be_added.append(close_after_three)
    try:
        add = [{"action": "addNote", "version": 6, "params": {"note": basic(str(n))}} for n in range(20)]
        replies = server.send("POST", "/multi", {"actions": add}).json["result"]
    finally:
        note_will_be_added.remove(close_after_three)
    closing.join()
    assert [reply["error"] for reply in replies[:3]] == [None] * 3
    assert replies[3:] == [UNAVAILABLE] * 17
    assert notes_in(collection_path) == {reply["result"] for reply in replies[:3]}


def test_connections_that_are_held_do_not_hold_it_up(program: Program) -> None:
    address = ("127.0.0.1", program.port)
    with contextlib.ExitStack() as stack:
        idle, half, deaf = (
            stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(3)
        )
        request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
        body = json.dumps({"action": "deckNames"}).encode()
        idle.sendall(request % (len(body), body))
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        half.sendall(request % (1000, body))
        for _ in range(200):  # many replies that are never read
            large = json.dumps({"action": "apiReflect", "params": {"scopes": ["actions"]}}).encode()
            deaf.sendall(request % (len(large), large))
        stop(program)


def test_downloads_that_are_under_way_do_not_hold_it_up(program: Program, web: Web) -> None:
    started = threading.Event()
    pages = [web.drip("a"), web.drip("b"), web.call("c", started.set)]
    note = {**basic("x"), "audio": [{"url": url, "filename": "x", "fields": []} for url in pages]}
    body = json.dumps({"action": "addNote", "params": {"note": note}})
    connection = program.connect()
    connection.request("POST", "/", body)
    assert started.wait(60)
    stop(program)
    connection.close()


def test_a_long_import_gives_up_and_leaves_nothing_behind(collection_path: Path, tmp_path: Path) -> None:
    other = HeadlessRuntime(tmp_path / "other.anki2")
    call = RequestContext(other, Settings())
    package = tmp_path / "p.apkg"

    def export(col: Collection) -> None:
        note_type = col.models.by_name("Basic")
        assert note_type
        notes = [col.new_note(note_type) for _ in range(40_000)]
        for number, note in enumerate(notes):
            note["Front"] = str(number)
        col.add_notes([AddNoteRequest(note, DeckId(1)) for note in notes])
        export_package(col, call, "Default", str(package))

    other.run_on_collection(export)
    other.close()
    runtime = HeadlessRuntime(collection_path)
    results: list[Any] = []
    running = threading.Event()

    def work(col: Collection) -> None:
        running.set()
        with pytest.raises(Interrupted):
            import_package(col, UndoStep(col, "import"), call, str(package))

    action = in_background(results, lambda: runtime.run_on_collection(work))
    assert running.wait(60)
    runtime.close(patience=0)
    action.join()
    assert results == [None]
    assert notes_in(collection_path) == set()


def test_an_action_that_takes_longer_is_waited_for(collection_path: Path) -> None:
    runtime = HeadlessRuntime(collection_path)
    running, go_on = threading.Event(), threading.Event()

    def work(col: Collection) -> int:
        running.set()
        assert go_on.wait(60)
        return col.note_count()

    results: list[int] = []
    action = in_background(results, lambda: runtime.run_on_collection(work))
    assert running.wait(60)
    closing = threading.Thread(target=lambda: runtime.close(patience=0.05))
    closing.start()
    while runtime.is_ready():
        time.sleep(0.01)
    with pytest.raises(Unavailable):
        runtime.run_on_collection(work)
    go_on.set()
    action.join()
    closing.join()
    assert results == [0]
    assert notes_in(collection_path) == set()


class Adding:
    """A client that adds notes one after the other, for as long as they are accepted."""

    def __init__(self, program: Program, name: str) -> None:
        self.added: list[int] = []
        self.refused: list[str] = []
        self._program, self._name = program, name
        self._some = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connection = self._program.connect()
        with contextlib.suppress(OSError, http.client.HTTPException):  # the end of the server
            for number in range(10_000):
                body = {
                    "action": "addNote",
                    "version": 6,
                    "params": {"note": basic(f"{self._name}{number}")},
                }
                connection.request("POST", "/", json.dumps(body))
                reply = json.loads(connection.getresponse().read())
                if reply["error"]:
                    self.refused.append(reply["error"])
                    break
                self.added.append(reply["result"])
                if number == 20:
                    self._some.set()
        connection.close()

    def wait_for_some(self) -> None:
        assert self._some.wait(20)

    def end(self) -> None:
        self._thread.join()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_that_was_answered_is_lost(program: Program, collection_path: Path, signum: int) -> None:
    clients = [Adding(program, name) for name in "abc"]
    for client in clients:
        client.wait_for_some()
    code, _out, _err = program.stop(signum)
    for client in clients:
        client.end()
        assert set(client.refused) <= {UNAVAILABLE["error"]}
    assert code == (0 if signum == signal.SIGTERM else -signum)
    answered = {note for client in clients for note in client.added}
    kept = notes_in(collection_path)
    assert answered <= kept
    # A client that was killed off in the middle of a request can't tell whether it was done.
    assert len(kept - answered) <= (0 if signum == signal.SIGTERM else len(clients))
