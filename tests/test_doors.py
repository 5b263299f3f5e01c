"""Which web pages may use the API."""

from __future__ import annotations

import pytest

from .conftest import HeadlessServer, Server

VERSION = {"action": "version"}
ASK = {"action": "requestPermission", "version": 6}


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:3000",
        "https://localhost",
        "http://127.0.0.1",
        "https://127.0.0.1:8443",
        "http://[::1]:8080",
        "chrome-extension://abcdef",
        "moz-extension://0a1b",
        "safari-web-extension://x",
    ],
)
def test_local_pages_and_extensions_are_let_in(server: Server, origin: str) -> None:
    reply = server.send("POST", "/", VERSION, Origin=origin)
    assert (reply.status, reply.json) == (200, 6)
    assert reply.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "null",
        "app://obsidian.md",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://example.com/http://localhost",
        "https://127x0x0x1",
    ],
)
@pytest.mark.parametrize("path", ["/", "/version", "/nope"])
def test_other_pages_are_refused(server: Server, origin: str, path: str) -> None:
    for method, body in (("POST", VERSION), ("POST", b"{"), ("GET", None)):
        reply = server.send(method, path, body, Origin=origin)
        assert reply.status == 403
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["access-control-allow-origin"] == "http://localhost"


def test_a_refused_page_changes_nothing(server: Server) -> None:
    message = {"action": "createDeck", "params": {"deck": "X"}}
    server.send("POST", "/", message, Origin="https://example.com")
    server.send("POST", "/createDeck", {"deck": "X"}, Origin="https://example.com")
    assert server.send("GET", "/deckNames").json["result"] == ["Default"]


def test_programs_send_no_origin_and_are_let_in(server: Server) -> None:
    reply = server.send("POST", "/", VERSION)
    assert reply.headers["access-control-allow-origin"] == "http://localhost"


def test_a_listed_origin_is_let_in(headless: HeadlessServer) -> None:
    headless.settings = headless.settings.__class__(
        webCorsOriginList=["app://obsidian.md"], webCorsOrigin="https://example.com"
    )
    for origin in ("app://obsidian.md", "https://example.com"):
        reply = headless.send("POST", "/", VERSION, Origin=origin)
        assert reply.headers["access-control-allow-origin"] == origin
    assert headless.send("POST", "/", VERSION, Origin="http://127.0.0.1").status == 403


def test_a_star_lets_in_everyone(headless: HeadlessServer) -> None:
    headless.settings = headless.settings.__class__(webCorsOriginList=["*"])
    reply = headless.send("POST", "/", VERSION, Origin="https://example.com")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "*")


def test_anyone_may_ask_for_permission(server: Server) -> None:
    granted = server.send("POST", "/", ASK)
    assert granted.json["result"] == {
        "permission": "granted",
        "requireApikey": False,
        "requireApiKey": False,
        "version": 6,
    }
    for path, body in (("/", ASK), ("/requestPermission", {})):
        denied = server.send("POST", path, body, Origin="https://example.com")
        assert denied.json == {"result": {"permission": "denied"}, "error": None}
        assert denied.headers["access-control-allow-origin"] == "https://example.com"


def test_the_origin_that_asks_is_not_the_callers_to_name(server: Server) -> None:
    params = {"allowed": True, "origin": "http://localhost"}
    reply = server.send("POST", "/", {**ASK, "params": params}, Origin="https://example.com")
    assert "unexpected keyword argument" in reply.json["error"]


def test_preflight_is_answered_for_private_networks_too(server: Server) -> None:
    reply = server.send(
        "OPTIONS",
        "/",
        Origin="https://example.com",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Private_Network="true",
    )
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["access-control-allow-headers"] == "*"
    assert reply.headers["access-control-allow-private-network"] == "true"
    assert reply.headers["vary"] == "Origin"
