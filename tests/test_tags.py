from __future__ import annotations

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, basic

UNKNOWN = 1


def tags_of(api: Api, note: int) -> list[str]:
    (info,) = api("notesInfo", notes=[note])
    tags: list[str] = info["tags"]
    return tags


@pytest.fixture
def note(api: Api) -> int:
    added: int = api("addNote", note=basic("a", tags=["old"]))
    return added


@pytest.mark.parametrize("tags", ["new n5", ["new", "n5"], " new  n5 "])
def test_add_tags_takes_text_and_lists(api: Api, note: int, tags: str | list[str]) -> None:
    assert api("addTags", notes=[note, UNKNOWN], tags=tags) is None
    assert tags_of(api, note) == ["n5", "new", "old"]
    assert api.look("col.undo_status().undo") == "AnkiConnect: add tags"
    api.look("col.undo()")
    assert tags_of(api, note) == ["old"]


def test_many_notes_of_which_the_last_lacks_the_tag(api: Api) -> None:
    *others, last = api("addNotes", notes=[basic(f"n{number}", tags=["a"]) for number in range(30)])
    api("removeTags", notes=[last], tags="a")
    api("addTags", notes=[*others, UNKNOWN, *others, last, last], tags="A")
    assert [tags_of(api, note) for note in (others[0], last)] == [["a"], ["a"]]
    api.look("col.undo()")
    assert [tags_of(api, note) for note in (others[0], last)] == [["a"], []]


def test_tags_that_are_there_change_nothing(api: Api, note: int) -> None:
    before = api.look("col.undo_status().last_step")
    api("addTags", notes=[note], tags="OLD")
    api("addTags", notes=[note], tags="")
    api("addTags", notes=[], tags="x")
    api("removeTags", notes=[note], tags="nope")
    api("removeTags", notes=[note], tags="")
    assert tags_of(api, note) == ["old"]
    assert api.look("col.undo_status().last_step") == before


def test_add_false_removes(api: Api, note: int) -> None:
    api("addTags", notes=[note], tags="old", add=False)
    assert tags_of(api, note) == []


@pytest.mark.parametrize("tags", ["OLD", ["old"], "old nope"])
def test_remove_tags_ignores_case_and_what_is_not_there(api: Api, note: int, tags: str | list[str]) -> None:
    assert api("removeTags", notes=[UNKNOWN, str(note)], tags=tags) is None
    assert tags_of(api, note) == []
    assert api.look("col.undo_status().undo") == "AnkiConnect: remove tags"
    api.look("col.undo()")
    assert tags_of(api, note) == ["old"]


def test_remove_tags_takes_the_tags_below(api: Api, note: int) -> None:
    api("addTags", notes=[note], tags="verb::past verbal")
    api("removeTags", notes=[note], tags="verb")
    assert tags_of(api, note) == ["old", "verbal"]


@pytest.mark.parametrize("action", ["addTags", "removeTags"])
def test_what_is_no_tag_is_refused(api: Api, note: int, action: str) -> None:
    with pytest.raises(ApiFailure, match=r"tags: 5 is not of type 'array'|tags\[0\]: 5 is not"):
        api(action, notes=[note], tags=5)
    with pytest.raises(ApiFailure, match=r"notes\[0\]: 'x' is not of type 'integer'"):
        api(action, notes=["x"], tags="a")


def test_a_tag_that_anki_spells_differently_leaves_no_empty_entry(headless: HeadlessServer) -> None:
    note = headless.send("POST", "/addNote", {"note": basic("a", tags=["ab"])}).json["result"]
    before = headless.look("col.undo_status().undo")
    headless.send("POST", "/addTags", {"notes": [note], "tags": "a\x01b"})
    assert headless.look("col.undo_status().undo") == before
