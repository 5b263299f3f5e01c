"""Changing notes that exist: fields, tags, media."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, basic

UNKNOWN = 1


@pytest.fixture
def note(server: Server) -> int:
    added: int = server.send("POST", "/addNote", {"note": basic("a", tags=["old"])}).json["result"]
    return added


def state(server: Server, note: int) -> tuple[list[str], list[str]]:
    """The values of the fields, and the tags."""
    (info,) = server.send("POST", "/notesInfo", {"notes": [note]}).json["result"]
    return [field["value"] for field in info["fields"].values()], info["tags"]


@pytest.mark.parametrize("action", ["updateNoteFields", "updateNote"])
def test_given_fields_are_replaced_in_whatever_case(api: Api, note: int, action: str) -> None:
    update = {"id": str(note), "fields": {"BACK": "new", "Nope": "x"}, "deckName": "ignored"}
    assert api(action, note=update) is None
    assert state(api.server, note) == (["a", "new"], ["old"])
    undo = {"updateNote": "update note", "updateNoteFields": "update note fields"}[action]
    assert api.look("col.undo_status().undo") == f"AnkiConnect: {undo}"
    api.look("col.undo()")
    assert state(api.server, note) == (["a", ""], ["old"])
    assert api.look("col.undo_status().undo") == "AnkiConnect: add note"


def test_fields_and_tags_change_together(api: Api, note: int) -> None:
    api("updateNote", note={"id": note, "fields": {"Front": "b"}, "tags": ["x", "y z"]})
    assert state(api.server, note) == (["b", ""], ["x", "y", "z"])
    api.look("col.undo()")
    assert state(api.server, note) == (["a", ""], ["old"])


@pytest.mark.parametrize(
    ("tags", "stored"), [(["x"], ["x"]), ("y x", ["x", "y"]), ([], []), ("", []), (["a b"], ["a", "b"])]
)
def test_tags_are_replaced(api: Api, note: int, tags: Any, stored: list[str]) -> None:
    assert api("updateNoteTags", note=note, tags=tags) is None
    assert api("getNoteTags", note=note) == stored


def test_what_is_the_same_already_leaves_no_entry(api: Api, note: int) -> None:
    before = api.look("col.undo_status().last_step")
    api("updateNoteTags", note=note, tags=["old"])
    api("updateNoteFields", note={"id": note, "fields": {"Front": "a\r"}})
    api("replaceTags", notes=[note], tag_to_replace="nope", replace_with_tag="x")
    api("clearUnusedTags")
    assert api.look("col.undo_status().undo") == "AnkiConnect: add note"
    assert api.look("col.undo_status().last_step") >= before


def test_media_is_appended_to_updated_fields(api: Api, note: int) -> None:
    data = base64.b64encode(b"sound").decode()
    audio = {"filename": "a.mp3", "data": data, "fields": ["back"]}
    api("updateNoteFields", note={"id": note, "fields": {"Back": "b"}, "audio": audio})
    assert state(api.server, note)[0] == ["a", "b[sound:a.mp3]"]
    assert api("getMediaFilesNames") == ["a.mp3"]


@pytest.mark.parametrize(
    ("action", "params", "text", "status"),
    [
        ("updateNoteFields", {"note": {"id": UNKNOWN, "fields": {}}}, "Note was not found: 1", 404),
        ("updateNote", {"note": {"id": UNKNOWN, "tags": []}}, "Note was not found: 1", 404),
        ("updateNoteTags", {"note": UNKNOWN, "tags": []}, "Note was not found: 1", 404),
        ("getNoteTags", {"note": UNKNOWN}, "Note was not found: 1", 404),
        ("updateNoteFields", {"note": {"fields": {}}}, "note.id: 'id' is a required property", 400),
        ("updateNoteFields", {"note": {"id": 1}}, "note.fields: 'fields' is a required property", 400),
        ("updateNote", {"note": {"id": 1}}, 'Must provide a "fields" or "tags" property.', 400),
        ("updateNote", {"note": {"id": 1, "tags": 5}}, "Must provide tags as a list of strings", 400),
        ("updateNoteTags", {"note": 1, "tags": [5]}, "Must provide tags as a list of strings", 400),
    ],
)
def test_a_wrong_update_is_told(
    server: Server, action: str, params: dict[str, Any], text: str, status: int
) -> None:
    reply = server.send("POST", f"/{action}", params)
    assert (reply.status, reply.json["error"]) == (status, text)


def test_a_field_that_does_not_exist_is_told(api: Api, note: int) -> None:
    api("updateNoteFields", note={"id": note, "fields": {"back": "x", "Hint": "y"}})
    assert api.warnings == "ignored fields that Basic does not have: Hint; it has Front, Back"
    (info,) = api("notesInfo", notes=[note])
    assert info["fields"]["Back"]["value"] == "x"


def test_an_update_of_no_field_that_exists_names_the_valid_ones(api: Api, note: int) -> None:
    with pytest.raises(ApiFailure, match="no such fields in Basic: Frnt; it has Front, Back"):
        api("updateNote", note={"id": note, "fields": {"Frnt": "x"}, "tags": ["new"]})
    assert state(api.server, note) == (["a", ""], ["old"])


def test_bad_media_changes_nothing(server: Server, note: int) -> None:
    audio = {"filename": "a.mp3", "path": "/no/such/file", "fields": ["Back"]}
    update = {"id": note, "fields": {"Front": "b"}, "audio": audio}
    assert server.send("POST", "/updateNoteFields", {"note": update}).status == 400
    assert state(server, note)[0] == ["a", ""]


# Another note type


def test_a_note_gets_another_type_and_keeps_what_maps(api: Api) -> None:
    reversible = {**basic("a", tags=["kept"]), "modelName": "Basic (and reversed card)"}
    note = api("addNote", note={**reversible, "fields": {"Front": "a", "Back": "b"}})
    first, _second = api("findCards", query="")
    api("answerCards", answers=[{"cardId": first, "ease": 4}])
    update = {"id": str(note), "modelName": "basic", "fields": {"BACK": "new"}}
    assert api("updateNoteModel", note=update) is None
    (info,) = api("notesInfo", notes=[note])
    assert (info["modelName"], info["tags"], info["cards"]) == ("Basic", ["kept"], [first])
    assert state(api.server, note)[0] == ["a", "new"]
    assert api("cardsInfo", cards=[first])[0]["type"] == 2
    assert api.look("col.undo_status().undo") == "AnkiConnect: change note type"
    api.look("col.undo()")
    assert api("notesInfo", notes=[note])[0]["modelName"] == "Basic (and reversed card)"
    assert state(api.server, note)[0] == ["a", "b"]


def test_the_same_type_only_changes_fields_and_tags(api: Api, note: int) -> None:
    api("updateNoteModel", note={"id": note, "modelName": "Basic", "fields": {}, "tags": ["x"]})
    assert state(api.server, note) == (["a", ""], ["x"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"id": None}, "Note ID is required"),
        ({"id": "x"}, "Note ID is required"),
        ({"id": UNKNOWN}, "Note was not found: 1"),
        ({"modelName": None}, "Model name is required"),
        ({"modelName": "Nope"}, "Model 'Nope' not found"),
        ({"fields": None}, "Fields must be provided as a dictionary"),
        ({"fields": ["x"]}, "Fields must be provided as a dictionary"),
        ({"fields": {"Nope": "x"}}, "no such fields in Cloze: Nope; it has Text, Back Extra"),
        ({"tags": 5}, "Must provide tags as a list of strings"),
    ],
)
def test_a_wrong_change_of_type_changes_nothing(
    server: Server, note: int, change: dict[str, Any], text: str
) -> None:
    update = {"id": note, "modelName": "Cloze", "fields": {"Text": "x"}, **change}
    reply = server.send("POST", "/updateNoteModel", {"note": update})
    assert reply.json["error"] == text
    assert state(server, note) == (["a", ""], ["old"])
    assert server.look("col.undo_status().undo") == "AnkiConnect: add note"


# Tags of several notes


def test_a_tag_is_replaced_as_a_whole_on_the_given_notes(api: Api) -> None:
    a, b, c = api(
        "addNotes",
        notes=[
            basic("a", tags=["verb", "x"]),
            basic("b", tags=["verb::past", "verbal"]),
            basic("c", tags=["verb"]),
        ],
    )
    replacing = {"tag_to_replace": "VERB", "replace_with_tag": "$1 noun"}
    assert api("replaceTags", notes=[a, b, UNKNOWN], **replacing) is None
    assert [api("getNoteTags", note=n) for n in (a, b, c)] == [
        ["$1", "noun", "x"],
        ["verb::past", "verbal"],
        ["verb"],
    ]
    assert api.look("col.undo_status().undo") == "AnkiConnect: replace tags"
    api.look("col.undo()")
    assert api("getNoteTags", note=a) == ["verb", "x"]


def test_a_tag_replaced_by_nothing_goes(headless: HeadlessServer) -> None:
    params = {"tag_to_replace": "x", "replace_with_tag": " "}
    headless.send("POST", "/addNote", {"note": basic("a", tags=["x", "y"])})
    assert headless.send("POST", "/replaceTagsInAllNotes", params).status == 200
    (info,) = headless.send("GET", "/notesInfo?query=").json["result"]
    assert info["tags"] == ["y"]


def test_a_tag_is_replaced_on_all_notes(api: Api) -> None:
    ids = api("addNotes", notes=[basic("a", tags=["c++"]), basic("b", tags=["C++", "x"]), basic("c")])
    api("replaceTagsInAllNotes", tag_to_replace="c++", replace_with_tag="cpp")
    assert [api("getNoteTags", note=n) for n in ids] == [["cpp"], ["cpp", "x"], []]


def test_unused_tags_are_forgotten(api: Api, note: int) -> None:
    api("addTags", notes=[note], tags="gone")
    api("removeTags", notes=[note], tags="gone")
    assert api("getTags") == ["gone", "old"]
    assert api("clearUnusedTags") is None
    assert api("getTags") == ["old"]
    assert api.look("col.undo_status().undo") == "AnkiConnect: clear unused tags"


# The rest of what concerns notes


def test_can_add_tells_the_reason(api: Api, note: int) -> None:
    duplicate = {"canAdd": False, "error": "cannot create note because it is a duplicate"}
    assert api("canAddNotesWithErrorDetail", notes=[basic("a"), basic("b"), basic("")]) == [
        duplicate,
        {"canAdd": True},
        {"canAdd": False, "error": "cannot create note because it is empty"},
    ]
    assert api("canAddNoteWithErrorDetail", note=basic("a")) == duplicate
    assert api("canAddNote", note=basic("a")) is False
    assert api("canAddNote", note=basic("b")) is True
    assert api("canAddNote", note={}) is False


def test_modification_times_are_told_in_order(api: Api, note: int) -> None:
    mod = api.look(f"col.get_note({note}).mod")
    assert api("notesModTime", notes=[UNKNOWN, note, str(note)]) == [
        {},
        {"noteId": note, "mod": mod},
        {"noteId": note, "mod": mod},
    ]


def test_notes_without_content_are_removed_and_nothing_else(headless: HeadlessServer) -> None:
    kept, emptied = headless.send("POST", "/addNotes", {"notes": [basic("a"), basic("b")]}).json["result"]
    note_types = headless.send("GET", "/modelNames").json["result"]
    headless.send("POST", "/updateNoteFields", {"note": {"id": emptied, "fields": {"Front": ""}}})
    assert headless.send("POST", "/removeEmptyNotes", {}).json == {"result": None, "error": None}
    assert headless.send("GET", "/findNotes?query=").json["result"] == [kept]
    assert headless.send("GET", "/modelNames").json["result"] == note_types
    assert headless.look("col.undo_status().undo") == "AnkiConnect: remove empty notes"
