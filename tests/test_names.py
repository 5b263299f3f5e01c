"""Names of what the collection holds: composed or not, they mean the same, and none is changed unasked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from anki.collection import Collection

from addon.actions import registry
from addon.core.actions.note_types import check_characters, is_same_name
from addon.core.errors import ApiError
from addon.core.schema import codecs, scalars

from .conftest import Api, ApiFailure, HeadlessServer, LiveServer

# What parameters of type text hold when it is no name: text of any kind, and what other systems name.
NO_NAMES = {
    *("query", "findText", "replaceText", "Front", "Back", "css", "description", "font", "days"),
    *("path", "data", "url", "skipHash", "username", "password", "endpoint", "duplicateScope"),
    "retrieved_info_mode",
}


def apart(name: str) -> str:
    """`name` as macOS sends it."""
    taken_apart = normalize("NFD", name)
    assert taken_apart != name
    return taken_apart


@pytest.fixture
def words(api: Api) -> Api:
    """A note type, a deck and a note, all made with names that are not composed."""
    template = {"Name": apart("Kärtchen"), "Front": apart("{{Wört}}"), "Back": apart("{{#Wört}}x{{/Wört}}")}
    fields = [apart("Wört"), "B"]
    api("createModel", modelName=apart("Wörter"), inOrderFields=fields, cardTemplates=[template])
    api("createDeck", deck=apart("Übung"))
    picture = {"filename": apart("é.png"), "data": "eA==", "fields": [apart("Wört")]}
    note = {"deckName": apart("Übung"), "modelName": apart("Wörter"), "fields": {apart("Wört"): "a"}}
    api("addNote", note={**note, "tags": [apart("süß")], "picture": [picture]})
    return api


def the_note(api: Api) -> int:
    (note,) = api("findNotes", query="")
    return int(note)


def test_a_note_is_added_by_names_that_are_not_composed(words: Api) -> None:
    (note,) = words("notesInfo", query="")
    assert (note["modelName"], note["tags"]) == ("Wörter", ["süß"])
    assert note["fields"]["Wört"]["value"] == 'a<img src="é.png">'
    assert words("cardsInfo", cards=note["cards"], include=["deckName"]) == [{"deckName": "Übung"}]


def test_fields_and_templates_are_found(words: Api) -> None:
    named = {"modelName": apart("Wörter")}
    words("updateNoteFields", note={"id": the_note(words), "fields": {apart("Wört"): "b"}})
    (card,) = words("findCardsInfo", query="", include=["cardId", "fields"])
    only = words("cardsDetails", cards=[card["cardId"]], noteFields=[apart("Wört")])
    assert only[0]["fields"] == {"Wört": {"value": "b", "order": 0}}
    front = {"Front": apart("{{Wört}}!")}
    words("updateModelTemplates", model={"name": apart("Wörter"), "templates": {apart("Kärtchen"): front}})
    assert words("modelTemplates", **named) == {
        "Kärtchen": {"Front": "{{Wört}}!", "Back": "{{#Wört}}x{{/Wört}}"}
    }
    words("modelFieldRename", **named, oldFieldName=apart("Wört"), newFieldName=apart("Rührei"))
    assert words("modelFieldNames", **named) == ["Rührei", "B"]
    words("modelTemplateRename", **named, oldTemplateName=apart("Kärtchen"), newTemplateName=apart("ä"))
    template = {"Name": apart("ä"), "Front": apart("{{Rührei}}."), "Back": ""}
    words("modelTemplateAdd", **named, template=template)
    assert words("modelTemplates", **named) == {"ä": {"Front": "{{Rührei}}.", "Back": ""}}


def test_tags_are_found(words: Api) -> None:
    note = the_note(words)
    words("removeTags", notes=[note], tags=apart("süß"))
    assert words("getNoteTags", note=note) == []
    words("addTags", notes=[note], tags=[apart("grün")])
    words("replaceTags", notes=[note], tag_to_replace=apart("grün"), replace_with_tag=apart("rötlich"))
    assert words("getNoteTags", note=note) == ["rötlich"]
    words("updateNoteTags", note=note, tags=apart("größer"))
    assert words("getNoteTags", note=note) == ["größer"]


def test_decks_and_presets_are_found(words: Api) -> None:
    preset = words("cloneDeckConfigId", name=apart("Für später"))
    assert words("setDeckConfigId", decks=[apart("Übung")], configId=preset) is True
    config = words("getDeckConfig", deck=apart("Übung"))
    assert (config["id"], config["name"]) == (preset, "Für später")
    words("saveDeckConfig", config={**config, "name": apart("Täglich")})
    assert words("getDeckConfig", deck="Übung")["name"] == "Täglich"
    words("deleteDecks", decks=[apart("Übung")], cardsToo=True)
    assert words("deckNames") == ["Default"]


def test_media_are_found(words: Api) -> None:
    assert words("retrieveMediaFile", filename=apart("é.png")) == "eA=="
    assert words("getMediaFilesNames", pattern=apart("é.*")) == ["é.png"]
    words("deleteMediaFile", filename=apart("é.png"))
    assert words("getMediaFilesNames") == []


def test_what_a_system_has_taken_apart_is_listed(headless: HeadlessServer) -> None:
    (Path(headless.look("col.media.dir()")) / apart("É.png")).write_bytes(b"x")
    listed = headless.send("POST", "/getMediaFilesNames", {"pattern": "É*"}).json["result"]
    assert [normalize("NFC", name) for name in listed] == ["É.png"]


def test_the_open_profile_is_found(anki: LiveServer) -> None:
    name = anki.look("mw.pm.name")
    for sent, stored in ((apart("Jörg"), "Jörg"), ("Jörg", apart("Jörg"))):
        anki.live.run(f"mw.pm.name = {stored!r}")
        try:
            reply = anki.send("POST", "/loadProfile", {"name": sent})
        finally:
            anki.live.run(f"mw.pm.name = {name!r}")
        assert reply.json == {"result": True, "error": None}


@pytest.fixture
def stored_apart(words: Api) -> Api:
    """The same with names that are stored as an old version or a sync may have put them there."""
    assert words("modelFieldNames", modelName="Wörter") == ["Wört", "B"]
    for table, column in (
        *(("decks", "name"), ("notetypes", "name"), ("fields", "name"), ("templates", "name")),
        *(("notes", "tags"), ("tags", "tag")),
    ):
        for name in ("Übung", "Wörter", "Wört", "Kärtchen", "süß"):
            change = f"update {table} set {column} = replace({column}, {name!r}, {apart(name)!r})"
            words.look(f"col.db.execute({change!r})")
    words.look("col.close() or col.reopen()")  # Anki remembers note types that it has read
    return words


def test_what_is_stored_apart_is_found(stored_apart: Api) -> None:
    api = stored_apart
    assert apart("Übung") in api("deckNames") and apart("Wörter") in api("modelNames")
    deck = api("deckNamesAndIds")[apart("Übung")]
    for name in ("Übung", "übung", apart("Übung")):
        assert api("createDeck", deck=name) == deck
        assert list(api("getDeckStats", decks=[name])) == [str(deck)]
    for name in ("Übung", apart("Übung")):
        assert api("getDeckConfig", deck=name)["name"] == "Default"
        assert api("setDeckConfigId", decks=[name], configId=1) is True
        assert api("getDeckDescription", deck=name) == ""
    for name in ("Wörter", "wörter", apart("Wörter")):
        assert api("modelFieldNames", modelName=name) == [apart("Wört"), "B"]
        note = {"deckName": "Übung", "modelName": name, "fields": {"wört": "c"}}
        assert api("addNote", note={**note, "options": {"allowDuplicate": True}})
        with pytest.raises(ApiFailure, match="already exists"):
            api(
                "createModel",
                modelName=name,
                inOrderFields=["A"],
                cardTemplates=[{"Front": "{{A}}", "Back": ""}],
            )
    api("deleteDecks", decks=["Übung"], cardsToo=True)
    assert api("deckNames") == ["Default"]


def test_fields_and_templates_that_are_stored_apart_are_found(stored_apart: Api) -> None:
    api = stored_apart
    note = the_note(api)
    api("updateNoteFields", note={"id": note, "fields": {"Wört": "b", "B": "c"}})
    (card,) = api("cardsInfo", cards=api("findCards", query=""), noteFields=["Wört"])
    assert [field["value"] for field in card["fields"].values()] == ["b"]
    templates = {"Kärtchen": {"Front": "{{Wört}}!"}}
    api("updateModelTemplates", model={"name": "Wörter", "templates": templates})
    (sides,) = api("modelTemplates", modelName="Wörter").values()
    assert sides["Front"] == "{{Wört}}!"


def test_a_field_that_is_stored_apart_is_not_added_again(stored_apart: Api) -> None:
    stored_apart("modelFieldAdd", modelName="Wörter", fieldName="Wört", index=1)
    names = stored_apart("modelFieldNames", modelName="Wörter")
    assert [normalize("NFC", name) for name in names] == ["B", "Wört"]


@pytest.mark.parametrize("name", ["süß", apart("süß")])
def test_tags_that_are_stored_apart_are_found(stored_apart: Api, name: str) -> None:
    note = the_note(stored_apart)
    assert stored_apart("getNoteTags", note=note) == [apart("süß")]
    stored_apart("replaceTags", notes=[note], tag_to_replace=name, replace_with_tag="a")
    assert stored_apart("getNoteTags", note=note) == ["a"]
    stored_apart.look(f"col.db.execute('update notes set tags = ?', {' ' + apart('süß') + ' '!r})")
    stored_apart("removeTags", notes=[note], tags=[name])
    assert stored_apart("getNoteTags", note=note) == []


def test_of_two_decks_the_one_that_is_stored_composed_is_meant(stored_apart: Api) -> None:
    stored_apart.look("col.decks.add_normal_deck_with_name('Übung').id")
    stored_apart("deleteDecks", decks=["Übung"], cardsToo=True)
    assert stored_apart("deckNames") == ["Default", apart("Übung")]


def texts(shape: scalars.Codec, path: str) -> Iterator[tuple[str, scalars.Codec]]:
    """Each codec of text in `shape`, names of pairs included, with the way to it."""
    if isinstance(shape, (scalars.Text, scalars.Base64)):
        yield path, shape
    elif isinstance(shape, (codecs.WithMetadata, codecs.ErrorAsValue)):
        yield from texts(shape.codec, path)
    elif isinstance(shape, codecs.ListOf):
        yield from texts(shape.item, path)
    elif isinstance(shape, codecs.UnionOf):
        for inner in shape.codecs:
            yield from texts(inner, path)
    elif isinstance(shape, codecs.DataclassOf):
        for member in shape.members:
            yield from texts(member.codec, f"{path}.{member.wire}")
    elif isinstance(shape, codecs.MapOf):
        yield f"{path}{{}}", shape.name
        if not isinstance(shape.item, scalars.Text):  # a text under a name
            yield from texts(shape.item, path)


def test_every_parameter_that_is_a_name_is_composed() -> None:
    found = [
        (f"{action.name}.{path}", shape)
        for action in registry.values()
        for parameter in action.parameters
        for path, shape in texts(parameter.codec, parameter.wire)
    ]
    plain = {path for path, shape in found if not isinstance(shape, scalars.Composed)}
    named = {path for path, _shape in found if path not in plain}
    assert len(named) > 100
    # Pairs of a layout of Anki's own.
    layouts = {"saveDeckConfig.config{}", "guiBrowse.reorderCards{}"}
    assert {path for path in plain - layouts if path.rpartition(".")[2] not in NO_NAMES} == set()


# Names that Anki would change


@pytest.mark.parametrize(
    "name", ["Word: EN", "#x", "{{z}}", '"quoted"', "/a", "^a", " a", "a\u3000", "###"]
)
def test_a_field_keeps_its_name_or_is_refused(api: Api, name: str) -> None:
    template = {"Front": "{{A}}", "Back": ""}
    before = api("modelNames")
    reason = "can't be the name of a field: Anki drops"
    with pytest.raises(ApiFailure, match=reason) as failed:
        api("createModel", modelName="M", inOrderFields=["A", name], cardTemplates=[template])
    assert repr(name) in failed.value.text
    assert api("modelNames") == before
    with pytest.raises(ApiFailure, match=reason):
        api("modelFieldAdd", modelName="Basic", fieldName=name)
    with pytest.raises(ApiFailure, match=reason):
        api("modelFieldRename", modelName="Basic", oldFieldName="Front", newFieldName=name)
    assert api("modelFieldNames", modelName="Basic") == ["Front", "Back"]


def test_a_template_keeps_its_name_or_is_refused(api: Api) -> None:
    template = {"Name": 'a"b', "Front": "{{Front}}", "Back": ""}
    reason = """'a"b' can't be the name of a template: Anki drops `"`"""
    with pytest.raises(ApiFailure, match=reason):
        api("createModel", modelName="M", inOrderFields=["Front"], cardTemplates=[template])
    with pytest.raises(ApiFailure, match=reason):
        api("modelTemplateAdd", modelName="Basic", template=template)
    with pytest.raises(ApiFailure, match=reason):
        api("modelTemplateRename", modelName="Basic", oldTemplateName="Card 1", newTemplateName='a"b')
    assert list(api("modelTemplates", modelName="Basic")) == ["Card 1"]


@pytest.mark.parametrize(("one", "other"), [("word", "Word"), ("É", "é"), ("ß", "SS")])
def test_names_that_differ_only_in_case_are_refused(api: Api, one: str, other: str) -> None:
    sides = {"Front": f"{{{{{one}}}}}", "Back": ""}
    templates = [{**sides, "Name": one}]
    reason = f"{other!r} can't be the name of a {{}}: it differs from {one!r} only in case"
    with pytest.raises(ApiFailure, match=reason.format("field")):
        api("createModel", modelName="M", inOrderFields=[one, other], cardTemplates=templates)
    more = [*templates, {"Front": f"{sides['Front']}.", "Back": "", "Name": other}]
    with pytest.raises(ApiFailure, match=reason.format("template")):
        api("createModel", modelName="M", inOrderFields=[one], cardTemplates=more)
    api("createModel", modelName="M", inOrderFields=[one], cardTemplates=templates)
    with pytest.raises(ApiFailure, match=reason.format("template")):
        api("modelTemplateAdd", modelName="M", template=more[1])
    api("modelFieldAdd", modelName="M", fieldName=other)  # it is there
    assert api("modelFieldNames", modelName="M") == [one]


def stored(col: Collection, part: str, name: str) -> str:
    """What Anki makes of a name."""
    note_type: dict[str, Any] = col.models.new("x")
    for field in ("first", *([name] if part == "flds" else [])):
        col.models.add_field(note_type, col.models.new_field(field))
    template = col.models.new_template(name if part == "tmpls" else "Card")
    template["qfmt"] = "{{first}}"
    col.models.add_template(note_type, template)
    made = col.models.get(col.models.add_dict(note_type).id)  # type: ignore[arg-type]
    assert made
    return str(made[part][-1]["name"])


def is_refused(part: str, name: str) -> bool:
    try:
        check_characters(part, name)
    except ApiError:
        return True
    return False


@pytest.mark.parametrize("part", ["flds", "tmpls"])
def test_what_is_refused_is_what_anki_changes(collection_path: Path, part: str) -> None:
    col = Collection(str(collection_path))
    odd = [chr(code) for code in range(1, 0x3100) if not chr(code).isalnum()]
    for batch in range(0, len(odd), 40):
        fitting = [c for c in odd[batch : batch + 40] if not is_refused(part, f"a{c}b")]
        joined = normalize("NFC", "a".join(["", *fitting, ""]))
        assert stored(col, part, joined) == joined
    for character in (c for c in odd if c.isspace() or c.isascii() or not c.isprintable()):
        for name in (f"{character}a", f"a{character}", f"a{character}b"):
            name = normalize("NFC", name)
            changed = stored(col, part, name) != name
            assert is_refused(part, name) == changed, (character, name)
    col.close()


def test_what_counts_as_the_same_is_what_anki_tells_apart(collection_path: Path) -> None:
    col = Collection(str(collection_path))
    letters = [chr(code) for code in range(0x41, 0x590) if chr(code).isalpha()]
    same = [
        (lower, lower.upper())
        for lower in letters
        if lower.upper() != lower and normalize("NFC", lower.upper()) == lower.upper()
    ]
    for one, other in same:
        note_type: dict[str, Any] = col.models.new("x")
        for name in (one, other):
            col.models.add_field(note_type, col.models.new_field(name))
        template = col.models.new_template("Card")
        template["qfmt"] = f"{{{{{one}}}}}"
        col.models.add_template(note_type, template)
        made = col.models.get(col.models.add_dict(note_type).id)  # type: ignore[arg-type]
        assert made
        assert is_same_name(one, other) == made["flds"][1]["name"].endswith("+"), (one, other)
    col.close()
