"""Other add-ons that have put functions of their own in the place of the collection's methods."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from anki.collection import Collection

from addon.core.collection.overrides import is_replaced

from .conftest import HeadlessServer, LiveServer, Server, basic

# What an add-on does when it is loaded: it fills in a field of every new note, or refuses it.
ADDON = """
import functools
from anki.collection import Collection
from anki.hooks import wrap

def around(col, note, deck_id, _old):
    Collection.seen.append(note["Front"])
    if note["Front"] == "swallowed":
        return None
    if note["Front"] == "clears":
        col.db.execute("update notes set data = ''")
    if note["Front"] == "fails":
        raise ValueError("not by this add-on")
    if note["Front"] == "too many fields":
        note.fields.append("")
    note["Back"] = "filled in"
    result = _old(col, note, deck_id)
    if note["Front"] == "fails afterwards":
        raise ValueError("not by this add-on")
    return result

Collection.seen = []
old = Collection.add_note
"""
WAYS = {
    "anki's wrap": "Collection.add_note = wrap(old, around, 'around')",
    "functools.wraps": """
@functools.wraps(old)
def add_note(self, note, deck_id):
    return around(self, note, deck_id, old)
Collection.add_note = add_note
""",
    "on the instance": """
col.add_note = functools.wraps(old)(lambda note, deck_id: around(col, note, deck_id, old))
""",
    "an object": "col.add_note = functools.partial(around, col, _old=old)",
}


class Addon:
    """A second add-on beside a server, in the same process."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def run(self, source: str) -> None:
        if isinstance(self._server, LiveServer):
            self._server.live.run(source)
        else:
            assert isinstance(self._server, HeadlessServer)
            names = {"col": self._server.runtime._col}
            self._server.runtime.run_on_collection(lambda _col: exec(source, names))

    @property
    def seen(self) -> list[Any]:
        seen: list[Any] = self._server.look("col.seen")
        return seen


METHODS = ("add_note", "add_notes", "update_note", "update_notes", "remove_notes")


@pytest.fixture
def addon(server: Server) -> Iterator[Addon]:
    addon = Addon(server)
    addon.run(f"type(col).kept = {{name: getattr(type(col), name) for name in {METHODS}}}")
    yield addon
    addon.run(
        "for name, method in type(col).kept.items():\n"
        "    setattr(type(col), name, method)\n"
        "    vars(col).pop(name, None)"
    )


@pytest.fixture
def wrapping(addon: Addon) -> Addon:
    addon.run(ADDON + WAYS["anki's wrap"])
    return addon


def state(server: Server) -> tuple[Any, ...]:
    notes = server.look("[note for note in col.db.list('select flds from notes order by id')]")
    files = server.send("GET", "/getMediaFilesNames").json["result"]
    return notes, files, server.look("(col.undo_status().undo, col.undo_status().redo)")


def with_picture(front: str) -> dict[str, Any]:
    data = base64.b64encode(front.encode()).decode()
    return basic(front, picture={"filename": f"{front}.png", "data": data, "fields": ["Back"]})


@pytest.mark.parametrize("way", WAYS)
def test_a_wrapper_sees_each_new_note(server: Server, addon: Addon, way: str) -> None:
    addon.run(ADDON + WAYS[way])
    server.send("POST", "/createDeck", {"deck": "before"})
    one = server.send("POST", "/addNote", {"note": basic("one")}).json["result"]
    assert server.look("col.undo_status().undo") == "AnkiConnect: add note"
    several = [basic(front) for front in ("two", "three", "four")]
    ids = server.send("POST", "/addNotes", {"notes": several}).json["result"]
    assert addon.seen == ["one", "two", "three", "four"]
    infos = server.send("POST", "/notesInfo", {"notes": [one, *ids]}).json["result"]
    assert [info["fields"]["Front"]["value"] for info in infos] == ["one", "two", "three", "four"]
    assert {info["fields"]["Back"]["value"] for info in infos} == {"filled in"}
    assert server.look("col.undo_status().undo") == "AnkiConnect: add notes"
    server.look("col.undo() and None")
    assert server.send("GET", "/findNotes?query=").json["result"] == [one]
    server.look("col.undo() and None")
    assert server.look("col.undo_status().undo") == "AnkiConnect: create deck"


def test_more_notes_than_anki_keeps_undo_steps_are_one_entry(server: Server, wrapping: Addon) -> None:
    server.send("POST", "/addNotes", {"notes": [basic(f"note {number}") for number in range(70)]})
    assert len(wrapping.seen) == 70
    server.look("col.undo() and None")
    assert server.look("(col.note_count(), col.undo_status().undo)") == (0, "")


@pytest.mark.parametrize("front", ["fails", "fails afterwards", "swallowed"])
def test_a_wrapper_that_fails_leaves_nothing_of_the_batch(
    server: Server, wrapping: Addon, front: str
) -> None:
    server.send("POST", "/addNote", {"note": basic("before")})
    before = state(server)
    notes = [with_picture(text) for text in ("one", "two", front, "four")]
    assert server.send("POST", "/addNotes", {"notes": notes}).status >= 400
    assert wrapping.seen == ["before", "one", "two", front]
    assert state(server) == before
    for reply in (
        server.send("POST", "/addNote", {"note": with_picture(front)}),
        server.send("POST", "/addNotes", {"notes": [with_picture(front)]}),
    ):
        assert reply.status >= 400
        assert state(server) == before


def test_in_a_multi_the_rest_stays_and_is_one_entry(server: Server, wrapping: Addon) -> None:
    server.send("POST", "/createDeck", {"deck": "before"})
    failing = [basic("one"), basic("fails")]
    actions = [
        {"action": "addNote", "version": 6, "params": {"note": basic("first")}},
        {"action": "addNotes", "version": 6, "params": {"notes": failing}},
        {"action": "addNote", "version": 6, "params": {"note": basic("last")}},
    ]
    first, failed, last = server.send("POST", "/multi", {"actions": actions}).json["result"]
    assert failed["error"]
    assert server.look("col.db.list('select sfld from notes order by id')") == ["first", "last"]
    assert first["result"] < last["result"]
    server.look("col.undo() and None")
    assert server.look("(col.note_count(), col.undo_status().undo)") == (0, "AnkiConnect: create deck")


def test_a_wrapper_that_clears_the_history_holds_no_note_up(server: Server, wrapping: Addon) -> None:
    notes = [basic(text) for text in ("one", "clears", "three")]
    assert server.send("POST", "/addNotes", {"notes": notes}).status == 200
    assert server.look("col.db.list('select sfld from notes order by id')") == ["one", "clears", "three"]
    assert server.send("POST", "/addNote", {"note": basic("four")}).status == 200
    assert server.look("col.undo_status().undo") == "AnkiConnect: add note"


@pytest.mark.parametrize("fronts", [("one", "clears", "fails"), ("one", "two", "too many fields")])
def test_without_a_history_too_nothing_of_the_batch_is_left(
    server: Server, wrapping: Addon, fronts: tuple[str, ...]
) -> None:
    assert (
        server.send("POST", "/addNotes", {"notes": [with_picture(front) for front in fronts]}).status >= 400
    )
    assert state(server)[:2] == ([], [])


def test_a_note_that_a_wrapper_swallows_is_no_success(server: Server, wrapping: Addon) -> None:
    reply = server.send("POST", "/addNote", {"note": basic("swallowed")})
    assert (reply.status, reply.json["error"]) == (409, "cannot create note for unknown reason")


SPY = """
from anki.hooks import wrap
kind = type(col)
kind.seen = []
def spy(name):
    def around(*args, _old, **more):
        kind.seen.append(name)
        return _old(*args, **more)
    setattr(kind, name, wrap(getattr(kind, name), around, "around"))
"""


def test_updates_and_deletions_go_through_the_methods_that_others_wrap(
    server: Server, addon: Addon
) -> None:
    one, two = server.send("POST", "/addNotes", {"notes": [basic("one"), basic("two")]}).json["result"]
    addon.run(SPY + "for name in ('update_note', 'update_notes', 'remove_notes'): spy(name)")
    for action, params in [
        ("updateNoteFields", {"note": {"id": one, "fields": {"Front": "a"}}}),
        ("updateNote", {"note": {"id": one, "fields": {"Front": ""}, "tags": ["b"]}}),
        ("updateNoteTags", {"note": one, "tags": ["c"]}),
        ("deleteNotes", {"notes": [two]}),
        ("removeEmptyNotes", {}),
    ]:
        assert server.send("POST", f"/{action}", params).status == 200
    assert addon.seen == ["update_note", "update_notes"] * 3 + ["remove_notes"] * 2


def test_a_batch_is_one_operation_unless_add_note_is_replaced(server: Server, addon: Addon) -> None:
    addon.run(SPY + "spy('add_notes')")
    server.send("POST", "/addNotes", {"notes": [basic("one"), basic("two")]})
    assert addon.seen == ["add_notes"]
    server.send("POST", "/addNote", {"note": basic("three")})
    assert addon.seen == ["add_notes"]
    addon.run(f"kept = type(col).seen\n{SPY}\ntype(col).seen = kept\nspy('add_note')")
    server.send("POST", "/addNotes", {"notes": [basic("four"), basic("five")]})
    assert addon.seen == ["add_notes", "add_note", "add_note"]


HOOK = """
from anki import hooks
type(col).seen = []
def told(_col, note, deck_id):
    type(col).seen.append((note["Front"], deck_id))
hooks.note_will_be_added.append(told)
"""


def test_ankis_hook_tells_of_each_new_note_once(server: Server, addon: Addon) -> None:
    addon.run(HOOK)
    try:
        server.send("POST", "/addNote", {"note": basic("one")})
        server.send("POST", "/addNotes", {"notes": [basic("two"), basic("three")]})
        addon.run(WRAP_NOTHING)
        server.send("POST", "/addNotes", {"notes": [basic("four"), basic("five")]})
    finally:
        addon.run("from anki import hooks; del hooks.note_will_be_added._hooks[-1]")
    assert addon.seen == [(front, 1) for front in ("one", "two", "three", "four", "five")]


WRAP_NOTHING = """
old = type(col).add_note
type(col).add_note = lambda self, note, deck_id: old(self, note, deck_id)
"""


@pytest.mark.parametrize("method", METHODS)
def test_ankis_own_methods_are_not_taken_for_replaced(headless: HeadlessServer, method: str) -> None:
    assert not is_replaced(getattr(headless.runtime._col, method))
    assert not is_replaced(getattr(Collection, method))
