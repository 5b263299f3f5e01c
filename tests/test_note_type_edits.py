"""Note types: what they are made of, and changes to that."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server

VOCAB: dict[str, Any] = {
    "modelName": "Vocab",
    "inOrderFields": ["Word", "Meaning"],
    "cardTemplates": [{"Front": "{{Word}}", "Back": "{{FrontSide}}<hr>{{Meaning}}"}],
    "css": ".card { color: teal }",
}
NAMED = {"modelName": "Vocab"}


@pytest.fixture
def vocab(server: Server) -> int:
    """A note type with one note."""
    created = server.send("POST", "/createModel", VOCAB).json["result"]
    fields = {"Word": "neko", "Meaning": "cat"}
    note = {"deckName": "Default", "modelName": "Vocab", "fields": fields}
    assert server.send("POST", "/addNote", {"note": note}).status == 200
    return int(created["id"])


def fields(api: Api) -> list[str]:
    names: list[str] = api("modelFieldNames", **NAMED)
    return names


def values(api: Api) -> dict[str, str]:
    (info,) = api("notesInfo", query="")
    return {name: field["value"] for name, field in info["fields"].items()}


def undo_name(api: Api) -> str:
    return str(api.look("col.undo_status().undo")).replace("AnkiConnect: ", "")


# Reading


def test_names_and_ids(api: Api, vocab: int) -> None:
    assert api("modelNamesAndIds")["Vocab"] == vocab
    assert list(api("modelNamesAndIds")) == api("modelNames")
    assert api("modelNameFromId", modelId=str(vocab)) == "Vocab"
    assert [found["name"] for found in api("findModelsById", modelIds=[vocab, str(vocab)])] == ["Vocab"] * 2
    assert api("findModelsByName", modelNames=["vOCAB"]) == api("findModelsById", modelIds=[vocab])
    assert api("findModelsById", modelIds=[]) == api("findModelsByName", modelNames=[]) == []


def test_details(api: Api, vocab: int) -> None:
    assert api("modelFieldDescriptions", **NAMED) == ["", ""]
    font = {"font": "Arial", "size": 20}
    assert api("modelFieldFonts", **NAMED) == {"Word": font, "Meaning": font}
    front, back = "{{Word}}", "{{FrontSide}}<hr>{{Meaning}}"
    assert api("modelTemplates", **NAMED) == {"Card 1": {"Front": front, "Back": back}}
    assert api("modelStyling", modelName="vocab") == {"css": ".card { color: teal }"}
    assert api("modelFieldsOnTemplates", **NAMED) == {"Card 1": [["Word"], ["Meaning"]]}


def test_fields_on_templates_see_through_filters_and_sections(headless: HeadlessServer) -> None:
    front = "{{#Meaning}}{{ Word }}{{/Meaning}}{{type:nc:Word}}{{Tags}}"
    params = {**VOCAB, "cardTemplates": [{"Front": front, "Back": "{{Word}}{{hint:Meaning}}"}]}
    assert headless.send("POST", "/createModel", params).status == 200
    shown = headless.send("GET", "/modelFieldsOnTemplates?modelName=Vocab").json["result"]
    assert shown == {"Card 1": [["Word", "Word"], ["Meaning"]]}


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("modelNameFromId", {"modelId": 1}),
        ("findModelsById", {"modelIds": [1]}),
        ("findModelsByName", {"modelNames": ["Basic", "1"]}),
        ("modelFieldDescriptions", {"modelName": "1"}),
        ("modelFieldFonts", {"modelName": "1"}),
        ("modelFieldsOnTemplates", {"modelName": "1"}),
        ("modelTemplates", {"modelName": "1"}),
        ("modelStyling", {"modelName": "1"}),
        ("updateModelTemplates", {"model": {"name": "1", "templates": {}}}),
        ("updateModelStyling", {"model": {"name": "1", "css": ""}}),
        ("findAndReplaceInModels", {"modelName": "1", "findText": "a", "replaceText": "b"}),
        ("modelTemplateRename", {"modelName": "1", "oldTemplateName": "a", "newTemplateName": "b"}),
        ("modelTemplateReposition", {"modelName": "1", "templateName": "a", "index": 0}),
        ("modelTemplateAdd", {"modelName": "1", "template": {"Name": "a", "Front": "b", "Back": "c"}}),
        ("modelTemplateRemove", {"modelName": "1", "templateName": "a"}),
        ("modelFieldRename", {"modelName": "1", "oldFieldName": "a", "newFieldName": "b"}),
        ("modelFieldReposition", {"modelName": "1", "fieldName": "a", "index": 0}),
        ("modelFieldAdd", {"modelName": "1", "fieldName": "a"}),
        ("modelFieldRemove", {"modelName": "1", "fieldName": "a"}),
        ("modelFieldSetFont", {"modelName": "1", "fieldName": "a", "font": "x"}),
        ("modelFieldSetFontSize", {"modelName": "1", "fieldName": "a", "fontSize": 1}),
        ("modelFieldSetDescription", {"modelName": "1", "fieldName": "a", "description": "x"}),
    ],
)
def test_an_unknown_note_type_is_not_found(server: Server, action: str, params: dict[str, Any]) -> None:
    reply = server.send("POST", f"/{action}", params)
    assert (reply.status, reply.json["error"]) == (404, "model was not found: 1")


@pytest.mark.parametrize(
    ("action", "params", "text"),
    [
        ("modelTemplateRename", {"oldTemplateName": "x", "newTemplateName": "b"}, "template"),
        ("modelTemplateReposition", {"templateName": "x", "index": 0}, "template"),
        ("modelTemplateRemove", {"templateName": "x"}, "template"),
        ("modelFieldRename", {"oldFieldName": "x", "newFieldName": "b"}, "field"),
        ("modelFieldReposition", {"fieldName": "x", "index": 0}, "field"),
        ("modelFieldRemove", {"fieldName": "x"}, "field"),
        ("modelFieldSetFont", {"fieldName": "x", "font": "x"}, "field"),
        ("modelFieldSetFontSize", {"fieldName": "x", "fontSize": 1}, "field"),
        ("modelFieldSetDescription", {"fieldName": "x", "description": "x"}, "field"),
    ],
)
def test_an_unknown_part_is_not_found(
    server: Server, vocab: int, action: str, params: dict[str, Any], text: str
) -> None:
    reply = server.send("POST", f"/{action}", {**NAMED, **params})
    assert (reply.status, reply.json["error"]) == (404, f"{text} was not found in Vocab: x")


# Templates and style


def test_only_given_sides_of_known_templates_change(api: Api, vocab: int) -> None:
    sides = {"Card 1": {"Front": "{{Word}}?", "Back": ""}, "Nope": {"Front": "x"}}
    assert api("updateModelTemplates", model={"name": "Vocab", "templates": sides}) is None
    changed = api("modelTemplates", **NAMED)["Card 1"]
    assert changed == {"Front": "{{Word}}?", "Back": "{{FrontSide}}<hr>{{Meaning}}"}
    assert undo_name(api) == "update card templates"
    api.look("col.undo()")
    assert api("modelTemplates", **NAMED)["Card 1"]["Front"] == "{{Word}}"


def test_the_style_is_replaced(api: Api, vocab: int) -> None:
    assert api("updateModelStyling", model={"name": "vocab", "css": "p {}"}) is None
    assert api("modelStyling", **NAMED) == {"css": "p {}"}
    assert undo_name(api) == "update styling"
    before = api.look("col.undo_status().last_step")
    api("updateModelStyling", model={"name": "vocab", "css": "p {}"})
    assert api.look("col.undo_status().last_step") == before


def test_a_broken_template_is_refused_and_the_history_kept(api: Api, vocab: int) -> None:
    sides = {"Card 1": {"Front": "no field"}}
    with pytest.raises(ApiFailure, match="Card template "):
        api("updateModelTemplates", model={"name": "Vocab", "templates": sides})
    with pytest.raises(ApiFailure, match="Card template "):
        api("modelTemplateAdd", **NAMED, template={"Name": "x", "Front": "{{Nope}}", "Back": ""})
    assert undo_name(api) == "add note"
    assert api("modelTemplates", **NAMED)["Card 1"]["Front"] == "{{Word}}"


@pytest.mark.parametrize("name", ["Vocab", "", None])
def test_text_is_replaced_in_the_chosen_parts(headless: HeadlessServer, name: str | None) -> None:
    headless.send("POST", "/createModel", VOCAB)
    params = {"modelName": name, "findText": "teal", "replaceText": "navy"}
    unused = {**params, "css": False}
    assert headless.send("POST", "/findAndReplaceInModels", unused).json["result"] == 0
    assert headless.send("POST", "/findAndReplaceInModels", params).json["result"] == 1
    styling = headless.send("GET", "/modelStyling?modelName=Vocab").json["result"]
    assert styling == {"css": ".card { color: navy }"}


def test_text_is_replaced_for_clients_that_wrap_the_parameters(api: Api, vocab: int) -> None:
    wrapped = {"modelName": "Vocab", "fieldText": "<hr>", "replaceText": "<br>", "front": True}
    assert api("findAndReplaceInModels", model=wrapped) == 1
    assert "<br>" in api("modelTemplates", **NAMED)["Card 1"]["Back"]
    with pytest.raises(ApiFailure, match="findText should not be empty"):
        api("findAndReplaceInModels", modelName=None, findText="", replaceText="x")


def test_a_template_is_added_with_its_cards_renamed_moved_and_removed(api: Api, vocab: int) -> None:
    reverse = {"Name": "Reverse", "Front": "{{Meaning}}", "Back": "{{Word}}"}
    api("modelTemplateAdd", **NAMED, template=reverse)
    assert undo_name(api) == "add card template"
    assert len(api("findCards", query="")) == 2
    api("modelTemplateAdd", **NAMED, template={**reverse, "Back": "{{Word}}!"})
    assert api("modelTemplates", **NAMED)["Reverse"]["Back"] == "{{Word}}!"
    api("modelTemplateReposition", **NAMED, templateName="Reverse", index=0)
    assert list(api("modelTemplates", **NAMED)) == ["Reverse", "Card 1"]
    api("modelTemplateRename", **NAMED, oldTemplateName="Reverse", newTemplateName="Back first")
    assert list(api("modelTemplates", **NAMED)) == ["Back first", "Card 1"]
    api("modelTemplateRemove", **NAMED, templateName="Back first")
    assert len(api("findCards", query="")) == 1
    with pytest.raises(ApiFailure, match="^must have 1 template$"):
        api("modelTemplateRemove", **NAMED, templateName="Card 1")


def test_a_template_is_not_renamed_to_a_name_in_use(api: Api, vocab: int) -> None:
    api("modelTemplateAdd", **NAMED, template={"Name": "B", "Front": "{{Meaning}}", "Back": ""})
    with pytest.raises(ApiFailure, match="template already exists in Vocab: b"):
        api("modelTemplateRename", **NAMED, oldTemplateName="Card 1", newTemplateName="b")
    assert list(api("modelTemplates", **NAMED)) == ["Card 1", "B"]


def test_an_added_template_needs_a_name(api: Api, vocab: int) -> None:
    with pytest.raises(ApiFailure, match="'Name' is a required property"):
        api("modelTemplateAdd", **NAMED, template={"Front": "{{Word}}", "Back": ""})


# Fields


def test_a_field_is_added_once(api: Api, vocab: int) -> None:
    api("modelFieldAdd", **NAMED, fieldName="Audio")
    assert undo_name(api) == "add field"
    api("modelFieldAdd", **NAMED, fieldName="word")
    assert fields(api) == ["Word", "Meaning", "Audio"]
    api("modelFieldAdd", **NAMED, fieldName="audio", index=0)
    assert fields(api) == ["Audio", "Word", "Meaning"]
    assert values(api) == {"Audio": "", "Word": "neko", "Meaning": "cat"}


def test_a_field_is_renamed_in_the_templates_too(api: Api, vocab: int) -> None:
    api("modelFieldRename", **NAMED, oldFieldName="Meaning", newFieldName="Gloss")
    assert values(api) == {"Word": "neko", "Gloss": "cat"}
    assert "{{Gloss}}" in api("modelTemplates", **NAMED)["Card 1"]["Back"]
    assert undo_name(api) == "rename field"
    api.look("col.undo()")
    assert fields(api) == ["Word", "Meaning"]


def test_a_field_is_not_renamed_to_a_name_in_use(api: Api, vocab: int) -> None:
    with pytest.raises(ApiFailure, match="field already exists in Vocab: word"):
        api("modelFieldRename", **NAMED, oldFieldName="Meaning", newFieldName="word")
    api("modelFieldRename", **NAMED, oldFieldName="Meaning", newFieldName="MEANING")
    assert fields(api) == ["Word", "MEANING"]


@pytest.mark.parametrize(
    ("index", "order"), [(0, "bac"), (1, "abc"), (2, "acb"), (99, "acb"), (-1, "abc"), (-99, "bac")]
)
def test_a_field_moves_to_a_position(headless: HeadlessServer, index: int, order: str) -> None:
    template = {"Front": "{{a}}", "Back": ""}
    params = {**VOCAB, "inOrderFields": ["a", "b", "c"], "cardTemplates": [template]}
    headless.send("POST", "/createModel", params)
    moving = {**NAMED, "fieldName": "b", "index": index}
    assert headless.send("POST", "/modelFieldReposition", moving).status == 200
    names = headless.send("GET", "/modelFieldNames?modelName=Vocab").json["result"]
    assert "".join(names) == order


def test_a_field_moves_with_its_content(api: Api, vocab: int) -> None:
    api("modelFieldReposition", **NAMED, fieldName="Meaning", index=0)
    assert list(values(api).items()) == [("Meaning", "cat"), ("Word", "neko")]


def test_a_field_is_removed_with_its_content(api: Api, vocab: int) -> None:
    api("modelFieldRemove", **NAMED, fieldName="Meaning")
    assert values(api) == {"Word": "neko"}
    with pytest.raises(ApiFailure, match="^1 field required$"):
        api("modelFieldRemove", **NAMED, fieldName="Word")


def test_fields_have_font_size_and_description(api: Api, vocab: int) -> None:
    api("modelFieldSetFont", **NAMED, fieldName="Word", font="Noto Sans")
    api("modelFieldSetFontSize", **NAMED, fieldName="Word", fontSize=24)
    assert api("modelFieldSetDescription", **NAMED, fieldName="Word", description="headword") is True
    assert api("modelFieldFonts", **NAMED)["Word"] == {"font": "Noto Sans", "size": 24}
    assert api("modelFieldDescriptions", **NAMED) == ["headword", ""]
    assert undo_name(api) == "set field description"


@pytest.mark.parametrize(
    ("action", "params", "text"),
    [
        ("modelFieldSetFont", {"font": 5}, "font should be a string: 5"),
        ("modelFieldSetFontSize", {"fontSize": "24"}, "fontSize should be an integer: 24"),
        ("modelFieldSetFontSize", {"fontSize": True}, "fontSize should be an integer: True"),
        ("modelFieldSetFontSize", {"fontSize": -1}, "fontSize should be an integer: -1"),
        ("modelFieldSetDescription", {"description": None}, "description should be a string: null"),
    ],
)
def test_a_wrong_value_is_told(
    server: Server, vocab: int, action: str, params: dict[str, Any], text: str
) -> None:
    reply = server.send("POST", f"/{action}", {**NAMED, "fieldName": "Word", **params})
    assert reply.status == 400
    assert reply.json["error"].startswith(text)
