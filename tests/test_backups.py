"""Backups: on request, and before large deletions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from .conftest import ApiFailure, HeadlessServer, LiveServer, Server, add_cards, basic
from .sync_world import Client, restored


@pytest.fixture
def client(server: Server, collection_path: Path) -> Iterator[Client]:
    """Each host in turn, with no backups."""
    if isinstance(server, LiveServer):
        folder = Path(server.live.look("mw.pm.backupFolder()"))
        for file in folder.iterdir():
            file.unlink()
    else:
        folder = collection_path.parent / "backups"
    yield Client(server, folder)


def add_notes(client: Client, count: int, word: str = "x", deck: str = "Default") -> list[int]:
    notes = [basic(f"{word} {number}", deck) for number in range(count)]
    ids: list[int] = client("addNotes", notes=notes)
    return ids


def undo_offered(client: Client) -> Any:
    return client.look("col.undo_status().undo")


def test_create_backup_writes_the_whole_collection(client: Client, tmp_path: Path) -> None:
    client.add("gato")
    path = Path(client("createBackup"))
    assert {path} == client.backups()
    col = restored(str(path), tmp_path)
    assert len(col.find_notes("front:gato")) == 1
    col.close()


def test_an_unchanged_collection_needs_no_second_backup(client: Client) -> None:
    client.add("gato")
    first = client("createBackup")
    assert client("createBackup") == first
    client.add("perro")
    assert client("createBackup") != first
    assert len(client.backups()) == 2


def test_a_name_from_an_hour_later_does_not_hide_the_newest_backup(client: Client, tmp_path: Path) -> None:
    client.add("gato")
    first = Path(client("createBackup"))
    later = time.time() + 3600
    first.rename(first.with_name(time.strftime("backup-%Y-%m-%d-%H.%M.%S.colpkg", time.localtime(later))))
    client.add("perro")
    col = restored(client("createBackup"), tmp_path)
    assert len(col.find_notes("front:perro")) == 1
    col.close()


def test_a_backup_leaves_undo_alone(client: Client) -> None:
    client.add("gato")
    client("createBackup")
    assert undo_offered(client) == "AnkiConnect: add note"


def test_old_backups_go_by_ankis_rules(client: Client) -> None:
    client("createBackup")
    folder = next(iter(client.backups())).parent
    for hour in range(10):
        (folder / f"backup-2020-01-01-{hour:02}.00.00.colpkg").write_bytes(b"")
    client.add("gato")
    client("createBackup")
    assert len(list(folder.glob("backup-2020-*"))) == 1


def test_deck_deletion_with_cards_makes_a_backup(client: Client, tmp_path: Path) -> None:
    client("createDeck", deck="A::B")
    add_cards(client.server, "gato", deck="A::B")
    client("deleteDecks", decks=["A"], cardsToo=True)
    (backup,) = client.backups()
    assert client.fronts() == set()
    col = restored(str(backup), tmp_path)
    assert len(col.find_notes("deck:A::B")) == 1
    col.close()
    assert undo_offered(client) == "AnkiConnect: delete decks"
    client.look("col.undo()")
    assert client.fronts() == {"gato"}
    assert "A::B" in client("deckNames")


def test_deck_deletion_without_cards_makes_none(client: Client) -> None:
    client("createDeck", deck="Empty")
    client("deleteDecks", decks=["Empty", "unknown"], cardsToo=True)
    client("createDeck", deck="Full")
    add_cards(client.server, "gato", deck="Full")
    client("deleteDecks", decks=["Full"])
    assert client.backups() == set()


def test_only_a_deletion_of_more_than_100_notes_makes_a_backup(client: Client, tmp_path: Path) -> None:
    notes = add_notes(client, 201)
    client("deleteNotes", notes=notes[:100])
    assert client.backups() == set()
    client("deleteNotes", notes=notes[100:])
    (backup,) = client.backups()
    assert client.fronts() == set()
    col = restored(str(backup), tmp_path)
    assert len(col.find_notes("")) == 101
    col.close()
    assert undo_offered(client) == "AnkiConnect: delete notes"


def test_so_does_the_removal_of_more_than_100_empty_notes(client: Client, tmp_path: Path) -> None:
    add_notes(client, 201)
    for count in (100, 101):
        empty = [
            {"action": "updateNoteFields", "params": {"note": {"id": note, "fields": {"Front": ""}}}}
            for note in client("findNotes", query="-front:")[:count]
        ]
        client("multi", actions=empty)
        assert client.backups() == set()
        client("removeEmptyNotes")
    (backup,) = client.backups()
    assert client.fronts() == set()
    col = restored(str(backup), tmp_path)
    assert len(col.find_notes("")) == 101
    col.close()
    assert undo_offered(client) == "AnkiConnect: remove empty notes"


def test_a_series_of_deletions_makes_one_backup(client: Client) -> None:
    for name in "ABCD":
        client("createDeck", deck=name)
        add_cards(client.server, name, deck=name)
    for name in "ABCD":
        client("deleteDecks", decks=[name], cardsToo=True)
    assert len(client.backups()) == 1


def test_what_came_in_between_is_backed_up_too(client: Client) -> None:
    for count in (1, 2):
        client("deleteNotes", notes=add_notes(client, 101, f"round{count}"))
        assert len(client.backups()) == count


def test_a_busy_program_makes_no_more_than_six_an_hour(headless: HeadlessServer) -> None:
    assert isinstance(headless, HeadlessServer)
    folder = Path(headless.look("col.path")).parent / "backups"
    client = Client(headless, folder)
    for number in range(8):
        client("deleteNotes", notes=add_notes(client, 101, f"round{number}"))
    assert len(client.backups()) == 6
    client.add("asked for")
    client("createBackup")
    assert len(client.backups()) == 7


def test_without_a_backup_nothing_is_deleted(headless: HeadlessServer) -> None:
    client = Client(headless, Path())
    (Path(client.look("col.path")).parent / "backups").write_text("A file is in the way.")
    notes = add_notes(client, 101)
    with pytest.raises(ApiFailure, match="^no backup could be made, so nothing was changed: "):
        client("deleteNotes", notes=notes)
    assert len(client("findNotes", query="")) == 101
    assert undo_offered(client) == "AnkiConnect: add notes"


def test_a_backup_is_one_that_anki_imports(client: Client, tmp_path: Path) -> None:
    client("storeMediaFile", filename="a.txt", data="aGVsbG8=")
    client.add("gato")
    col: Collection = restored(client("createBackup"), tmp_path)
    problems, fine = col.fix_integrity()
    assert fine, problems
    col.close()
