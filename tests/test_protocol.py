"""`POST /`: requests, replies and errors of every version."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from addon.routes import json_body, responses

from .conftest import HeadlessServer, Server


def rpc(server: Server, message: Any, **headers: str) -> Any:
    reply = server.send("POST", "/", message, **headers)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    return reply.json


@pytest.mark.parametrize("version", [1, 2, 3, 4, 0, -1])
def test_old_versions_get_the_bare_result(server: Server, version: int) -> None:
    assert rpc(server, {"action": "deckNames", "version": version}) == ["Default"]


def test_a_missing_version_means_4(server: Server) -> None:
    assert rpc(server, {"action": "version"}) == 6


@pytest.mark.parametrize("version", [5, 6, 6.0, 7])
def test_new_versions_get_two_members(server: Server, version: float) -> None:
    reply = server.send("POST", "/", {"action": "version", "version": version})
    assert reply.body == b'{"result":6,"error":null}'


@pytest.mark.parametrize("version", [4, 6])
def test_an_error_has_two_members_at_every_version(server: Server, version: int) -> None:
    reply = rpc(server, {"action": "nope", "version": version})
    assert reply == {"result": None, "error": "unsupported action"}


def test_with_api_null_errors_old_versions_get_a_bare_null(headless: HeadlessServer) -> None:
    headless.settings = headless.settings.__class__(apiNullErrors=True)
    assert rpc(headless, {"action": "nope"}) is None
    assert rpc(headless, {"action": "nope", "version": 5})["error"] == "unsupported action"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ([], "[] is not of type 'object'"),
        ({}, "'action' is a required property"),
        ({"action": ""}, "'' should be non-empty"),
        ({"action": 5}, "5 is not of type 'string'"),
        ({"action": "version", "version": "6"}, "'6' is not of type 'integer'"),
        ({"action": "version", "version": None}, "null is not of type 'integer'"),
        ({"action": "version", "version": True}, "True is not of type 'integer'"),
        ({"action": "version", "params": []}, "[] is not of type 'object'"),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(server: Server, message: Any, text: str) -> None:
    assert rpc(server, message) == {"result": None, "error": text}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"nonsense", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"action": "version"', "Expecting ',' delimiter"),
        (b'{"action": "\xff"}', "can't decode"),
        (b'{"action": "version", "version": NaN}', "NaN is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_body_that_is_not_json_gets_the_parsers_text(server: Server, body: bytes, text: str) -> None:
    assert text in rpc(server, body)["error"]


def test_null_params_are_no_params(server: Server) -> None:
    assert rpc(server, {"action": "deckNames", "params": None}) == ["Default"]


def test_white_space_around_the_body_is_fine(server: Server) -> None:
    assert rpc(server, b' \r\n {"action": "version"}\n\n') == 6


@pytest.mark.parametrize(
    "content_type",
    ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "application/octet-stream"],
)
def test_the_content_type_does_not_matter(server: Server, content_type: str) -> None:
    assert rpc(server, {"action": "version"}, Content_Type=content_type) == 6


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", "//", "/some/where"])
def test_every_method_and_path_takes_action_json(server: Server, method: str, path: str) -> None:
    reply = server.send(method, path, {"action": "deckNames"})
    assert (reply.status, reply.json) == (200, ["Default"])


@pytest.mark.parametrize("path", ["/", "//"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_body_gets_the_banner(server: Server, method: str, path: str) -> None:
    reply = server.send(method, path)
    assert reply.json == {"apiVersion": "AnkiConnect v.6"}
    assert reply.headers["content-type"] == "application/json"


def test_head_is_answered_without_a_body(server: Server) -> None:
    reply = server.send("HEAD", "/")
    assert (reply.status, reply.body) == (200, b"")


def test_an_unknown_parameter_is_named(server: Server) -> None:
    reply = rpc(server, {"action": "deckNames", "version": 6, "params": {"x": 1}})
    assert reply["error"] == "AnkiConnect.deckNames() got an unexpected keyword argument 'x'"


def test_a_missing_parameter_is_named(server: Server) -> None:
    reply = rpc(server, {"action": "modelFieldNames", "version": 6})
    missing = "missing 1 required positional argument: 'modelName'"
    assert reply["error"] == f"AnkiConnect.modelFieldNames() {missing}"


def test_several_missing_parameters_are_named_in_pythons_words(server: Server) -> None:
    two = rpc(server, {"action": "changeDeck", "version": 6})["error"]
    three = rpc(server, {"action": "createModel", "version": 6})["error"]
    assert two.endswith("missing 2 required positional arguments: 'cards' and 'deck'")
    assert three.endswith(
        "missing 3 required positional arguments: 'modelName', 'inOrderFields', and 'cardTemplates'"
    )


def test_a_wrong_type_is_told_with_its_place_and_value(server: Server) -> None:
    params = {"cards": [1, "x"]}
    reply = rpc(server, {"action": "findCards", "version": 6, "params": {"query": 5}})
    assert reply["error"] == "query: 5 is not of type 'string'"
    reply = rpc(server, {"action": "cardsInfo", "version": 6, "params": params})
    assert reply["error"] == "cards[1]: 'x' is not of type 'integer'"


def test_a_missing_member_is_named_with_its_path(server: Server) -> None:
    note = {"deckName": "Default", "fields": {}}
    reply = rpc(server, {"action": "addNote", "version": 6, "params": {"note": note}})
    assert reply["error"] == "note.modelName: 'modelName' is a required property"


def test_half_a_surrogate_pair_is_no_text(server: Server) -> None:
    body = b'{"action": "findNotes", "version": 6, "params": {"query": "\\ud800"}}'
    reply = rpc(server, body)["error"]
    assert reply == "query: '\\ud800' holds half a surrogate pair, which is no character"


def test_a_bug_of_ours_is_logged_and_told_without_a_trace(
    headless: HeadlessServer, caplog: pytest.LogCaptureFixture
) -> None:
    headless.runtime.profile = None  # type: ignore[assignment,method-assign]
    reply = headless.send("POST", "/notesInfo", {"notes": []})
    assert reply.status == 500
    assert reply.json["error"] == "internal error: TypeError: 'NoneType' object is not callable"
    assert "Traceback" in caplog.text


# Keys


@pytest.fixture
def locked(headless: HeadlessServer) -> HeadlessServer:
    headless.settings = headless.settings.__class__(apiKey="sécret")
    return headless


@pytest.mark.parametrize("key", [None, "", "wrong", 5, ["sécret"]])
def test_without_the_right_key_nothing_is_done(locked: HeadlessServer, key: Any) -> None:
    message = {"action": "deckNames", "version": 6, "key": key}
    assert rpc(locked, message)["error"] == "valid api key must be provided"
    assert locked.send("POST", "/deckNames", {"key": key}).status == 401


def test_the_key_opens_the_api(locked: HeadlessServer) -> None:
    assert rpc(locked, {"action": "deckNames", "key": "sécret"}) == ["Default"]
    assert locked.send("POST", "/deckNames", {"key": "sécret"}).status == 200
    assert locked.send("GET", "/deckNames?key=s%C3%A9cret").status == 200


@pytest.mark.parametrize("header", ["X_API_Key", "Authorization"])
def test_the_key_may_come_in_a_header(headless: HeadlessServer, header: str) -> None:
    headless.settings = headless.settings.__class__(apiKey="abc")
    value = "Bearer abc" if header == "Authorization" else "abc"
    assert headless.send("GET", "/deckNames", **{header: value}).status == 200


def test_the_elements_of_a_multi_need_no_key_of_their_own(locked: HeadlessServer) -> None:
    params = {"actions": [{"action": "deckNames"}]}
    assert rpc(locked, {"action": "multi", "key": "sécret", "params": params}) == [["Default"]]


def test_a_superfluous_key_is_ignored(server: Server) -> None:
    assert rpc(server, {"action": "deckNames", "key": "abc"}) == ["Default"]
    assert server.send("POST", "/deckNames", {"key": "abc"}).status == 200


def test_permission_tells_whether_a_key_is_needed(headless: HeadlessServer, locked: HeadlessServer) -> None:
    granted = {"permission": "granted", "requireApikey": True, "requireApiKey": True, "version": 6}
    assert rpc(locked, {"action": "requestPermission"}) == granted


# multi


def test_multi_keeps_order_and_the_shape_of_each_version(server: Server) -> None:
    actions = [
        {"action": "version"},
        {"action": "deckNames", "version": 6},
        {"action": "nope"},
        {"action": "version", "version": 5},
        {"action": "modelFieldNames", "params": {"modelName": "Basic"}},
        7,
    ]
    assert rpc(server, {"action": "multi", "version": 6, "params": {"actions": actions}}) == {
        "result": [
            6,
            {"result": ["Default"], "error": None},
            {"result": None, "error": "unsupported action"},
            {"result": 6, "error": None},
            ["Front", "Back"],
            {"result": None, "error": "7 is not of type 'object'"},
        ],
        "error": None,
    }


def test_multi_may_be_empty_and_may_nest(server: Server) -> None:
    assert rpc(server, {"action": "multi", "params": {"actions": []}}) == []
    inner = {"action": "multi", "version": 6, "params": {"actions": [{"action": "version"}]}}
    assert rpc(server, {"action": "multi", "params": {"actions": [inner]}}) == [
        {"result": [6], "error": None}
    ]


def test_multi_may_not_nest_without_end(server: Server) -> None:
    message: dict[str, Any] = {"action": "version"}
    for _ in range(60):
        message = {"action": "multi", "params": {"actions": [message]}}
    reply = rpc(server, message)
    for _ in range(20):
        (reply,) = reply
    assert reply["error"] == "multi should be nested 20 deep at most"


def test_in_a_multi_each_element_sees_what_the_earlier_ones_did(server: Server) -> None:
    note = {"deckName": "New", "modelName": "Basic", "fields": {"Front": "a"}}
    actions: list[dict[str, Any]] = [
        {"action": "createDeck", "params": {"deck": "New"}},
        {"action": "addNote", "params": {"note": note}},
        {"action": "addNote", "params": {"note": note}},
        {"action": "findNotes", "params": {"query": "deck:New"}},
    ]
    _deck, added, refused, found = rpc(server, {"action": "multi", "params": {"actions": actions}})
    assert refused["error"] == "cannot create note because it is a duplicate"
    assert found == [added]
    assert server.look("col.undo_status().undo") == "AnkiConnect: several changes"


def test_neighbours_in_a_multi_that_do_the_same_share_its_name(server: Server) -> None:
    actions = [{"action": "createDeck", "params": {"deck": name}} for name in ("A", "B", "C")]
    rpc(server, {"action": "multi", "params": {"actions": actions}})
    assert server.look("col.undo_status().undo") == "AnkiConnect: create deck"
    assert server.look("(col.undo(), len(col.decks.all_names_and_ids()))[1]") == 1


def test_a_multi_of_hundreds_is_answered_in_order(server: Server) -> None:
    actions = [
        {"action": "apiReflect", "params": {"scopes": ["actions"], "actions": [f"x{n}", "version"]}}
        if n % 2
        else {"action": "findNotes", "params": {"query": f"nid:{n}"}}
        for n in range(300)
    ]
    replies = rpc(server, {"action": "multi", "params": {"actions": actions}})
    assert replies == [{"scopes": ["actions"], "actions": ["version"]} if n % 2 else [] for n in range(300)]


# What the API says of itself


def test_reflect_lists_actions_sorted_or_the_known_ones_of_those_asked_for(server: Server) -> None:
    reply = rpc(server, {"action": "apiReflect", "params": {"scopes": ["actions", "other"]}})
    assert reply["scopes"] == ["actions"]
    assert reply["actions"] == sorted(reply["actions"])
    assert {"version", "guiBrowse", "upgrade"} < set(reply["actions"])
    params = {"scopes": ["actions"], "actions": ["version", "nope", 5, "addNote"]}
    assert rpc(server, {"action": "apiReflect", "params": params})["actions"] == ["version", "addNote"]
    assert rpc(server, {"action": "apiReflect", "params": {"scopes": []}}) == {"scopes": []}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, "scopes has invalid value"),
        ({"scopes": "actions"}, "scopes has invalid value"),
        ({"scopes": ["actions"], "actions": "version"}, "actions has invalid value"),
    ],
)
def test_reflect_refuses_what_is_not_a_list(server: Server, params: dict[str, Any], text: str) -> None:
    assert rpc(server, {"action": "apiReflect", "version": 6, "params": params})["error"] == text


def test_replies_are_json_whatever_the_characters(server: Server) -> None:
    rpc(server, {"action": "createDeck", "params": {"deck": "日本語 \U0001f600"}})
    body = server.send("POST", "/", {"action": "deckNames"}).body
    assert json.loads(body) == ["Default", "日本語 \U0001f600"]


@pytest.mark.parametrize("value", ["猫", "\x00\u2028", "\ud800", 10**30, [0.1, -0.0, 1e300]], ids=ascii)
def test_a_reply_carries_any_value(server: Server, value: Any) -> None:
    # What it was given comes back in the text of the error.
    reply = server.send("POST", "/", {"action": "cardsInfo", "version": 6, "params": {"cards": [value]}})
    assert set(reply.json) == {"result", "error"}
    assert reply.json["error"] and reply.json["result"] is None


def test_replies_are_the_same_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"result": ["猫", 1.5, None, True, {"a": [2**63, ""]}], "error": None}
    fast = responses.dumps(value)
    monkeypatch.setattr(responses, "_orjson", None)
    assert responses.dumps(value) != fast  # letters outside of ASCII are escaped
    assert json.loads(responses.dumps(value)) == json.loads(fast) == value


@pytest.mark.parametrize("value", [{1: "a"}, [2**70], "\ud800"], ids=ascii)
def test_what_orjson_refuses_is_encoded_too(value: Any) -> None:
    assert responses.dumps(value) == json.dumps(value, separators=(",", ":")).encode()


def test_large_requests_are_read_one_at_a_time(
    headless: HeadlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = []

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        turns.append(json_body._large.locked())
        with json_body._large:
            yield

    monkeypatch.setattr(json_body, "_turn_of_large", turn)
    padding = {"unused": "x" * 1_100_000}
    multi = {"action": "multi", "params": {"actions": [{"action": "version"}]}}
    assert rpc(headless, {"action": "version", **padding}) == 6
    assert headless.send("POST", "/version", json.dumps({}).encode().ljust(1_100_000)).json["result"] == 6
    assert turns == [False, False]
    assert rpc(headless, {**multi, **padding}) == [6]  # its elements are read in a turn of their own
    assert turns == [False] * 4
    assert rpc(headless, multi) == [6]
    with json_body._large:  # is not waited for by what is small
        assert rpc(headless, {"action": "version"}) == 6
    assert turns == [False] * 4


def test_a_large_request_waits_for_the_one_that_is_read(headless: HeadlessServer) -> None:
    replies: list[Any] = []
    body = json.dumps({"action": "version"}).encode().ljust(1_100_000)
    sender = threading.Thread(target=lambda: replies.append(rpc(headless, body)))
    with json_body._large:
        sender.start()
        sender.join(0.3)
        assert sender.is_alive()
    sender.join()
    assert replies == [6]
