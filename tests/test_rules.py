"""What the settings allow: reading only, lists of actions."""

from __future__ import annotations

from typing import Any

import pytest

from addon.actions import Kind, registry
from addon.core.policy import refusal
from addon.core.settings import Settings
from addon.settings_sources import load

from .conftest import Wired, basic

ADD = {"action": "addNote", "version": 6, "params": {"note": basic("a")}}


def refused(action: str, setting: str) -> dict[str, Any]:
    return {"result": None, "error": f"{action} is not allowed here ({setting} in the settings)"}


def check_refused(wired: Wired, message: dict[str, Any], setting: str) -> None:
    """Refused by itself, in a multi within a multi, and at its URL; what is beside it runs."""
    action = message["action"]
    assert wired.send("POST", "/", message).json == refused(action, setting)
    inner = {"action": "multi", "version": 6, "params": {"actions": [message, {"action": "deckNames"}]}}
    outer = {"action": "multi", "version": 6, "params": {"actions": [inner]}}
    (reply,) = wired.send("POST", "/", outer).json["result"]
    assert reply["result"] == [refused(action, setting), ["Default"]]
    reply = wired.send("POST", f"/{action}", message["params"])
    assert (reply.status, reply.json) == (403, refused(action, setting))


def test_a_read_only_server_changes_nothing(wired: Wired) -> None:
    wired.configure(apiReadOnly=True)
    check_refused(wired, ADD, "apiReadOnly")
    check_refused(wired, {"action": "guiUndo", "params": {}}, "apiReadOnly")
    assert wired.send("GET", "/findNotes?query=").json["result"] == []


def test_a_denied_action_is_refused(wired: Wired) -> None:
    wired.configure(apiDeniedActions=["add*"])
    check_refused(wired, ADD, "apiDeniedActions")


def test_only_allowed_actions_are_performed(wired: Wired) -> None:
    wired.configure(apiAllowedActions=["deckNames", "gui*"])
    check_refused(wired, ADD, "apiAllowedActions")
    assert wired.send("POST", "/requestPermission").json["result"]["permission"] == "granted"


def test_only_allowed_actions_are_told(wired: Wired) -> None:
    params = {"scopes": ["actions"]}
    wired.configure(
        apiAllowedActions=["apiReflect", "findC*", "findNotes"], apiDeniedActions=["findCards", "multi"]
    )
    told = wired.send("POST", "/apiReflect", params).json["result"]["actions"]
    assert told == ["apiReflect", "findCardsInfo", "findNotes", "requestPermission"]
    asked = wired.send("POST", "/apiReflect", {**params, "actions": ["findCards", "findNotes"]})
    assert asked.json["result"]["actions"] == ["findNotes"]


def test_reading_is_what_takes_get() -> None:
    settings = Settings(apiReadOnly=True)
    allowed = {name for name, action in registry.items() if not refusal(action, settings)}
    reading = {name for name, action in registry.items() if action.kind is Kind.READ}
    assert allowed == reading | {"multi", "requestPermission"}


@pytest.mark.parametrize("setting", ["apiAllowedActions", "apiDeniedActions"])
def test_a_slip_of_the_pen_is_told_and_does_not_open_a_door(setting: str) -> None:
    with pytest.raises(ValueError, match=f"setting {setting}: there is no action 'addNotez'"):
        load({setting: ["deckNames", "addNotez"]}, {})


def test_an_empty_list_allows_nothing() -> None:
    settings = load({"apiAllowedActions": []}, {})
    assert refusal(registry["version"], settings) == "apiAllowedActions"
