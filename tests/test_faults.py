"""Killed processes, full disks, dying downloads, quitting under load: nothing is lost or left behind."""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from tools.headless import Headless

from .live import LiveAnki
from .test_life import UNAVAILABLE, Clients
from .web import Web

BATCH = 5000
BEFORE = "kept"


def batch(label: str) -> list[dict[str, Any]]:
    return [
        {
            "deckName": "Default",
            "modelName": "Basic",
            "fields": {"Front": f"{label} {number}"},
            "tags": [label],
        }
        for number in range(BATCH)
    ]


def check_sound(path: Path, *labels: str) -> dict[str, int]:
    """Open the collection, have everything checked, and count the notes of each label."""
    col = Collection(str(path))
    assert col.db
    try:
        assert col.db.list("pragma integrity_check") == ["ok"]
        report, fine = col.fix_integrity()
        assert fine, report
        assert col.find_notes(f"tag:{BEFORE}"), "what was there before is gone"
        assert col.db.scalar("select count() from cards") == col.db.scalar("select count() from notes")
        return {label: len(col.find_notes(f"tag:{label}")) for label in labels}
    finally:
        col.close()


class Sender(threading.Thread):
    """Sends a batch from a thread of its own, and keeps the reply if one comes."""

    def __init__(self, ask: Any, label: str) -> None:
        super().__init__()
        self._ask, self._label = ask, label
        self.reply: Any = None
        self.started = time.monotonic()
        self.took = 0.0

    def run(self) -> None:
        with contextlib.suppress(Exception):  # cut off
            self.started = time.monotonic()
            self.reply = self._ask("addNotes", notes=batch(self._label))
            self.took = time.monotonic() - self.started


def is_writing(path: Path, before: int) -> bool:
    """Whether the write-ahead log has grown: the batch is on its way to the disk."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > before


def log_size(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


def test_a_kill_in_the_middle_of_a_batch_leaves_all_or_nothing(template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    server = Headless(path)
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}, "tags": [BEFORE]}
    assert server.ask("addNotes", notes=[note])["error"] is None
    whole = Sender(server.ask, "whole")
    whole.start()
    whole.join()
    assert len(whole.reply["result"]) == BATCH
    server.stop()
    counted: list[str] = []
    for number in range(8):
        server = Headless(path)
        sender, size = Sender(server.ask, f"t{number}"), log_size(path)
        sender.start()
        # Delays from its sending until after its end, and three times the moment when it is being written.
        until = sender.started + whole.took * number / 4
        while not is_writing(path, size) if number >= 5 else time.monotonic() < until:
            if number >= 5 and not sender.is_alive():
                break
            time.sleep(0.001)
        server.kill()
        sender.join()
        present = check_sound(path, f"t{number}")[f"t{number}"]
        assert present in ((BATCH,) if sender.reply else (0, BATCH))
        counted.append(f"{'answered' if sender.reply else 'cut off'} with {present}")
    print(f"a batch takes {whole.took:.2f} s; kills: {', '.join(counted)}")
    assert any(text.startswith("cut off") for text in counted), "no kill came before the reply"
    assert check_sound(path, "whole") == {"whole": BATCH}


def test_a_kill_while_reviews_are_inserted_leaves_all_or_none(template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    server = Headless(path)
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}, "tags": [BEFORE]}
    assert server.ask("addNotes", notes=[note])["error"] is None
    (card,) = server.ask("findCards", query="")["result"]
    rows = [[1600000000000 + number, card, -1, 3, 5, 4, 2500, 1000, 1] for number in range(50_000)]
    sender, size = Sender(lambda *_, **__: server.ask("insertReviews", reviews=rows), ""), log_size(path)
    sender.start()
    while not is_writing(path, size) and sender.is_alive():
        time.sleep(0.001)
    server.kill()
    sender.join()
    check_sound(path)
    with contextlib.closing(sqlite3.connect(path)) as database:
        (present,) = database.execute("select count() from revlog").fetchone()
    print(f"{present} of {len(rows)} reviews are there")
    assert present in (0, len(rows))


def test_a_kill_of_anki_in_the_middle_of_a_batch_leaves_all_or_nothing(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    path = Path(own_anki.look("col.path"))
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}, "tags": [BEFORE]}
    assert own_anki.anki.invoke("addNotes", notes=[note])["error"] is None
    sender, size = Sender(own_anki.anki.invoke, "batch"), log_size(path)
    sender.start()
    while not is_writing(path, size) and not sender.reply:
        assert time.monotonic() < sender.started + 60
        time.sleep(0.001)
    own_anki.kill()
    sender.join()
    present = check_sound(path, "batch")["batch"]
    print(f"Anki was killed {'after' if sender.reply else 'before'} the reply; {present} notes are there")
    assert present in ((BATCH,) if sender.reply else (0, BATCH))
    own_anki.start()  # and Anki itself opens it again
    own_anki.anki.wait_until_ready()
    assert len(own_anki.anki.invoke("findNotes", query="tag:batch")["result"]) == present


# Media and packages


def large(size: int) -> str:
    return base64.b64encode(os.urandom(size)).decode()


def kill_in_the_middle(server: Headless, folder: Path, wait: float, action: str, **params: Any) -> Any:
    """Kill the server some time after a request has first changed the folder; its reply, if it came."""
    sender = Sender(lambda *_, **__: server.ask(action, **params), "")
    before = folder.stat().st_mtime_ns
    sender.start()
    while sender.is_alive() and folder.stat().st_mtime_ns == before:
        time.sleep(0.0001)
    time.sleep(wait)
    server.kill()
    sender.join()
    return sender.reply


def test_a_kill_while_a_file_is_replaced_leaves_the_old_or_the_new_one(
    template: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    server = Headless(path)
    media = Path(server.ask("getMediaDirPath")["result"])
    old = os.urandom(40_000_000)
    stored = server.ask("storeMediaFile", filename="A.bin", data=base64.b64encode(old).decode())
    assert stored == {"result": "A.bin", "error": None}
    found: list[str] = []
    for number in range(8):
        new = os.urandom(len(old))
        data = base64.b64encode(new).decode()
        reply = kill_in_the_middle(
            server, media, number * 0.02, "storeMediaFile", filename="A.bin", data=data
        )
        present = (media / "A.bin").read_bytes()
        assert present in ((new,) if reply else (old, new))
        if present == new:
            assert (media.with_name("media.trash") / "A.bin").read_bytes() == old
        found.append("new" if present == new else "old")
        old = present
        server = Headless(path)
    print(f"after the kills there was the {', '.join(found)} file")
    assert server.ask("storeMediaFile", filename="b.bin", data="eA==")["error"] is None
    assert sorted(os.listdir(media)) == ["A.bin", "b.bin"]
    server.stop()


def test_a_killed_export_leaves_the_old_package_and_the_next_one_cleans_up(
    template: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    server = Headless(path)
    picture = {"filename": "a.bin", "data": large(40_000_000), "fields": ["Back"]}
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}, "picture": picture}
    assert server.ask("addNote", note=note)["error"] is None
    target = tmp_path / "packages" / "deck.apkg"
    target.parent.mkdir()
    target.write_bytes(b"old")
    params = {"deck": "Default", "path": str(target)}
    assert kill_in_the_middle(server, target.parent, 0.01, "exportPackage", **params) is None
    assert target.read_bytes() == b"old"
    long_ago = time.time() - 3600
    (left,) = target.parent.glob(".unfinished-*")
    for file in (*left.iterdir(), left):
        os.utime(file, (long_ago, long_ago))
    server = Headless(path)
    other = {**params, "path": str(target.with_name("other.apkg"))}
    for given in (params, other):
        assert server.ask("exportPackage", **given) == {"result": True, "error": None}
    assert sorted(os.listdir(target.parent)) == ["deck.apkg", "other.apkg"]
    assert target.stat().st_size > 40_000_000
    server.stop()


def test_an_export_removes_nothing_that_may_not_be_its_own(template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    others, target = tmp_path / "others", tmp_path / "packages" / "deck.apkg"
    target.parent.mkdir()
    long_ago = time.time() - 3600
    for folder in (others, target.parent / ".unfinished-a", target.parent / ".unfinished-running"):
        folder.mkdir()
        for name in (".tmpprecious", "package.apkg", *(["mine"] if folder.suffix == "" else [])):
            (folder / name).touch()
            os.utime(folder / name, (long_ago, long_ago))
        os.utime(folder, (long_ago, long_ago))
    (target.parent / ".unfinished-running" / ".tmp").touch()
    (target.parent / ".unfinished-link").symlink_to(others)
    server = Headless(path)
    assert server.ask("exportPackage", deck="Default", path=str(target))["result"] is True
    server.stop()
    assert sorted(os.listdir(others)) == [".tmpprecious", "mine", "package.apkg"]
    assert (target.parent / ".unfinished-running" / "package.apkg").exists()


def test_a_media_folder_on_another_disk_is_replaced_and_taken_back_into(
    template: Path, small_disk: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(template, tmp_path / "collection.anki2"))
    path.with_name("collection.media").symlink_to(small_disk)
    server = Headless(path)
    try:
        for text in (b"one", b"two"):
            data = base64.b64encode(text).decode()
            assert server.ask("storeMediaFile", filename="a.txt", data=data)["result"] == "a.txt"
        assert files(small_disk) == {"a.txt": b"two"}
        assert (tmp_path / "media.trash" / "a.txt").read_bytes() == b"one"
        audio = {"filename": "a.txt", "data": "eA==", "fields": ["Front"], "deleteExisting": True}
        note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": ""}}
        assert server.ask("addNotes", notes=[{**note, "audio": audio}, note])["error"]
        assert files(small_disk) == {"a.txt": b"two"}
    finally:
        server.kill()


@pytest.mark.parametrize("existing", [True, False])
def test_a_pipe_in_the_media_folder_holds_nothing_up(
    template: Path, tmp_path: Path, existing: bool
) -> None:
    server = Headless(Path(shutil.copy(template, tmp_path / "collection.anki2")))
    try:
        media = Path(server.ask("getMediaDirPath")["result"])
        os.mkfifo(media / "a.mp3")
        (media / "b.mp3").symlink_to(media / "a.mp3")
        file = {"data": "eA==", "deleteExisting": existing}
        for name in ("a.mp3", "A.mp3"):
            error = server.ask("storeMediaFile", filename=name, **file)["error"]
            assert error == "filename: 'a.mp3' in the media folder is no file, but a folder or a device"
            assert server.ask("retrieveMediaFile", filename=name)["result"] is False
            assert server.ask("deleteMediaFile", filename=name)["error"] is None
        text = "[sound:a.mp3] [sound:b.mp3]"
        note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": text}}
        assert server.ask("addNote", note=note)["error"] is None
        for _ in range(2):
            exported = server.ask("exportPackage", deck="Default", path=str(tmp_path / "x.apkg"))
            assert "in the media folder is no file, but a pipe or a device" in exported["error"]
            assert server.ask("storeMediaFile", filename="b.mp3", **file)["error"] is None
    finally:
        server.kill()


# A full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or subprocess.run(mount, capture_output=True).returncode:
        # Not even in CI, where root may lack the right: the limit of file sizes below stands for it.
        pytest.skip("a file system of its own can't be mounted")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def check_media_survives(server: Headless, size: int) -> None:
    """A file that does not fit is refused with a clear error, and what was there is as it was."""
    media = Path(server.ask("getMediaDirPath")["result"])
    old = base64.b64encode(b"old" * 1000).decode()
    assert server.ask("storeMediaFile", filename="a.bin", data=old)["error"] is None
    before = files(media)
    content = large(size)
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}}
    picture = {"filename": "a.bin", "data": content, "deleteExisting": True, "fields": ["Back"]}
    other = {"filename": "c.bin", "data": base64.b64encode(b"new").decode(), "fields": ["Back"]}
    for action, params in (
        ("storeMediaFile", {"filename": "a.bin", "data": content}),
        ("storeMediaFile", {"filename": "a.bin", "data": content, "deleteExisting": False}),
        ("storeMediaFile", {"filename": "b.bin", "data": content}),
        ("addNote", {"note": {**note, "picture": [other, picture]}}),
        (
            "addNotes",
            {
                "notes": [
                    {**note, "audio": [other]},
                    {**note, "fields": {"Front": "y"}, "picture": [picture]},
                ]
            },
        ),
    ):
        error = server.ask(action, **params)["error"]
        print(f"{action}: {error}")
        assert error
        assert "internal error" not in error
        assert files(media) == before
    assert server.ask("findNotes", query="")["result"] == []
    assert server.ask("retrieveMediaFile", filename="a.bin")["result"] == old
    fits = {"filename": "d.bin", "data": base64.b64encode(b"fits").decode()}
    assert server.ask("storeMediaFile", **fits) == {"result": "d.bin", "error": None}


def test_a_full_disk_costs_no_media(template: Path, small_disk: Path) -> None:
    server = Headless(Path(shutil.copy(template, small_disk / "collection.anki2")))
    try:
        check_media_survives(server, 8_000_000)
    finally:
        server.kill()


def test_a_file_larger_than_the_system_allows_costs_no_media(template: Path, tmp_path: Path) -> None:
    def prepare() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    server = Headless(Path(shutil.copy(template, tmp_path / "collection.anki2")), prepare=prepare)
    try:
        check_media_survives(server, 3_000_000)
    finally:
        server.kill()


def test_a_disk_that_fills_up_during_a_batch_leaves_all_or_nothing(
    template: Path, small_disk: Path
) -> None:
    path = Path(shutil.copy(template, small_disk / "collection.anki2"))
    server = Headless(path)
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}, "tags": [BEFORE]}
    assert server.ask("addNotes", notes=[note])["error"] is None
    notes = [
        {**note, "fields": {"Front": f"{number} {'x' * 5000}"}, "tags": ["full"]} for number in range(2000)
    ]
    error = server.ask("addNotes", notes=notes)["error"]
    print(error)
    assert error
    assert "internal error" not in error
    assert server.ask("findNotes", query="tag:full")["result"] == []
    server.kill()
    assert check_sound(path, "full") == {"full": 0}


# Downloads


def test_a_download_that_dies_half_way_leaves_nothing(template: Path, tmp_path: Path, web: Web) -> None:
    server = Headless(Path(shutil.copy(template, tmp_path / "collection.anki2")))
    try:
        media = Path(server.ask("getMediaDirPath")["result"])
        old = base64.b64encode(b"old").decode()
        server.ask("storeMediaFile", filename="a.mp3", data=old)
        before = files(media)
        error = server.ask("storeMediaFile", filename="a.mp3", url=web.cut("a.mp3"))["error"]
        assert "download failed" in error
        note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}}
        audio = {"filename": "b.mp3", "url": web.cut("b.mp3"), "fields": ["Back"]}
        added = server.ask("addNote", note={**note, "audio": [audio]})["result"]
        (info,) = server.ask("notesInfo", notes=[added])["result"]
        assert info["fields"]["Back"]["value"] == ""
        assert files(media) == before
    finally:
        server.kill()


# Quitting


def test_anki_quits_under_eight_clients(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    note = {
        "deckName": "Default",
        "modelName": "Basic",
        "fields": {"Front": "x"},
        "options": {"allowDuplicate": True},
    }
    actions = [
        {"action": "addNote", "version": 6, "params": {"note": note}},
        {"action": "deckNames", "version": 6},
    ]
    message = {"action": "multi", "version": 6, "params": {"actions": actions}}
    path = Path(own_anki.look("col.path"))
    with Clients(own_anki.anki.port, 8, message) as clients:
        while len(clients.replies) < 100:
            time.sleep(0.01)
        asked = time.monotonic()
        own_anki.run("mw.unloadProfileAndExit()")
        assert own_anki.anki.wait() == 0
        took = time.monotonic() - asked
    print(f"Anki quit {took:.2f} s after it was asked, under 8 clients; {len(clients.replies)} replies")
    assert {status for status, _reply in clients.replies} <= {200, 503}
    errors = {reply["error"] for _status, reply in clients.replies}
    inner = {part["error"] for _status, reply in clients.replies for part in reply["result"] or ()}
    assert errors | inner <= {None, UNAVAILABLE}
    added = [part["result"] for _s, reply in clients.replies for part in (reply["result"] or ())[:1]]
    assert own_anki.addon.name not in own_anki.output()
    with contextlib.closing(sqlite3.connect(path)) as database:
        stored = {note_id for (note_id,) in database.execute("select id from notes")}
    assert {note_id for note_id in added if note_id} <= stored  # what was confirmed is there
