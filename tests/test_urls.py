"""One URL per action: parameters, methods and statuses."""

from __future__ import annotations

from typing import Any

import pytest

from addon.actions import Kind, registry

from .conftest import HeadlessServer, Server

READS = sorted(action.name for action in registry.values() if action.kind is Kind.READ)
OTHERS = sorted(action.name for action in registry.values() if action.kind is not Kind.READ)


@pytest.mark.parametrize("name", READS)
def test_reads_take_get_and_post(headless: HeadlessServer, name: str) -> None:
    assert headless.send("GET", f"/{name}").status != 405
    assert headless.send("POST", f"/{name}", {}).status != 405


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_everything_else_takes_post_only(headless: HeadlessServer, name: str, method: str) -> None:
    reply = headless.send(method, f"/{name}", {} if method == "GET" else None)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"null"])
def test_a_body_that_holds_nothing_gives_no_parameters(headless: HeadlessServer, body: bytes) -> None:
    assert headless.send("POST", "/version", body).json == {"result": 6, "error": None}


def test_a_405_is_an_envelope_too(server: Server) -> None:
    reply = server.send("GET", "/createDeck?deck=A")
    assert reply.json == {"result": None, "error": "GET is not allowed here"}
    assert server.send("POST", "/deckNames").json["result"] == ["Default"]


def test_the_reply_is_the_two_member_envelope(server: Server) -> None:
    assert server.send("GET", "/version").body == b'{"result":6,"error":null}'
    assert server.send("GET", "/version/").body == b'{"result":6,"error":null}'


def test_ids_in_the_query_repeat_or_are_json(server: Server) -> None:
    for query in ("cards=1&cards=2", "cards=[1,2]", 'cards=["1", 2]'):
        reply = server.send("GET", f"/areSuspended?{query.replace(' ', '%20')}")
        assert reply.json == {"result": [None, None], "error": None}


def test_booleans_in_the_query_are_words(server: Server) -> None:
    for word in ("true", "1", "TRUE"):
        reply = server.send("GET", f"/getIntervals?cards=1&complete={word}")
        assert reply.json["result"] == [[]]
    assert server.send("GET", "/getIntervals?cards=1&complete=false").json["result"] == [None]
    refused = server.send("GET", "/getIntervals?cards=1&complete=perhaps")
    assert refused.json["error"] == "complete: 'perhaps' is not of type 'boolean'"


def test_text_in_the_query_stays_text(server: Server) -> None:
    assert server.send("GET", "/findNotes?query=5").json["result"] == []
    assert server.send("GET", "/findNotes?query=").json["result"] == []
    reply = server.send("GET", "/modelFieldNames?modelName=%5B%5D")
    assert (reply.status, reply.json["error"]) == (404, "model was not found: []")


def test_objects_in_the_query_are_json(server: Server) -> None:
    reply = server.send("GET", '/canAddNotes?notes=[{"deckName":"Default"}]')
    assert reply.json["result"] == [False]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/findCards?query=deck:(", None, 400),
        ("GET", "/cardsInfo?cards=x", None, 400),
        ("GET", "/cardsInfo", None, 400),
        ("GET", "/deckNames?x=1", None, 400),
        ("POST", "/cardsInfo", [1], 400),
        ("POST", "/cardsInfo", b"{", 400),
        ("GET", "/modelFieldNames?modelName=Nope", None, 404),
        ("POST", "/suspend", {"cards": [1]}, 404),
        ("GET", "/nope", None, 404),
        ("POST", "/nope", {"x": 1}, 404),
        ("GET", "/deck/names", None, 404),
    ],
)
def test_failures_have_their_status(server: Server, method: str, path: str, body: Any, status: int) -> None:
    reply = server.send(method, path, body)
    assert reply.status == status
    assert reply.json["result"] is None
    assert reply.json["error"]


def test_an_unknown_action_is_unsupported(server: Server) -> None:
    assert server.send("GET", "/nope").json["error"] == "unsupported action"


def test_gui_actions_need_a_window(headless: HeadlessServer) -> None:
    reply = headless.send("POST", "/guiDeckBrowser", {})
    assert reply.status == 501
    assert reply.json["error"] == "this action needs Anki's window, and this server runs without one"


def test_a_closed_collection_is_not_available(headless: HeadlessServer) -> None:
    headless.runtime.close()
    reply = headless.send("GET", "/deckNames")
    assert (reply.status, reply.json["error"]) == (503, "collection is not available")
    assert headless.send("GET", "/version").status == 200
