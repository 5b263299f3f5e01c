"""Every error text that the contract lists is told, or listed as replaced by a better one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from addon.actions import Kind, registry

from .conftest import HeadlessServer, Server
from .test_contract import ENTRIES
from .web import Web

ERRORS = yaml.safe_load((Path(__file__).parent / "contract" / "errors.yaml").read_text("utf-8"))
CASES: dict[str, dict[str, dict[str, Any]]] = ERRORS["cases"]
UNAVAILABLE = "collection is not available"
LISTED = [(name, text) for name in registry for text in ENTRIES[name]["errors"]]
TOLD = [(name, text) for name, text in LISTED if text in CASES.get(name, {})]


def prepare(server: Server) -> None:
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "taken"}}
    tiny = {
        "modelName": "Tiny",
        "inOrderFields": ["Word"],
        "cardTemplates": [{"Front": "{{Word}}", "Back": ""}],
    }
    for action, params in (("createModel", tiny), ("addNote", {"note": note})):
        assert server.send("POST", f"/{action}", params).json["error"] is None
    server.look("col.db.execute('update notes set id = 1700000000001')")
    server.look("col.db.execute('update cards set id = 1700000000101, nid = 1700000000001')")


def pattern(text: str) -> str:
    """The listed text as a regular expression: `*` and `{name}` stand for anything."""
    if re.fullmatch(r"'\w+'", text):  # a bare member name; ours comes with its path
        return f"[\\w.\\[\\]]+: {text} is a required property"
    literal = re.escape(text.replace("<br>", " "))
    return re.sub(r"\\\*|\\\{[^}]*\\\}", ".+", literal)


@pytest.mark.parametrize(("name", "text"), TOLD)
def test_a_listed_text_is_told(name: str, text: str, request: pytest.FixtureRequest, web: Web) -> None:
    params = json.loads(json.dumps(CASES[name][text]).replace("{web}", web.url))
    hosts = ["anki"] if registry[name].kind is Kind.GUI else ["headless", "anki"]
    for host in hosts:
        server: Server = request.getfixturevalue(host)
        prepare(server)
        reply = server.send("POST", "/", {"action": name, "version": 6, "params": params}).json
        assert reply["result"] is None
        assert re.fullmatch(pattern(text), reply["error"]), reply["error"]


def test_a_text_is_told_while_no_collection_is_open(headless: HeadlessServer) -> None:
    headless.close()
    for name, text in LISTED:
        if text == UNAVAILABLE and registry[name].kind is not Kind.GUI:
            body = {"action": name, "version": 6}
            assert headless.send("POST", "/", body).json == {"result": None, "error": UNAVAILABLE}


@pytest.mark.parametrize(("name", "text"), LISTED)
def test_every_listed_text_has_a_case_or_is_replaced(name: str, text: str) -> None:
    assert (name, text) in TOLD or text in ERRORS["replaced"] or text == UNAVAILABLE


def test_no_case_and_no_replaced_text_is_stale() -> None:
    assert [(name, text) for name in CASES for text in CASES[name] if (name, text) not in LISTED] == []
    assert set(ERRORS["replaced"]) <= {text for _name, text in LISTED}
