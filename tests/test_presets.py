"""Presets: saved, chosen, cloned and removed, each as one undo entry."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer

UNKNOWN = 5


def undo_name(api: Api) -> str:
    return str(api.look("col.undo_status().undo")).replace("AnkiConnect: ", "")


def preset_names(api: Api) -> list[str]:
    return sorted(api.look("[preset['name'] for preset in col.decks.all_config()]"))


def test_a_preset_is_saved_as_a_whole(api: Api) -> None:
    api("createDeck", deck="A")
    config = api("getDeckConfig", deck="A")
    before = config["new"]["perDay"]
    config["new"]["perDay"] = before + 7
    config["lapse"]["delays"] = [3.0, 20.0]
    config["ours"] = {"kept": True}
    assert api("saveDeckConfig", config={**config, "id": str(config["id"])}) is True
    saved = api("getDeckConfig", deck="A")
    assert (saved["new"]["perDay"], saved["lapse"]["delays"]) == (before + 7, [3.0, 20.0])
    assert saved["ours"] == {"kept": True}
    assert undo_name(api) == "save preset"
    api.look("col.undo()")
    assert api("getDeckConfig", deck="A")["new"]["perDay"] == before
    assert undo_name(api) == "create deck"


def test_saving_changes_nothing_else(headless: HeadlessServer) -> None:
    headless.look("col.set_config('fsrs', True)")
    dump = (
        "[col.decks.get(1, default=False)['conf'], col.all_config()['fsrs'], len(col.decks.all_config())]"
    )
    before = headless.look(dump)
    config = headless.send("GET", "/getDeckConfig?deck=Default").json["result"]
    config["rev"]["perDay"] = 123
    assert headless.send("POST", "/saveDeckConfig", {"config": config}).json["result"] is True
    assert headless.look(dump) == before
    assert headless.send("GET", "/getDeckConfig?deck=Default").json["result"]["rev"]["perDay"] == 123


@pytest.mark.parametrize(
    "change", [{"id": UNKNOWN}, {"id": "x"}, {"id": None}, {"new": "broken"}, {"maxTaken": "60"}]
)
def test_a_preset_that_cannot_be_saved_is_false_and_a_header_tells_why(
    api: Api, change: dict[str, Any]
) -> None:
    api("createDeck", deck="A")
    config = {**api("getDeckConfig", deck="Default"), **change}
    assert api("saveDeckConfig", config=config) is False
    assert api.warnings
    assert undo_name(api) == "create deck"


def test_a_preset_needs_an_id(api: Api) -> None:
    with pytest.raises(ApiFailure, match="'id'"):
        api("saveDeckConfig", config={"name": "x"})


def test_presets_are_cloned_chosen_and_removed(api: Api) -> None:
    api("createDeck", deck="A")
    api("createDeck", deck="A::B")
    preset = api("cloneDeckConfigId", name="Fast")
    assert undo_name(api) == "clone preset"
    assert preset_names(api) == ["Default", "Fast"]
    assert api("setDeckConfigId", decks=["A", "Default"], configId=str(preset)) is True
    assert undo_name(api) == "choose preset"
    assert [api("getDeckConfig", deck=d)["id"] for d in ("A", "A::B", "Default")] == [preset, 1, preset]
    second = api("cloneDeckConfigId", name="Fast", cloneFrom=str(preset))
    assert second not in (preset, 1)
    assert api("removeDeckConfigId", configId=str(preset)) is True
    assert undo_name(api) == "remove preset"
    assert [api("getDeckConfig", deck=d)["id"] for d in ("A", "Default")] == [1, 1]
    api.look("col.undo()")
    assert [api("getDeckConfig", deck=d)["id"] for d in ("A", "Default")] == [preset, preset]


def test_unknown_presets_and_decks_change_nothing(api: Api) -> None:
    preset = api("cloneDeckConfigId", name="Fast")
    assert api("cloneDeckConfigId", name="x", cloneFrom=UNKNOWN) is False
    assert api("setDeckConfigId", decks=["Default", "Nope"], configId=preset) is False
    assert api("setDeckConfigId", decks=["Default"], configId=UNKNOWN) is False
    assert api("removeDeckConfigId", configId=UNKNOWN) is False
    assert api("removeDeckConfigId", configId=1) is False
    assert api("getDeckConfig", deck="Default")["id"] == 1
    assert preset_names(api) == ["Default", "Fast"]
    assert undo_name(api) == "clone preset"


def test_a_filtered_deck_has_no_preset_to_choose(api: Api) -> None:
    preset = api("cloneDeckConfigId", name="Fast")
    name = api.look("col.decks.name(col.decks.new_filtered('Cram'))")
    assert api("setDeckConfigId", decks=["Default", name], configId=preset) is False
    assert api("getDeckConfig", deck="Default")["id"] == 1
