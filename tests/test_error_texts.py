"""Every error text that the contract lists is told, or listed as replaced by a better one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from addon.actions import Kind, registry
from tools.examples import Example, error_examples, errors_elsewhere, replaced_errors

from .compare import comparable
from .conftest import HeadlessServer, Server, run_example
from .test_contract import ENTRIES
from .web import Web

UNAVAILABLE = "collection is not available"
LISTED = {(name, text) for name in registry for text in ENTRIES[name]["errors"]}
CASES = list(error_examples())


@pytest.fixture(scope="session")
def template(example_collection: Path) -> Path:
    return example_collection


def pattern(text: str) -> str:
    """The listed text as a regular expression: `*` and `{name}` stand for anything."""
    if re.fullmatch(r"'\w+'", text):  # a bare member name; ours comes with its path
        return f"[\\w.\\[\\]]+: {text} is a required property"
    # Anki 23.10 says "notetype".
    literal = re.escape(text.replace("<br>", " ")).replace(r"note\ type", r"note ?type")
    return re.sub(r"\\\*|\\\{[^}]*\\\}", ".+", literal)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_listed_text_is_told(case: Example, request: pytest.FixtureRequest, web: Web) -> None:
    replies = []
    for host in ["anki"] if registry[case.action].kind is Kind.GUI else ["headless", "anki"]:
        server: Server = request.getfixturevalue(host)
        reply = run_example(server, case.with_text("{web}", web.url))
        assert reply["result"] is None
        assert re.fullmatch(pattern(case.result), reply["error"]), reply["error"]
        replies.append(comparable(reply, {server.look("col.media.dir()"): "media"}))
    assert replies[0] == replies[-1]


def test_a_text_is_told_while_no_collection_is_open(headless: HeadlessServer) -> None:
    headless.close()
    for name, text in LISTED:
        if text == UNAVAILABLE and registry[name].kind is not Kind.GUI:
            body = {"action": name, "version": 6}
            assert headless.send("POST", "/", body).json == {"result": None, "error": UNAVAILABLE}


def test_every_listed_text_has_a_case_or_is_replaced() -> None:
    told = {(case.action, case.result) for case in CASES}
    untold = replaced_errors() | errors_elsewhere() | {UNAVAILABLE}
    left = {(name, text) for name, text in LISTED - told if text not in untold}
    assert left == set()
    assert told <= LISTED
    assert untold <= {text for _name, text in LISTED}
