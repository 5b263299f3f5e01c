from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, add_cards

VOCAB: dict[str, Any] = {
    "modelName": "Vocab",
    "inOrderFields": ["Word", "Meaning"],
    "cardTemplates": [
        {"Front": "{{Word}}", "Back": "{{Meaning}}"},
        {"Name": "Reverse", "Front": "{{Meaning}}", "Back": "{{Word}}", "name": "ignored"},
    ],
}


def test_model_names_are_ankis(api: Api) -> None:
    assert api("modelNames") == api.look("[n.name for n in col.models.all_names_and_ids()]")
    assert {"Basic", "Cloze"} < set(api("modelNames"))


@pytest.mark.parametrize("name", ["Basic", "basic", "BASIC"])
def test_field_names_are_found_in_whatever_case(api: Api, name: str) -> None:
    assert api("modelFieldNames", modelName=name) == ["Front", "Back"]


def test_an_unknown_note_type_is_not_found(api: Api) -> None:
    with pytest.raises(ApiFailure, match=r"^model was not found: Nope$") as failed:
        api("modelFieldNames", modelName="Nope")
    assert failed.value.reply.status in (200, 404)


def test_a_note_type_is_created(api: Api) -> None:
    created = api("createModel", **VOCAB)
    assert created["name"] == "Vocab"
    assert [field["name"] for field in created["flds"]] == ["Word", "Meaning"]
    assert [(t["name"], t["qfmt"], t["afmt"]) for t in created["tmpls"]] == [
        ("Card 1", "{{Word}}", "{{Meaning}}"),
        ("Reverse", "{{Meaning}}", "{{Word}}"),
    ]
    assert created["css"] == api.look("col.models.by_name('Basic')['css']")
    assert created["type"] == 0
    assert api.look(f"col.models.get({created['id']})['name']") == "Vocab"
    assert api.look("col.undo_status().undo") == "AnkiConnect: create note type"
    api.look("col.undo()")
    assert "Vocab" not in api("modelNames")


def test_style_and_cloze_can_be_chosen(headless: HeadlessServer) -> None:
    params = {
        **VOCAB,
        "cardTemplates": [{"Front": "{{cloze:Word}}", "Back": "{{cloze:Word}}"}],
        "css": ".card {}",
        "isCloze": True,
    }
    created = headless.send("POST", "/createModel", params).json["result"]
    assert (created["css"], created["type"]) == (".card {}", 1)


def test_names_follow_ankis_rules(headless: HeadlessServer) -> None:
    templates = [{"Front": f"{{{{Word}}}}{n}", "Back": "", "Name": "Card"} for n in range(2)]
    fields = ["Word", "Other", "Other"]
    params = {**VOCAB, "modelName": 'a"b', "inOrderFields": fields, "cardTemplates": templates}
    created = headless.send("POST", "/createModel", params).json["result"]
    assert created["name"] == "ab"
    assert [field["name"] for field in created["flds"]] == ["Word", "Other", "Other+"]
    assert [template["name"] for template in created["tmpls"]] == ["Card", "Card+"]


@pytest.mark.parametrize("is_cloze", [False, True])
@pytest.mark.parametrize("side", ["Front", "Back"])
@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("{{#Word}}a", "Missing '{{/Word}}'"),
        ("{{/Word}}", "Found '{{/Word}}', but missing '{{#Word}}' or '{{^Word}}'"),
        ("{{#Word}}{{#Meaning}}{{/Word}}", "Found '{{/Word}}', but expected '{{/Meaning}}'"),
    ],
)
def test_what_is_wrong_with_a_template_is_told(
    server: Server, broken: str, reason: str, side: str, is_cloze: bool
) -> None:
    template = {"Front": "{{cloze:Word}}" if is_cloze else "{{Word}}", "Back": "", "Name": "Card"}
    template[side] += broken
    # Another template before it, which is whole, is passed over.
    templates = (
        [template] if is_cloze else [{**VOCAB["cardTemplates"][0], "Front": "{{Meaning}}"}, template]
    )
    reply = server.send(
        "POST", "/createModel", {**VOCAB, "cardTemplates": templates, "isCloze": is_cloze}
    ).json
    told = f"Card template {len(templates)} in note ?type 'Vocab' has a problem. "
    told += re.escape(f"{side} template has a problem: {reason}")
    assert re.fullmatch(told, reply["error"]), reply["error"]


def test_composed_and_decomposed_names_are_the_same(headless: HeadlessServer) -> None:
    for name, status in (("résumé", 200), ("re\u0301sume\u0301", 409)):
        assert headless.send("POST", "/createModel", {**VOCAB, "modelName": name}).status == status


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"inOrderFields": []}, "Must provide at least one field for inOrderFields"),
        ({"cardTemplates": []}, "Must provide at least one card for cardTemplates"),
        ({"modelName": "Basic"}, "Model name already exists"),
        ({"modelName": "basic"}, "Model name already exists"),
        ({"modelName": 'Ba"sic"'}, "Model name already exists"),  # Anki drops quotes from names
        ({"modelName": ""}, "Empty notetype name"),
        ({"modelName": '""'}, "Empty notetype name"),
        ({"cardTemplates": [{"Back": "x"}]}, "cardTemplates[0].Front: 'Front' is a required property"),
        ({"cardTemplates": [{"Front": "x"}]}, "cardTemplates[0].Back: 'Back' is a required property"),
        ({"inOrderFields": ["Word", 5]}, "inOrderFields[1]: 5 is not of type 'object'"),
    ],
)
def test_what_cannot_be_created_is_told(server: Server, change: dict[str, Any], text: str) -> None:
    before = server.send("GET", "/modelNames").json["result"]
    reply = server.send("POST", "/createModel", {**VOCAB, **change})
    assert reply.status in (400, 409)
    assert reply.json["error"] == text
    assert server.send("GET", "/modelNames").json["result"] == before


@pytest.mark.parametrize(
    "templates",
    [
        [{"Front": "no field", "Back": "x"}],
        [{"Front": "{{Nope}}", "Back": "x"}],
        [{"Front": "{{Word}}", "Back": "x"}, {"Front": "{{Word}}", "Back": "y"}],
    ],
)
def test_a_broken_template_is_refused_in_ankis_words_and_keeps_the_undo_history(
    server: Server, templates: list[dict[str, str]]
) -> None:
    add_cards(server, "a")
    reply = server.send("POST", "/createModel", {**VOCAB, "cardTemplates": templates})
    assert reply.status == 400
    assert reply.json["error"].startswith("Card template ")
    assert "in note" in reply.json["error"]
    assert "<" not in reply.json["error"]
    assert server.look("col.undo_status().undo") == "AnkiConnect: add note"


def test_a_field_may_be_an_object_with_more_than_its_name(api: Api) -> None:
    fields = ["Word", {"name": "Notes", "description": "more", "collapsed": True}, {"name": "Plain"}]
    sides = [{"Front": "{{Word}}", "Back": "{{Notes}}"}]
    created = api("createModel", modelName="Vocab", inOrderFields=fields, cardTemplates=sides)
    stored = [(field["name"], field["description"], field["collapsed"]) for field in created["flds"]]
    assert stored == [("Word", "", False), ("Notes", "more", True), ("Plain", "", False)]
    with pytest.raises(ApiFailure, match=r"inOrderFields\[1\].name: 'name' is a required property"):
        api("createModel", modelName="Other", inOrderFields=["Word", {}], cardTemplates=sides)
