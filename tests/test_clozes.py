"""Clozes that are missing, or where the note type makes no cards of them."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from anki.collection import Collection
from anki.notes import NoteFieldsCheckResult

from addon.core.collection.clozes import ClozeCheck

from .conftest import Api, ApiFailure, HeadlessServer, Server, basic

DUPLICATE = "cannot create note because it is a duplicate"
EMPTY = "cannot create note because it is empty"
UNKNOWN = "cannot create note for unknown reason"
OCCLUSION = "{{c1::image-occlusion:rect:left=.1:top=.1:width=.2:height=.2}}"


def cloze(text: str, extra: str = "", **more: Any) -> dict[str, Any]:
    fields = {"Text": text, "Back Extra": extra}
    return {"deckName": "Default", "modelName": "Cloze", "fields": fields, **more}


MISPLACED = [
    pytest.param(cloze("none"), "has no cloze", id="missing"),
    pytest.param(cloze("{{c0::zero}} {{c1:one}} {{c1::"), "has no cloze", id="not one that Anki reads"),
    pytest.param(basic("{{c1::a}}"), "has a cloze but is not of a cloze type", id="other type"),
    pytest.param(
        {**basic("a"), "fields": {"Front": "a", "Back": "{{c1::b}}"}},
        "has a cloze but is not of a cloze type",
        id="other type's last field",
    ),
    pytest.param(
        cloze("{{c1::a}}", "{{c2::b}}"), "has a cloze in a field that makes no cards of clozes", id="field"
    ),
    pytest.param(
        cloze("a", "{{c1::b}}"), "has a cloze in a field that makes no cards of clozes", id="only"
    ),
]
FINE = [
    cloze("{{c1::a}}"),
    cloze("a {{c1::b {{c2::c}}}}", "{{c"),
    basic("{{c1:not one}}"),
    {
        **basic("a"),
        "modelName": "Image Occlusion",
        "fields": {"Occlusion": OCCLUSION, "Image": "<img src=a>"},
    },
]


@pytest.mark.parametrize(("note", "problem"), MISPLACED)
def test_a_note_with_misplaced_clozes_is_refused(api: Api, note: dict[str, Any], problem: str) -> None:
    before = api.look("col.undo_status()").last_step
    with pytest.raises(ApiFailure) as refused:
        api("addNote", note=note)
    assert refused.value.text == UNKNOWN
    assert refused.value.reply.status in (200, 400)
    assert api.warnings is None
    with pytest.raises(ApiFailure) as refused:
        api("addNotes", notes=[basic("fine"), note])
    assert refused.value.text == f"['{UNKNOWN}']"
    assert api("findNotes", query="") == []
    assert api.look("col.undo_status()").last_step == before
    told = {"canAdd": False, "error": UNKNOWN}
    assert api("canAddNote", note=note) is False
    assert api("canAddNotes", notes=[note, basic("fine")]) == [False, True]
    assert api("canAddNoteWithErrorDetail", note=note) == told
    assert api("canAddNotesWithErrorDetail", notes=[basic("fine"), note]) == [{"canAdd": True}, told]


@pytest.mark.parametrize(("note", "problem"), MISPLACED)
def test_it_is_added_where_empty_cards_are_allowed(api: Api, note: dict[str, Any], problem: str) -> None:
    allowed = {**note, "options": {"allowEmptyCards": True}}
    assert api("canAddNote", note=allowed) is True
    added = api("addNote", note=allowed)
    assert api.warnings == f"note {added} {problem}"
    assert api("notesInfo", notes=[added])[0]["cards"]


@pytest.mark.parametrize("note", FINE)
def test_clozes_in_their_place_are_nothing_to_speak_of(api: Api, note: dict[str, Any]) -> None:
    assert api("canAddNotesWithErrorDetail", notes=[note]) == [{"canAdd": True}]
    api("addNotes", notes=[note])
    assert api.warnings is None


def test_old_versions_get_null_for_a_note_with_misplaced_clozes(server: Server) -> None:
    notes = [cloze("none"), cloze("{{c1::a}}"), basic("{{c1::a}}")]
    message = {"action": "addNotes", "version": 4, "params": {"notes": notes}}
    first, second, third = server.send("POST", "/", message).json
    assert (first, third) == (None, None)
    assert server.send("GET", "/findNotes?query=").json["result"] == [second]


def test_reasons_come_in_ankis_order(server: Server) -> None:
    allowed: Any = {"options": {"allowEmptyCards": True}}
    server.send("POST", "/addNotes", {"notes": [cloze("a", **allowed), cloze("{{c1::a}}")]})
    notes = [
        cloze(""),
        {**basic(""), "fields": {"Back": "{{c1::a}}"}},
        cloze("a"),
        cloze("{{c1::a}}"),
        cloze("", **allowed),
        cloze("a", **allowed),
        cloze("b", options={"allowDuplicate": True}),
        cloze("{{c1::a}}", options={"allowDuplicate": True}),
    ]
    told = server.send("POST", "/canAddNotesWithErrorDetail", {"notes": notes}).json["result"]
    assert [verdict.get("error") for verdict in told] == [
        EMPTY,
        EMPTY,
        UNKNOWN,
        DUPLICATE,
        EMPTY,
        DUPLICATE,
        UNKNOWN,
        None,
    ]


def test_a_refused_note_does_not_make_the_next_a_duplicate(headless: HeadlessServer) -> None:
    notes = [cloze("a"), cloze("a", options={"allowEmptyCards": True})]
    message = {"action": "addNotes", "version": 4, "params": {"notes": notes}}
    refused, added = headless.send("POST", "/", message).json
    assert refused is None
    assert added


@pytest.mark.parametrize("value", ["true", 1, []])
def test_whether_empty_cards_are_allowed_must_be_boolean(api: Api, value: Any) -> None:
    note = cloze("none", options={"allowEmptyCards": value})
    with pytest.raises(ApiFailure, match='^option parameter "allowEmptyCards" must be boolean$'):
        api("addNote", note=note)
    assert api("canAddNotes", notes=[note]) == [False]


def test_a_refused_note_leaves_no_media(api: Api) -> None:
    data = base64.b64encode(b"picture").decode()
    for field in ("Text", "Back Extra"):
        picture = {"filename": "a.png", "data": data, "fields": [field]}
        with pytest.raises(ApiFailure, match=UNKNOWN):
            api("addNote", note=cloze("none", picture=picture))
    assert api("getMediaFilesNames") == []


def test_an_ordinary_note_whose_templates_come_out_empty_is_added_with_a_card(api: Api) -> None:
    back_first = {"Front": "{{Back}}", "Back": "{{Front}}"}
    api("createModel", modelName="Backwards", inOrderFields=["Front", "Back"], cardTemplates=[back_first])
    added = api("addNote", note={**basic("a"), "modelName": "Backwards"})
    assert len(api("notesInfo", notes=[added])[0]["cards"]) == 1
    assert api.warnings is None


def test_an_update_may_take_the_clozes_away(api: Api) -> None:
    note = api("addNote", note=cloze("{{c1::a}}"))
    api("updateNoteFields", note={"id": note, "fields": {"Text": "a"}})
    api("updateNote", note={"id": note, "fields": {"Back Extra": "{{c1::b}}"}})
    api("updateNoteModel", note={"id": note, "modelName": "Basic", "fields": {"Front": "{{c1::c}}"}})
    assert api("notesInfo", notes=[note])[0]["fields"]["Front"]["value"] == "{{c1::c}}"


# Against Anki's own check


@pytest.fixture
def col(headless: HeadlessServer) -> Collection:
    col = headless.runtime._col
    several = col.models.new("Several")
    several["type"] = 1
    for name in ("Plain", "One", "Two", "Typed"):
        col.models.add_field(several, col.models.new_field(name))
    template = col.models.new_template("Cloze")
    template["qfmt"] = "{{Plain}}{{cloze:One}}{{#Plain}}{{edit:cloze:Two}}{{/Plain}}{{type:cloze:Typed}}"
    template["afmt"] = "{{cloze:Plain}}"
    col.models.add_template(several, template)
    col.models.add_dict(several)
    return col


CLOZES = [
    "{{c1::a}}",
    "{{c2::b::hint}}",
    "{{c0::z}}",
    "{{c1,2::m}}",
    "{{c1,0::m}}",
    "{{c0,1::m}}",
    "{{c01::o}}",
]
PIECES = [
    *CLOZES,
    "{{c1::",
    "}}",
    "{{c",
    "::",
    "{{c1:x}}",
    "{{C1::x}}",
    "{{c1::}}",
    "a",
    " ",
    "<br>",
    "{{c٣::x}}",
]


@pytest.mark.parametrize("model", ["Basic", "Cloze", "Several", "Image Occlusion"])
def test_problems_are_ankis_own(col: Collection, model: str) -> None:
    rng = random.Random(model)
    check = ClozeCheck(col)
    note_type = col.models.by_name(model)
    assert note_type
    problems = set()
    for _ in range(1500):
        note = col.new_note(note_type)
        note.fields = [
            "".join(rng.choices(PIECES, k=rng.choice([0, 1, 1, 2, 3]))) if rng.random() < 0.6 else ""
            for _ in note.fields
        ]
        expected = {
            NoteFieldsCheckResult.MISSING_CLOZE: "has no cloze",
            NoteFieldsCheckResult.NOTETYPE_NOT_CLOZE: "has a cloze but is not of a cloze type",
            NoteFieldsCheckResult.FIELD_NOT_CLOZE: "has a cloze in a field that makes no cards of clozes",
        }.get(note.fields_check())
        assert check.problem(note_type, note.fields) == expected, note.fields
        problems.add(expected)
    assert len(problems) == (2 if model == "Basic" else 3)
