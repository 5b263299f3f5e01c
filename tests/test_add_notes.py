"""addNote, addNotes and canAddNotes, apart from media and the finer points of duplicates."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, basic

DUPLICATE = "cannot create note because it is a duplicate"
EMPTY = "cannot create note because it is empty"


def test_a_note_is_added(api: Api) -> None:
    note = {
        "deckName": "default",
        "modelName": "BASIC",
        "fields": {"front": "neko", "BACK": "cat", "Unknown": "ignored"},
        "tags": ["animal", "noun animal"],
    }
    added = api("addNote", note=note)
    (info,) = api("notesInfo", notes=[added])
    assert info["fields"] == {
        "Front": {"value": "neko", "order": 0},
        "Back": {"value": "cat", "order": 1},
    }
    assert info["tags"] == ["animal", "noun"]
    assert info["modelName"] == "Basic"
    assert len(info["cards"]) == 1
    assert api.look("col.undo_status().undo") == "AnkiConnect: add note"
    api.look("col.undo()")
    assert api("findNotes", query="") == []


@pytest.mark.parametrize("tags", ["one two", " two one ", ["one", "two"], ["one two"]])
def test_tags_may_be_text_or_a_list(headless: HeadlessServer, tags: Any) -> None:
    headless.send("POST", "/addNote", {"note": basic("a", tags=tags)})
    (info,) = headless.send("GET", "/notesInfo?query=").json["result"]
    assert info["tags"] == ["one", "two"]


@pytest.mark.parametrize(
    "extra", [{}, {"tags": ""}, {"tags": []}, {"tags": None}, {"id": 0}, {"options": None}]
)
def test_what_is_optional_may_be_missing_or_null(headless: HeadlessServer, extra: dict[str, Any]) -> None:
    assert headless.send("POST", "/addNote", {"note": basic("a", **extra)}).status == 200


@pytest.mark.parametrize("front", ["", "  ", "<br>", "<div>&nbsp;</div>"])
def test_an_empty_note_is_refused(api: Api, front: str) -> None:
    with pytest.raises(ApiFailure, match=f"^{EMPTY}$"):
        api("addNote", note=basic(front, options={"allowDuplicate": True}))
    assert api("canAddNotes", notes=[basic(front)]) == [False]
    assert api("findNotes", query="") == []


def test_a_note_of_no_field_that_exists_is_told_which_there_are(api: Api) -> None:
    note = {**basic(""), "fields": {"Wort": "Haus", "Meaning": "house"}}
    with pytest.raises(ApiFailure, match=f"^{EMPTY}$"):
        api("addNote", note=note)
    ignored = "ignored fields that Basic does not have: Wort, Meaning; it has Front, Back"
    assert api.warnings == ignored
    assert api("findNotes", query="") == []


def test_a_field_that_does_not_exist_is_told_once_for_all_notes(api: Api) -> None:
    notes = [{**basic(""), "fields": {"Front": front, "Hint": "x"}} for front in "abc"]
    assert None not in api("addNotes", notes=notes)
    assert api.warnings == "ignored fields that Basic does not have: Hint; it has Front, Back"
    picture = {"filename": "a.png", "data": "eA==", "fields": ["Back", "Bild"]}
    api("addNote", note=basic("d", picture=picture))
    assert api.warnings == "ignored fields that Basic does not have: Bild; it has Front, Back"
    api("addNote", note=basic("e"))
    assert api.warnings is None


def test_refusals_are_told_before_fields_that_do_not_exist(
    headless: HeadlessServer, caplog: pytest.LogCaptureFixture
) -> None:
    notes = [{**basic(""), "fields": {"Front": "a", f"Hint {number}": "x"}} for number in (1, 2)]
    reply = headless.app.test_client().post("/addNotes", json={"notes": notes})
    first, *others = reply.headers.getlist("X-AnkiConnect-Warning")
    assert first == f"notes[1]: {DUPLICATE}"
    told = "ignored fields that Basic does not have: Hint {}; it has Front, Back"
    assert others == [told.format(1), told.format(2)]
    assert [record.getMessage() for record in caplog.records] == [told.format(1)]


def test_a_duplicate_is_refused(api: Api) -> None:
    api("addNote", note=basic("a"))
    with pytest.raises(ApiFailure, match=f"^{DUPLICATE}$") as refused:
        api("addNote", note=basic("<b>a</b>"))
    assert refused.value.reply.status in (200, 409)
    assert len(api("findNotes", query="")) == 1


def test_a_refused_note_leaves_no_undo_entry(server: Server) -> None:
    server.send("POST", "/createDeck", {"deck": "A"})
    server.send("POST", "/addNote", {"note": basic("")})
    server.send("POST", "/addNotes", {"notes": [basic("a"), basic("a")]})
    assert server.look("col.undo_status().undo") == "AnkiConnect: create deck"


def test_a_duplicate_may_be_allowed(api: Api) -> None:
    api("addNote", note=basic("a"))
    api("addNote", note=basic("a", options={"allowDuplicate": True}))
    assert len(api("findNotes", query="")) == 2


@pytest.mark.parametrize(
    ("change", "text", "status"),
    [
        ({"modelName": "Nope"}, "model was not found: Nope", 404),
        ({"deckName": "Nope"}, "deck was not found: Nope", 404),
        ({"fields": {"Front": 5}}, "note.fields.Front: 5 is not of type 'string'", 400),
        ({"fields": ["a"]}, "note.fields: ['a'] is not of type 'object'", 400),
        ({"tags": 5}, "note.tags: 5 is not of type 'array'", 400),
        ({"deckName": 1}, "note.deckName: 1 is not of type 'string'", 400),
        ({"deckName": None}, "note.deckName: null is not of type 'string'", 400),
        ({"options": {"allowDuplicate": "yes"}}, 'option parameter "allowDuplicate" must be boolean', 400),
        (
            {"options": {"duplicateScopeOptions": {"checkChildren": 1}}},
            'option parameter "duplicateScopeOptions.checkChildren" must be boolean',
            400,
        ),
        (
            {"options": {"duplicateScopeOptions": {"checkAllModels": "x"}}},
            'option parameter "duplicateScopeOptions.checkAllModels" must be boolean',
            400,
        ),
    ],
)
def test_a_wrong_note_is_told_what_is_wrong(
    server: Server, change: dict[str, Any], text: str, status: int
) -> None:
    note = {**basic("a"), **change}
    reply = server.send("POST", "/addNote", {"note": note})
    assert (reply.status, reply.json["error"]) == (status, text)
    assert server.send("POST", "/canAddNotes", {"notes": [note]}).json["result"] == [False]
    assert server.send("GET", "/findNotes?query=").json["result"] == []


@pytest.mark.parametrize("member", ["deckName", "modelName", "fields"])
def test_a_missing_member_is_named(api: Api, member: str) -> None:
    note = basic("a")
    del note[member]
    with pytest.raises(ApiFailure, match=f"^note.{member}: '{member}' is a required property$"):
        api("addNote", note=note)


def test_a_filtered_deck_is_refused(headless: HeadlessServer) -> None:
    headless.look("col.decks.new_filtered('Cram')")
    reply = headless.send("POST", "/addNote", {"note": basic("a", "Cram")})
    assert (reply.status, reply.json["error"]) == (409, "notes can't be added to a filtered deck: Cram")


# Several notes


def test_notes_are_added_in_order_under_one_entry(api: Api) -> None:
    ids = api("addNotes", notes=[basic(front) for front in "cab"])
    fronts = [info["fields"]["Front"]["value"] for info in api("notesInfo", notes=ids)]
    assert fronts == ["c", "a", "b"]
    assert api.look("col.undo_status().undo") == "AnkiConnect: add notes"
    api.look("col.undo()")
    assert api("findNotes", query="") == []


def test_no_notes_are_no_change(api: Api) -> None:
    before = api.look("col.undo_status().last_step")
    assert api("addNotes", notes=[]) == []
    assert api.look("col.undo_status().last_step") == before


BATCH: list[Any] = [basic("a"), basic("a"), basic(""), basic("b", deck="Nope"), {"fields": {}}, 5]
REFUSALS = [
    DUPLICATE,
    EMPTY,
    "deck was not found: Nope",
    "deckName: 'deckName' is a required property",
    "5 is not of type 'object'",
]


def test_one_refused_note_stops_the_batch(api: Api) -> None:
    with pytest.raises(ApiFailure) as refused:
        api("addNotes", notes=BATCH)
    assert refused.value.text == str(REFUSALS)
    assert api("findNotes", query="") == []


def test_the_text_for_one_duplicate_is_the_one_that_clients_know(api: Api) -> None:
    with pytest.raises(ApiFailure, match=re.escape(f"['{DUPLICATE}']")):
        api("addNotes", notes=[basic("a"), basic("a")])


def test_the_header_tells_which_notes_were_refused(headless: HeadlessServer) -> None:
    reply = headless.send("POST", "/addNotes", {"notes": [basic("a"), basic("a")]})
    assert reply.headers["x-ankiconnect-warning"] == f"notes[1]: {DUPLICATE}"


@pytest.mark.parametrize("version", [2, 4])
def test_old_versions_get_null_for_each_refused_note(server: Server, version: int) -> None:
    message = {"action": "addNotes", "version": version, "params": {"notes": BATCH}}
    added, *refused = server.send("POST", "/", message).json
    assert refused == [None] * 5
    assert server.send("GET", "/findNotes?query=").json["result"] == [added]


def test_in_a_multi_each_version_has_its_own_batch_rule(server: Server) -> None:
    params = {"notes": [basic("a"), basic("")]}
    actions = [
        {"action": "addNotes", "params": params},
        {"action": "addNotes", "version": 6, "params": params},
    ]
    old, new = server.send("POST", "/multi", {"actions": actions}).json["result"]
    assert old[1] is None
    assert new["error"] == str([DUPLICATE, EMPTY])


def test_can_add_judges_each_note_alone(api: Api) -> None:
    api("addNote", note=basic("a"))
    assert api("canAddNotes", notes=[basic("a"), basic("b"), basic("b"), 5, {}]) == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_can_add_needs_one_field_only_and_takes_null_scopes(headless: HeadlessServer) -> None:
    scope = {"duplicateScope": "collection", "duplicateScopeOptions": {"deckName": None}}
    note = basic("a", options={"allowDuplicate": False, **scope})
    assert headless.send("POST", "/canAddNotes", {"notes": [note]}).json["result"] == [True]
