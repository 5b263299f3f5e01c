"""Input that no honest client sends: a clear error or a proper reply, and nothing changed by an error."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from addon.actions import Action, Kind, registry
from addon.core.errors import BadParams
from addon.core.schema import json_text
from addon.core.schema.codecs import Invalid, codec_for
from tools import hostile
from tools.headless import OFFLINE
from tools.verdict import is_error, methods, problem

from .conftest import HeadlessServer, LiveServer, Reply, Server, add_cards, basic

# Chosen through Hypothesis, so that it can shrink what fails.
RANDOM = st.randoms(use_true_random=False)
CARD = 1700000000101


def dump(col: Collection) -> tuple[dict[str, list[Any]], list[str]]:
    """All that the collection holds, and the names of its media."""
    assert col.db
    assert col.sched.day_cutoff  # Anki stores a default when it is first asked for this
    tables = col.db.list(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_stat%'"
    )
    return {table: col.db.all(f"select * from {table}") for table in tables}, os.listdir(col.media.dir())


class Target:
    """A server on the examples' collection, fresh again after each change."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._path = template, folder / "collection.anki2"
        self._server = self._before = None  # type: Any

    def renew(self) -> None:
        self.close()
        shutil.copy(self._template, self._path)
        self._server = HeadlessServer(self._path, webTimeout=500)
        self._before = self._dump()

    def _dump(self) -> Any:
        return self._server.runtime.run_on_collection(dump)

    def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
            for path in self._path.parent.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        if self._server is None:
            self.renew()
        reply: Reply = self._server.send(method, path, body)
        return reply

    def check_unchanged(self, what: object) -> None:
        assert self._dump() == self._before, what

    def check(self, action: str, reply: Reply, what: object, version: int = 6) -> None:
        """The reply is a good one, and an error has changed nothing."""
        assert problem(action, reply.status, reply.body, version=version) is None, what
        if is_error(reply.json):
            self.check_unchanged(what)
        elif self._dump() != self._before:
            self.close()


@pytest.fixture(scope="module")
def target(example_collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    # The errors that are provoked by the thousand would fill the report of a failure.
    logging.getLogger("ankiconnect").propagate = False
    target = Target(example_collection, tmp_path_factory.mktemp("hostile"))
    yield target
    target.close()
    logging.getLogger("ankiconnect").propagate = True


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)


def parameters(action: Action, rng: random.Random) -> Any:
    """Those of the declared types, of no use to anybody, or with something wrong inside."""
    params: Any = hostile.fitting(action.params_schema(), rng, hostile.EXAMPLE_WORDS)
    for _ in range(rng.choice((0, 1, 1, 2))):
        params = hostile.spoil(params, rng)
    return params


@pytest.mark.parametrize("action", registry.values(), ids=lambda action: action.name)
def test_whatever_the_parameters_are(action: Action, target: Target) -> None:
    @limits(max_examples=30)
    @given(RANDOM, st.sampled_from(("rpc", "bare", "url", "query")))
    def check(rng: random.Random, way: str) -> None:
        params = parameters(action, rng)
        if way in ("rpc", "bare"):
            version = 6 if way == "rpc" else 4
            message = {"action": action.name, "version": version, "params": params}
            reply = target.send("POST", "/", hostile.encode(message))
            target.check(action.name, reply, message, version)
        elif way == "url":
            reply = target.send("POST", f"/{action.name}", hostile.encode(params))
            target.check(action.name, reply, params)
        else:
            reply = target.send(methods(action.name)[0], f"/{action.name}?{query_of(params)}")
            target.check(action.name, reply, params)

    check()


def test_inside_anki_too(anki: LiveServer) -> None:
    # Without the actions that end Anki, ask a person, replace the add-on or ask servers out there.
    syncing = {"sync", "fullSync", "syncMedia", "syncStatus"}
    names = sorted(set(registry) - {"guiExitAnki", "upgrade", "requestPermission"} - syncing)
    rng = random.Random(6)
    for _ in range(400):
        name = rng.choice(names)
        message = {"action": name, "version": 6, "params": parameters(registry[name], rng)}
        if registry[name].kind is Kind.GUI:  # none is to do anything but refuse
            message["params"] = {"nonsense": message["params"]}
        body = hostile.encode(message)
        if rng.random() < 0.2:
            body = hostile.spoil_bytes(body, rng)
            reply = anki.send("POST", "/", body)
            assert b"internal error" not in reply.body, body
        else:
            reply = anki.send("POST", "/", body)
            assert problem(name, reply.status, reply.body) is None, message
    assert anki.send("POST", "/", {"action": "version"}).json == 6
    assert anki.look("col.db.list('pragma integrity_check')") == ["ok"]
    assert anki.live.addon.name not in anki.live.output()


def query_of(params: Any) -> str:
    pairs = params.items() if isinstance(params, dict) else [("params", params)]
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in pairs}
    return urllib.parse.urlencode(texts, errors="surrogatepass")


@limits(max_examples=400)
@given(RANDOM, st.sampled_from(sorted(registry)))
def test_whatever_the_bytes_are(target: Target, rng: random.Random, name: str) -> None:
    params = hostile.fitting(registry[name].params_schema(), rng, hostile.EXAMPLE_WORDS)
    honest = hostile.encode({"action": name, "version": 6, "params": params})
    body = hostile.spoil_bytes(honest, rng)
    for path in ("/", f"/{name}"):
        reply = target.send("POST", path, body)
        if is_error(reply.json):
            assert problem(name, reply.status, reply.body) is None, body
            target.check_unchanged(body)
        else:
            assert reply.status == 200, body
            target.close()


@limits(max_examples=300)
@given(RANDOM)
def test_whatever_the_envelope_is(target: Target, rng: random.Random) -> None:
    message: Any = {"action": "deckNames", "version": 6, "params": {}, "key": "x"}
    for _ in range(rng.randrange(1, 3)):
        message = hostile.spoil(message, rng) if rng.random() < 0.9 else hostile.odd(rng)
    reply = target.send("POST", "/", hostile.encode(message))
    assert reply.status == 200
    assert "internal error" not in reply.body.decode()
    target.check_unchanged(message)


@limits(max_examples=100)
@given(RANDOM)
def test_whatever_a_multi_holds(target: Target, rng: random.Random) -> None:
    names = [rng.choice(sorted(registry)) for _ in range(rng.randrange(1, 5))]
    actions: Any = [
        {"action": name, "version": rng.choice((4, 6)), "params": parameters(registry[name], rng)}
        for name in names
    ]
    actions = hostile.spoil(actions, rng)
    message = {"action": "multi", "version": 6, "params": {"actions": actions}}
    reply = target.send("POST", "/", hostile.encode(message))
    target.check("multi", reply, message)
    assert "internal error" not in reply.body.decode()


@limits(max_examples=300)
@given(RANDOM, st.sampled_from([str, int, float, bool, None, list[int], dict[str, str]]))
def test_a_shape_converts_or_says_what_it_expected(rng: random.Random, hint: Any) -> None:
    shape = codec_for(hint)
    value = hostile.odd(rng)
    try:
        converted = shape.convert(value)
    except Invalid as error:
        assert len(str(error.as_bad_params())) < 1000
    else:
        assert shape.convert(json.loads(json.dumps(converted))) == converted


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_a_query_value_is_read_or_stays_text(text: str) -> None:
    for hint in (str, int, float, bool, list[int], dict[str, Any], Any):
        assert codec_for(hint).parse_query([text]) is not NotImplemented


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(), st.lists))
def test_json_survives_its_reading(value: Any) -> None:
    assert json_text.parse(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 5000, "[NaN]", "-Infinity", "[" * 100_000])
def test_numbers_without_end_and_depths_without_end_are_no_json(text: str) -> None:
    with pytest.raises(BadParams, match="large|limit|not JSON|deeply"):
        json_text.parse(text)


def test_of_a_member_given_twice_the_last_counts_everywhere(headless: HeadlessServer) -> None:
    headless.settings = headless.settings.__class__(apiKey="abc")
    body = b'{"action": "version", "key": "abc", "key": "x", "action": "deckNames"}'
    assert headless.send("POST", "/", body).json["error"] == "valid api key must be provided"
    body = b'{"action": "deleteDecks", "key": "x", "action": "deckNames", "key": "abc", "version": 6}'
    assert headless.send("POST", "/", body).json["result"] == ["Default"]


def test_a_key_of_half_a_surrogate_pair_is_a_wrong_key(headless: HeadlessServer) -> None:
    headless.settings = headless.settings.__class__(apiKey="abc")
    reply = headless.send("POST", "/", b'{"action": "deckNames", "key": "\\ud800"}')
    assert reply.json["error"] == "valid api key must be provided"


def test_a_query_may_nest_as_deep_as_it_likes(server: Server) -> None:
    reply = server.send("GET", "/cardsInfo?cards=" + "[" * 20_000)
    assert reply.status == 400
    assert reply.json["error"].endswith("is not of type 'array'")


def test_a_preset_may_nest_as_deep_as_it_likes(server: Server) -> None:
    config: Any = {}
    for _ in range(400):
        config = {"a": config}
    reply = server.send("POST", "/saveDeckConfig", {"config": {"id": 1, **config}})
    assert reply.json["error"] in (
        None,
        "the request is nested too deeply",
        "the JSON is nested too deeply",
    )


def test_an_error_text_shows_no_megabytes(server: Server) -> None:
    name = "x" * 1_000_000
    for params in ({"cards": [name]}, {name: 1}, {"cards": {name: 1}}):
        reply = server.send("POST", "/cardsInfo", params)
        assert reply.status == 400
        assert len(reply.body) < 1000
    note = {"deckName": "Default", "modelName": "Basic", "fields": {name: 5}}
    assert len(server.send("POST", "/addNote", {"note": note}).body) < 1000


# Depths that would fill the stack of Anki's process, and so end it

DEEP = 100_000


@pytest.mark.parametrize(
    "query",
    [
        "(" * DEEP,
        "(" * DEEP + "a" + ")" * DEEP,
        "-(" * DEEP + "a" + ")" * DEEP,
        "re:" + "(" * DEEP,
        '(")" ' * DEEP,  # what is in quotes closes nothing
        "(\\) " * DEEP,
        "a) " * DEEP + "(" * DEEP,
    ],
    ids=lambda query: query[:8],
)
@pytest.mark.parametrize("action", ["findNotes", "findCards", "findCardsInfo", "notesInfo", "guiBrowse"])
def test_brackets_in_a_search_have_an_end(server: Server, action: str, query: str) -> None:
    reply = server.send("POST", f"/{action}", {"query": query})
    assert reply.json["error"] == "query: brackets should be nested 100 deep at most"


def test_a_search_may_have_many_brackets_side_by_side(server: Server) -> None:
    query = " or ".join(['("a(" \\( b)'] * 300)
    assert server.send("POST", "/findNotes", {"query": query}).json["result"] == []
    query = "(" * 30 + "deck:current" + ")" * 30
    assert server.send("POST", "/findNotes", {"query": query}).json["result"] == []


@pytest.mark.parametrize(
    "front",
    [
        "{{#Front}}" * DEEP,
        "{{Front}}" + "{{ ^Front}}" * DEEP + "{{/Front}}" * DEEP,
        "{{=<% %>=}}" + "<%#Front%>{{/Front}}" * DEEP,
        "{{#Front}}<!--{{/Front}}-->" * DEEP,
        "<!--{{#Front}}-->" * DEEP,
    ],
    ids=lambda front: front[:30],
)
def test_conditions_in_a_template_have_an_end(server: Server, front: str) -> None:
    model = {"name": "Basic", "templates": {"Card 1": {"Front": front}}}
    reply = server.send("POST", "/updateModelTemplates", {"model": model})
    assert reply.json["error"] == "conditions in a template should be nested 200 deep at most"


def test_a_template_may_have_many_conditions_side_by_side(server: Server) -> None:
    front = "{{Front}}" + "{{#Front}}{{^Back}}x{{/Back}}{{/Front}}" * 1000
    model = {"name": "Basic", "templates": {"Card 1": {"Front": front}}}
    assert server.send("POST", "/updateModelTemplates", {"model": model}).status == 200


def test_levels_of_tags_and_decks_have_an_end(server: Server) -> None:
    (card,) = add_cards(server, "a")
    note = server.send("GET", f"/cardsToNotes?cards={card}").json["result"][0]
    deepest = "::".join(["a"] * 100)
    assert server.send("POST", "/addTags", {"notes": [note], "tags": deepest}).status == 200
    assert server.look("str(type(col.tags.tree()))")  # as the browser shows it
    for action, params in (
        ("addTags", {"notes": [note], "tags": f"{deepest}::a"}),
        ("updateNoteTags", {"note": note, "tags": ["b", f"{deepest}::a"]}),
        ("updateNote", {"note": {"id": note, "tags": [f"{deepest}::a"]}}),
        ("addNote", {"note": basic("b", tags=[f"{deepest}::a"])}),
        (
            "replaceTags",
            {"notes": [note], "tag_to_replace": deepest, "replace_with_tag": "::".join("a" * DEEP)},
        ),
        ("createDeck", {"deck": "::".join("a" * DEEP)}),
        ("changeDeck", {"cards": [card], "deck": f"{deepest}::a"}),
    ):
        reply = server.send("POST", f"/{action}", params)
        assert reply.status == 400
        assert reply.json["error"].endswith("has more than 100 levels"), reply.json


# Numbers that Anki would cut to size, or could not read again


@pytest.fixture
def examples(example_collection: Path, tmp_path: Path) -> Iterator[HeadlessServer]:
    server = HeadlessServer(Path(shutil.copy(example_collection, tmp_path / "collection.anki2")))
    yield server
    server.close()


REVIEW = {"id": 1600000000000, "cid": CARD, "usn": -1, "ease": 3, "ivl": 5, "lastIvl": 4, "factor": 2500}
REVIEW.update(time=1000, type=1)


@pytest.mark.parametrize(
    ("member", "value"),
    [("id", 0), ("id", 2**62), ("ivl", 2**40), ("lastIvl", -(2**40)), ("factor", -1), ("time", 2**32)],
)
def test_a_review_that_anki_could_not_read_is_refused(
    examples: HeadlessServer, member: str, value: int
) -> None:
    reply = examples.send("POST", "/insertReviews", {"reviews": [list({**REVIEW, member: value}.values())]})
    assert reply.status == 400
    assert reply.json["error"].startswith(f"reviews[0]: {member}: {value} is not from ")
    assert examples.look("col.db.scalar('select count() from revlog')") == 0
    assert examples.look("col.fix_integrity()[1]") is True


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("factor", 70000),
        ("flags", 256),
        ("due", 2**31),
        ("ivl", -1),
        ("ord", 65536),
        ("queue", 255),
        ("type", 4),
    ],
)
def test_a_card_value_that_anki_would_cut_is_refused(
    examples: HeadlessServer, key: str, value: int
) -> None:
    params = {"card": CARD, "keys": [key], "newValues": [value], "warning_check": True}
    before = examples.runtime.run_on_collection(dump)
    ((saved, reason),) = examples.send("POST", "/setSpecificValueOfCard", params).json["result"]
    assert saved is False
    assert reason.startswith(f"{key}: {value} is not from ")
    assert examples.runtime.run_on_collection(dump) == before


@pytest.mark.parametrize(
    ("action", "params", "text"),
    [
        (
            "setEaseFactors",
            {"cards": [CARD], "easeFactors": [70000]},
            "easeFactors[0]: 70000 is not",
        ),
        (
            "setEaseFactors",
            {"cards": [CARD], "easeFactors": [-1]},
            "easeFactors[0]: -1 is not from 0",
        ),
        ("setDueDate", {"cards": [CARD], "days": "4294967295"}, "days should be 1000000 at most"),
        ("setDueDate", {"cards": [CARD], "days": "9" * 5000}, "days should be like"),
        (
            "repositionNewCards",
            {"orderedCardIds": [CARD], "startPosition": 2**31, "step": 1, "shift": False},
            "startPosition and step lead to positions up to 2147483649",
        ),
        (
            "repositionNewCards",
            {"orderedCardIds": [CARD], "startPosition": 1, "step": 2**31 - 2, "shift": True},
            "startPosition and step lead to positions up to",
        ),
        ("exportPackage", {"deck": "Default", "path": "~a\0b"}, "holds a NUL character"),
        ("importPackage", {"path": "~a\0b"}, "holds a NUL character"),
        ("storeMediaFile", {"filename": "a.bin", "path": "/dev/zero"}, "path should name an ordinary file"),
    ],
)
def test_what_can_not_be_stored_is_refused(
    examples: HeadlessServer, action: str, params: dict[str, Any], text: str
) -> None:
    before = examples.runtime.run_on_collection(dump)
    reply = examples.send("POST", f"/{action}", params)
    assert reply.status == 400
    assert text in reply.json["error"]
    assert examples.runtime.run_on_collection(dump) == before


def test_an_answer_may_have_taken_ages(examples: HeadlessServer) -> None:
    answers = [{"cardId": CARD, "ease": 3, "timeTaken": 2**62}]
    assert examples.send("POST", "/answerCards", {"answers": answers}).json["result"] == [True]
    assert examples.look("col.db.scalar('select time from revlog')") == 60_000  # the preset's maximum
