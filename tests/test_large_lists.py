"""Lists of hundreds of thousands of elements, and of a million: whole replies, bounded time and memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.actions import registry
from tools.headless import Headless

MILLION = 1_000_000
MANY = 200_000
CARD, NOTE = 1700000000101, 1700000000001
# Generous: none takes more than a few seconds, but what is quadratic takes hours.
SECONDS = 60
MEMORY = 2_500_000_000


@pytest.fixture(scope="module")
def process(example_collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headless]:
    path = tmp_path_factory.mktemp("large") / "collection.anki2"
    server = Headless(Path(shutil.copy(example_collection, path)))
    yield server
    server.kill()


def ask(process: Headless, action: str, params: dict[str, Any]) -> Any:
    before = process.processor_time()
    body = json.dumps({"action": action, "version": 6, "params": params}).encode()
    status, reply = process.send("POST", "/", body)
    assert status == 200
    assert process.processor_time() - before < SECONDS
    assert process.most_memory() < MEMORY
    return json.loads(reply)


def takes_ids(action: str) -> list[str]:
    """The parameters that are lists of ids."""
    properties = registry[action].params_schema()["properties"].items()
    return [
        name
        for name, schema in properties
        for option in (schema, *schema.get("anyOf", ()))
        if option.get("items", {}).get("format") == "int64"
    ]


WITH_IDS = [(action, name) for action in sorted(registry) for name in takes_ids(action)]
OTHERS: dict[str, dict[str, Any]] = {
    "addTags": {"tags": "a"},
    "changeDeck": {"deck": "Default"},
    "gradeNow": {"ease": 3},
    "removeTags": {"tags": "a"},
    "replaceTags": {"tag_to_replace": "a", "replace_with_tag": "b"},
    "repositionNewCards": {"startPosition": 1, "step": 1, "shift": False},
    "setDueDate": {"days": "1"},
    "setEaseFactors": {"easeFactors": [2500] * MANY},
}


@pytest.mark.parametrize(("action", "name"), WITH_IDS)
def test_hundreds_of_thousands_of_ids(process: Headless, action: str, name: str) -> None:
    ids = list(range(10**12, 10**12 + MANY))
    reply = ask(process, action, {**OTHERS.get(action, {}), name: ids})
    error = reply["error"]
    assert error is None or "was not found: 1000000000000" in error, error


@pytest.mark.parametrize("action", ["cardsInfo", "notesModTime"])
def test_a_million_ids(process: Headless, action: str) -> None:
    (parameter, *_others) = registry[action].parameters
    ids = list(range(10**12, 10**12 + MILLION))
    assert ask(process, action, {parameter.wire: ids})["result"] == [{}] * MILLION


@pytest.mark.parametrize("action", ["addNotes", "canAddNotes", "answerCards", "insertReviews", "multi"])
def test_hundreds_of_thousands_of_the_wrong_kind(process: Headless, action: str) -> None:
    (parameter, *_others) = registry[action].parameters
    reply = ask(process, action, {parameter.wire: [0] * MANY})
    if reply["error"] is None:
        assert len(reply["result"]) == MANY
    else:
        assert "0 is not of type" in reply["error"]


def test_a_multi_of_a_hundred_thousand(process: Headless) -> None:
    actions: list[Any] = [
        {"action": "findNotes", "version": 6, "params": {"query": f"nid:{NOTE}"}}
        if n % 2
        else {"action": "no"}
        for n in range(100_000)
    ]
    replies = ask(process, "multi", {"actions": actions})["result"]
    assert replies[::2] == [{"result": None, "error": "unsupported action"}] * 50_000
    assert replies[1::2] == [{"result": [NOTE], "error": None}] * 50_000


def test_a_hundred_thousand_in_multis_within_multis(process: Headless) -> None:
    message: dict[str, Any] = {"action": "multi", "params": {"actions": [{"action": "deckNames"}] * 10}}
    for _ in range(4):
        message = {"action": "multi", "params": {"actions": [message] * 10}}
    reply = ask(process, "multi", message["params"])["result"]
    for _ in range(4):
        assert len(reply) == 10
        reply = reply[-1]
    assert "Default" in reply[-1]


def test_tens_of_thousands_of_notes_and_what_is_done_with_them(process: Headless) -> None:
    count = 80_000  # the ids of more than 70,000 are too long for one statement
    notes = [
        {"deckName": "Default", "modelName": "Basic", "fields": {"Front": f"n{n}"}, "tags": ["many"]}
        for n in range(count)
    ]
    added = ask(process, "addNotes", {"notes": notes})["result"]
    assert len(added) == count
    assert ask(process, "canAddNotes", {"notes": notes})["result"] == [False] * count
    cards = ask(process, "findCards", {"query": "tag:many"})["result"]
    moved = {"orderedCardIds": cards, "startPosition": 1, "step": 1, "shift": True}
    assert ask(process, "repositionNewCards", moved)["result"]["eligibleNew"] == count
    unwanted = [f"t{n}" for n in range(count)]
    assert ask(process, "removeTags", {"notes": added, "tags": unwanted})["error"] is None
    reviews = [[1600000000000 + n, cards[0], -1, 3, 5, 4, 2500, 1000, 1] for n in range(count)]
    error = ask(process, "insertReviews", {"reviews": [*reviews, reviews[-1]]})["error"]
    assert error == f"DbError: a review with this id exists already: {1600000000000 + count - 1}"
    assert ask(process, "insertReviews", {"reviews": reviews})["error"] is None
    assert ask(process, "deleteNotes", {"notes": added})["error"] is None
    assert ask(process, "findNotes", {"query": "tag:many"})["result"] == []
