"""Each example of a write, taken back from the Edit menu: the collection is byte for byte what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from addon.actions import registry
from tools.examples import HOME, Example, examples

from .conftest import HeadlessServer, LiveServer, Server, run_example

# Anki's own record of the last entry in a dialog and the like, in `config`, is not the person's.
DUMP = (
    "{table: sorted(map(repr, col.db.all(f'select * from {table}')))"
    " for table in ('notes', 'cards', 'revlog', 'tags', 'decks', 'deck_config', 'notetypes', 'fields',"
    " 'templates')}"
)
UNDOABLE = [
    example
    for example in examples()
    if example.action in registry
    and not example.elsewhere
    and (registry[example.action].undoable or example.action == "multi")
]


@pytest.fixture(scope="session")
def template(example_collection: Path) -> Path:
    return example_collection


def check(server: Server, example: Example) -> None:
    for step in example.before:
        run_example(server, Example("version", "", {}, 6, [step]))
    kept = server.send("POST", "/createDeck", {"deck": "kept"})
    assert kept.status == 200
    before = server.look(DUMP)
    run_example(server, Example(example.action, "", example.params, None, []))
    undo = server.look("col.undo_status().undo")
    if server.look(DUMP) == before:
        assert undo == "AnkiConnect: create deck"  # nothing was to be done
        return
    name = registry[example.action].undo
    assert undo == f"AnkiConnect: {name}" or example.action == "multi"
    server.look("col.undo() and None")
    assert server.look(DUMP) == before
    assert server.look("col.undo_status().undo") == "AnkiConnect: create deck"


@pytest.mark.parametrize("example", UNDOABLE, ids=str)
def test_a_write_is_taken_back_whole(headless: HeadlessServer, example: Example, tmp_path: Path) -> None:
    check(headless, example.with_text(HOME, str(tmp_path)))


@pytest.mark.parametrize("example", UNDOABLE, ids=str)
def test_a_write_is_taken_back_whole_in_anki(anki: LiveServer, example: Example, tmp_path: Path) -> None:
    check(anki, example.with_text(HOME, str(tmp_path)))
