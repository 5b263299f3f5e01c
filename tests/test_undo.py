"""One undo entry per write, none for nothing, and nothing lost when a write fails."""

from __future__ import annotations

from typing import Any

import pytest
from anki.collection import Collection
from anki.errors import NotFoundError

from addon.core.undo import UndoStep

from .conftest import HeadlessServer, add_cards, basic


@pytest.fixture
def col(headless: HeadlessServer) -> Collection:
    return headless.runtime._col


def add(col: Collection, front: str) -> Any:
    note = col.new_note(col.models.by_name("Basic") or {})
    note["Front"] = front
    return col.add_note(note, 1)  # type: ignore[arg-type]


def test_many_operations_make_one_entry(col: Collection) -> None:
    add(col, "before")
    edit = UndoStep(col, "many things")
    for number in range(60):  # more than the steps that Anki keeps
        edit(add, col, f"note {number}")
    assert col.undo_status().undo == "AnkiConnect: many things"
    assert edit.changes.note
    col.undo()
    assert col.note_count() == 1
    assert col.undo_status().undo == "Add Note"


def test_nothing_done_leaves_no_entry(col: Collection) -> None:
    add(col, "before")
    edit = UndoStep(col, "nothing")
    assert not edit.used
    assert col.undo_status().undo == "Add Note"


def test_an_operation_without_changes_leaves_no_entry(col: Collection) -> None:
    add(col, "before")
    UndoStep(col, "nothing")(col.tags.bulk_add, [], "")
    assert (col.undo_status().undo, col.undo_status().redo) == ("Add Note", "")


def test_a_first_operation_that_fails_leaves_no_entry(col: Collection) -> None:
    add(col, "before")

    def fail() -> None:
        raise NotFoundError("gone", None, None, None)

    with pytest.raises(NotFoundError):
        UndoStep(col, "failure")(fail)
    assert (col.undo_status().undo, col.undo_status().redo) == ("Add Note", "")


def test_after_an_operation_that_clears_the_history_the_rest_has_an_entry(col: Collection) -> None:
    edit = UndoStep(col, "things")
    edit(add, col, "one")
    edit(lambda: col.decks.update_config(col.decks.all_config()[0]))
    edit(add, col, "two")
    assert col.undo_status().undo == "AnkiConnect: things"
    assert edit.changes.note
    col.undo()
    assert col.note_count() == 1


def test_a_refused_write_keeps_the_history(headless: HeadlessServer) -> None:
    add_cards(headless, "a")
    before = headless.look("col.undo_status()")
    for action, params in [
        ("addNote", {"note": {"deckName": "No", "modelName": "Basic", "fields": {}}}),
        ("suspend", {"cards": [1]}),
        ("answerCards", {"answers": [{"cardId": 1, "ease": 9}]}),
        ("createModel", {"modelName": "X", "inOrderFields": ["F"], "cardTemplates": []}),
        ("changeDeck", {"cards": ["x"], "deck": "D"}),
    ]:
        assert headless.send("POST", f"/{action}", params).status >= 400
        assert headless.look("col.undo_status()") == before


def test_what_needs_more_than_the_collection_divides_a_multi_into_two_entries(
    headless: HeadlessServer,
) -> None:
    def adding(front: str) -> dict[str, Any]:
        return {"action": "addNote", "params": {"note": basic(front)}}

    stored = {"action": "storeMediaFile", "params": {"filename": "a.txt", "data": "eA=="}}
    deleted = {"action": "deleteMediaFile", "params": {"filename": "a.txt"}}
    actions = [adding("a"), stored, adding("b"), deleted, adding("c")]
    headless.send("POST", "/multi", {"actions": actions})
    fronts = "[note[0] for note in col.db.all('select sfld from notes')]"
    assert headless.look(fronts) == ["a", "b", "c"]
    headless.look("col.undo()")
    assert headless.look(fronts) == ["a"]
