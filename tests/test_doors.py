"""Which web pages and names may use the API, over real sockets."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from addon.app import create_app
from addon.core.context import RequestContext
from addon.core.dispatch import RpcMessage, resolve
from addon.core.errors import Forbidden
from addon.core.settings import Settings
from addon.settings_sources import load

from .conftest import HeadlessServer, Reply, Wired, basic

VERSION = {"action": "version"}
ASK = {"action": "requestPermission", "version": 6}
STRANGER = "https://example.com"
OWN_NAME = socket.gethostname()


def check_refused(reply: Reply, *words: str, readable_by: str = "http://localhost") -> None:
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/json"
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert reply.headers["access-control-allow-origin"] == readable_by
    assert set(reply.json) == {"result", "error"}
    assert reply.json["result"] is None
    assert all(word in reply.json["error"] for word in words)


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
def test_local_pages_and_extensions_are_let_in(wired: Wired, origin: str) -> None:
    reply = wired.send("POST", "/", VERSION, Origin=origin)
    assert (reply.status, reply.json) == (200, 6)
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        STRANGER,
        "null",
        "app://obsidian.md",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://example.com/http://localhost",
        "https://127x0x0x1",
        "http://localhost:80@example.com",
        "HTTP://LOCALHOST.evil",
    ],
)
def test_other_pages_are_refused_whatever_they_ask(wired: Wired, origin: str) -> None:
    for path in ("/", "//", "/version", "/nope", "/_page/page.js", "/requestPermissions"):
        for method, body in (
            ("POST", VERSION),
            ("POST", b"{"),
            ("POST", {"action": "multi", "params": {"actions": [ASK]}}),
            ("GET", None),
            ("PUT", VERSION),
            ("PROPFIND", None),
        ):
            reply = wired.send(method, path, body, Origin=origin, Accept="text/html")
            check_refused(reply, origin, "requestPermission", "webCorsOriginList", readable_by=origin)


@pytest.mark.parametrize(
    "path",
    [
        "/requestPermission//",
        "//requestPermission//",
        "/requestPermission/%2f",
        "/%2f/requestPermission/",
        "/requestPermission/x",
        "/createDeck",
        "/deckNames",
        "/healthz",
    ],
)
def test_no_spelling_of_a_url_lets_a_page_do_more_than_ask(wired: Wired, path: str) -> None:
    wired.configure(ignoreOriginList=[STRANGER])
    create = {"action": "createDeck", "version": 6, "params": {"deck": "X"}}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert wired.send(method, path, create, Origin=STRANGER).json["error"]
    for method in ("POST", "GET", "PUT"):
        for body in ({**ASK, "deck": "X"}, {**create, "action": "requestPermission"}):
            reply = wired.send(method, path, body, Origin=STRANGER)
            assert reply.status == 403 or reply.json["result"] in ({"permission": "denied"}, None)
    assert wired.send("GET", "/deckNames").json["result"] == ["Default"]


def test_the_core_performs_nothing_else_for_a_page_either(headless: HeadlessServer) -> None:
    """Should the door ever take one request for another."""
    call = RequestContext(headless.runtime, headless.settings, origin=STRANGER, allowed=False)
    ask = {"action": "requestPermission", "version": 6}
    version = {"action": "version", "version": 6}
    multi = {"action": "multi", "version": 6, "params": {"actions": [version]}}
    assert RpcMessage(ask, call).answer()["result"] == {"permission": "denied"}
    for message in (version, multi):
        assert STRANGER in RpcMessage(message, call).answer()["error"]
    with pytest.raises(Forbidden):
        resolve("version", {}, call)


def test_a_long_origin_or_host_is_told_in_short(wired: Wired) -> None:
    for headers in ({"Origin": "https://" + "x" * 50_000}, {"Host": "x" * 50_000 + ".com"}):
        reply = wired.send("POST", "/", VERSION, **headers)
        assert (reply.status, len(reply.body) < 1000) == (403, True)


def test_a_refused_page_gets_no_head_either(wired: Wired) -> None:
    reply = wired.send("HEAD", "/version", Origin=STRANGER)
    assert (reply.status, reply.body) == (403, b"")


def test_a_refused_page_changes_nothing(wired: Wired) -> None:
    message = {"action": "createDeck", "params": {"deck": "X"}}
    wired.send("POST", "/", message, Origin=STRANGER)
    wired.send("POST", "/createDeck", {"deck": "X"}, Origin=STRANGER)
    assert wired.send("GET", "/deckNames").json["result"] == ["Default"]


def test_programs_send_no_origin_and_are_let_in(wired: Wired) -> None:
    reply = wired.send("POST", "/", VERSION)
    assert reply.headers["access-control-allow-origin"] == "http://localhost"


def test_a_listed_origin_is_let_in(wired: Wired) -> None:
    wired.configure(webCorsOriginList=["app://obsidian.md"], webCorsOrigin=STRANGER)
    for origin in ("app://obsidian.md", STRANGER):
        reply = wired.send("POST", "/", VERSION, Origin=origin)
        assert reply.headers["access-control-allow-origin"] == origin
    assert wired.send("POST", "/", VERSION, Origin="http://127.0.0.1").status == 403


def test_a_star_lets_in_everyone(wired: Wired) -> None:
    wired.configure(webCorsOriginList=["*"])
    reply = wired.send("POST", "/", VERSION, Origin=STRANGER)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "*")


def test_an_allowed_page_can_read_why_an_action_is_refused(wired: Wired) -> None:
    wired.configure(apiReadOnly=True)
    reply = wired.send("POST", "/createDeck", {"deck": "X"}, Origin="http://localhost:3000")
    assert reply.status == 403
    assert reply.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_anyone_may_ask_for_permission(wired: Wired) -> None:
    wired.configure(ignoreOriginList=[STRANGER])
    granted = wired.send("POST", "/", ASK)
    assert granted.json["result"] == {
        "permission": "granted",
        "requireApikey": False,
        "requireApiKey": False,
        "version": 6,
    }
    for path, body in (("/", ASK), ("/requestPermission", {})):
        denied = wired.send("POST", path, body, Origin=STRANGER)
        assert denied.json == {"result": {"permission": "denied"}, "error": None}
        assert denied.headers["access-control-allow-origin"] == STRANGER


def test_a_question_that_is_no_question_is_not_read(wired: Wired) -> None:
    wired.configure(ignoreOriginList=[STRANGER])
    reply = wired.send("POST", "/", {**ASK, "more": "x" * 100_000}, Origin=STRANGER)
    check_refused(reply, STRANGER, readable_by=STRANGER)


@pytest.mark.parametrize("path", ["/", "/requestPermission"])
@pytest.mark.parametrize("headers", [f"Origin: {STRANGER}", "Host: example.com", "Origin: null"])
def test_a_large_body_of_a_stranger_is_not_waited_for(wired: Wired, headers: str, path: str) -> None:
    host = "" if headers.startswith("Host") else "Host: localhost\r\n"
    for length in ("Content-Length: 500000000", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", wired.port), timeout=5) as sock:
            sock.sendall(f"POST {path} HTTP/1.1\r\n{host}{headers}\r\n{length}\r\n\r\n".encode())
            assert sock.recv(1000).startswith(b"HTTP/1.1 403 ")
            sock.sendall(b"x" * 1000)
    assert wired.send("GET", "/version").status == 200


def test_the_origin_that_asks_is_not_the_callers_to_name(wired: Wired) -> None:
    params = {"allowed": True, "origin": "http://localhost"}
    reply = wired.send("POST", "/", {**ASK, "params": params}, Origin=STRANGER)
    assert "unexpected keyword argument" in reply.json["error"]


def preflight(wired: Wired, origin: str, headers: str = "content-type") -> Reply:
    return wired.send(
        "OPTIONS",
        "/",
        Origin=origin,
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers=headers,
        Access_Control_Request_Private_Network="true",
    )


def test_preflight_is_answered_for_private_networks_too(wired: Wired) -> None:
    reply = preflight(wired, STRANGER)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == "0"
    assert reply.headers["access-control-allow-origin"] == STRANGER
    assert reply.headers["access-control-allow-headers"] == "*"
    assert reply.headers["access-control-allow-private-network"] == "true"
    assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/", "/addNote", "/deckNames", "/nope"])
def test_preflight_names_the_methods(wired: Wired, path: str) -> None:
    reply = wired.send("OPTIONS", path, Origin=STRANGER, Access_Control_Request_Method="PUT")
    methods = reply.headers["access-control-allow-methods"].split(", ")
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(methods)
    assert "access-control-allow-methods" not in wired.send("GET", path).headers


def test_preflight_lets_a_page_send_its_key(wired: Wired) -> None:
    reply = preflight(wired, "http://localhost", "authorization,content-type")
    assert reply.headers["access-control-allow-headers"] == "*, Authorization"


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "LOCALHOST:8765",
        "127.0.0.1:8765",
        "127.1",
        "192.168.1.5",
        "[::1]:8765",
        "[fe80::1]",
        "[::ffff:127.0.0.1]:8765",
        "app.localhost",
        OWN_NAME,
        f"{OWN_NAME.upper()}.:8765",
        OWN_NAME.partition(".")[0],
        "host.docker.internal:8765",
        "gateway.docker.internal",
        "host.containers.internal",
        "host.lima.internal",
        "host.orb.internal",
    ],
)
def test_names_that_no_stranger_can_own_are_let_in(wired: Wired, host: str) -> None:
    assert wired.send("POST", "/", VERSION, Host=host).json == 6


NETWORK = ["anki", "anki.", "mymac.local:8765", "box.lan", "evil.docker.internal", "nas.home.arpa"]


@pytest.mark.parametrize("host", NETWORK)
def test_names_of_the_network_are_let_in_where_the_server_listens_to_it(wired: Wired, host: str) -> None:
    check_refused(wired.send("POST", "/", VERSION, Host=host), "webAllowedHosts")
    wired.configure(webAllowedHosts=[host.partition(":")[0]])
    assert wired.send("POST", "/", VERSION, Host=host).json == 6


@pytest.mark.parametrize("host", NETWORK)
def test_a_server_of_a_network_is_known_by_its_names(wired: Wired, host: str) -> None:
    wired.configure(webBindAddress="0.0.0.0", apiKey="x")
    assert wired.send("POST", "/", {**VERSION, "key": "x"}, Host=host).json == 6
    assert wired.send("POST", "/", {**VERSION, "key": "x"}, Host=OWN_NAME).json == 6
    check_refused(wired.send("POST", "/", VERSION, Host="example.com"), "webAllowedHosts")


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "example.com:8765",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "1.example",
        "x.notlocal",
        "docker.internal",
        "xhost.docker.internal",
        f"{OWN_NAME}.example.com",
        f"x{OWN_NAME}",
        f"x.{OWN_NAME}",
        "example.com.",
        "localhost,example.com",
        "localhost@example.com",
        "[::1].example.com",
        "a b.com",
    ],
)
def test_a_rebound_name_is_refused_whatever_is_asked(wired: Wired, host: str) -> None:
    for method, path, body in (
        ("POST", "/", VERSION),
        ("POST", "/", ASK),
        ("GET", "/", None),
        ("GET", "/version", None),
        ("GET", "/nope", None),
        ("OPTIONS", "/", None),
        ("PROPFIND", "/", None),
    ):
        check_refused(wired.send(method, path, body, Host=host), host, "webAllowedHosts")


def test_a_listed_host_is_let_in(wired: Wired) -> None:
    wired.configure(webAllowedHosts=["Anki.Example.com"])
    assert wired.send("GET", "/version", Host="anki.example.COM:8765").status == 200
    assert wired.send("GET", "/version", Host="other.example.com").status == 403
    wired.configure(webAllowedHosts=["*"])
    assert wired.send("GET", "/version", Host="other.example.com").status == 200


LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
IMAGE = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
FRAME = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "text/html,*/*;q=0.8"}
# Under these, browsers do not say that another site is behind a request.
NOT_SECURE = ["0.0.0.0", "[::]:8765", "[::ffff:7f00:1]", "192.168.1.5", OWN_NAME, "host.docker.internal"]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "none, cross-site"])
def test_a_page_that_is_not_named_is_refused_alike_whatever_there_is(wired: Wired, site: str) -> None:
    wired.send("POST", "/createDeck", {"deck": "Secret"})
    bodies = set()
    for kind in (IMAGE, FRAME, LINK):
        for path in (
            "/getDeckDescription?deck=Secret",
            "/getDeckDescription?deck=Nope",
            "/requestPermission",
            "/createDeck?deck=X",
            "/nope",
            "/_page/page.js",
            "/healthz",
        ):
            reply = wired.send("GET", path, **{"Sec-Fetch-Site": site}, **kind)
            check_refused(reply, "another site")
            bodies.add(reply.body)
    for kind in (IMAGE, FRAME):
        for path in ("/", "/openapi.json"):
            check_refused(wired.send("GET", path, **{"Sec-Fetch-Site": site}, **kind), "another site")
    assert len(bodies) == 1


def test_a_link_leads_to_the_page_and_performs_nothing(wired: Wired) -> None:
    link = {"Sec-Fetch-Site": "cross-site", **LINK, **BROWSER}
    assert b"<h1>AnkiConnect" in wired.send("GET", "/", **link).body
    assert b"<h1>AnkiConnect" in wired.send("GET", "/?action=createDeck&deck=X", **link).body
    assert wired.send("GET", "/openapi.json", **link).json["openapi"]
    create = {"action": "createDeck", "version": 6, "params": {"deck": "X"}}
    for method in ("GET", "POST", "PUT"):
        check_refused(wired.send(method, "/", create, **link), "another site")
    assert wired.send("GET", "/deckNames").json["result"] == ["Default"]


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_a_person_types_and_the_page_asks_is_let_in(wired: Wired, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, **LINK, **BROWSER}
    assert wired.send("GET", "/deckNames", **headers).json["result"] == ["Default"]


def test_a_page_that_is_named_is_judged_by_its_name(wired: Wired) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    assert wired.send("GET", "/version", Origin="http://localhost:3000", **headers).status == 200
    assert wired.send("POST", "/", VERSION, Origin="moz-extension://0a1b", **headers).json == 6


def test_a_page_that_is_not_named_is_no_program(wired: Wired) -> None:
    """Where every page is allowed it may ask, but not as a program of this machine."""
    wired.configure(webCorsOriginList=["*"])
    image = {"Sec-Fetch-Site": "cross-site", **IMAGE}
    assert wired.send("GET", "/deckNames", **image).json["result"] == ["Default"]
    reply = wired.send("GET", "/syncStatus?username=a&password=b", **image)
    assert (reply.status, "only programs" in reply.json["error"]) == (403, True)


@pytest.mark.parametrize("host", NOT_SECURE)
def test_a_browser_that_may_hide_the_page_is_refused_without_a_key(wired: Wired, host: str) -> None:
    for path in ("/deckNames", "/requestPermission", "/nope"):
        check_refused(wired.send("GET", path, Host=host, **BROWSER), "another site")
    assert b"<h1>AnkiConnect" in wired.send("GET", "/", Host=host, **BROWSER).body
    for path in ("/_page/page.js", "/_page/page.css", "/openapi.json", "/readyz"):
        assert wired.send("GET", path, Host=host, **BROWSER).status == 200
    assert wired.send("GET", "/deckNames", Host=host).status == 200
    assert wired.send("POST", "/", VERSION, Host=host, **BROWSER).json == 6
    wired.configure(apiKey="x")  # which pages don't know
    assert wired.send("GET", "/deckNames?key=x", Host=host, **BROWSER).status == 200


@pytest.mark.parametrize("host", ["localhost", "a.localhost:1", "127.0.0.1:8765", "127.1", "[::1]:8765"])
def test_a_browser_that_tells_pages_apart_is_believed(wired: Wired, host: str) -> None:
    assert wired.send("GET", "/deckNames", Host=host, **BROWSER).status == 200


def raw(wired: Wired, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", wired.port), timeout=10) as sock:
        sock.sendall(request.encode())
        sock.shutdown(socket.SHUT_WR)
        reply = b""
        while part := sock.recv(10_000):
            reply += part
        return reply


def test_two_host_headers_and_whole_urls_are_no_way_around(wired: Wired) -> None:
    for request in (
        "GET /version HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n",
        "GET http://example.com/version HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        assert b" 403 " in raw(wired, request).splitlines()[0]
    assert raw(wired, "GET /version HTTP/1.0\r\n\r\n").endswith(b'{"result":6,"error":null}')


def test_a_page_can_not_tell_errors_from_results_without_reading_them(wired: Wired) -> None:
    for path in ("/version", "/modelFieldNames?modelName=Nope", "/nope"):
        headers = wired.send("GET", path).headers
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_can_not_be_framed(wired: Wired) -> None:
    headers = wired.send("GET", "/", Accept="text/html").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_an_error_before_anything_is_known_of_a_request_is_told_like_others(
    headless: HeadlessServer, caplog: pytest.LogCaptureFixture
) -> None:
    def settings() -> Settings:
        raise OSError("no settings")

    client = create_app(headless.runtime, settings).test_client()
    for path in ("/", "/version", "/nope", "/openapi.json"):
        reply = client.get(path)
        assert reply.status_code == 500
        assert reply.get_json() == {"result": None, "error": "internal error: OSError: no settings"}
        assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "no settings" in caplog.text


KEY = "a sécret / ключ"


@pytest.mark.parametrize(
    "headers",
    [
        {"X_API_Key": KEY.encode()},
        {"Authorization": b"Bearer " + KEY.encode()},
        {"Authorization": b"bearer " + KEY.encode()},
    ],
)
def test_the_key_opens_from_a_header(wired: Wired, headers: dict[str, Any]) -> None:
    wired.configure(apiKey=KEY)
    assert wired.send("POST", "/", VERSION).json["error"] == "valid api key must be provided"
    assert wired.send("POST", "/", VERSION, **headers).json == 6
    assert wired.send("GET", "/version", **headers).json["result"] == 6


def test_the_key_opens_from_the_body_and_the_query(wired: Wired) -> None:
    wired.configure(apiKey=KEY)
    query = "key=a%20s%C3%A9cret%20/%20%D0%BA%D0%BB%D1%8E%D1%87"
    assert wired.send("POST", "/", {**VERSION, "key": KEY}).json == 6
    assert wired.send("POST", "/version", {"key": KEY}).json["result"] == 6
    assert wired.send("POST", f"/?{query}", VERSION).json == 6
    assert wired.send("GET", f"/version?{query}").json["result"] == 6


NOTES = [basic(str(number), key="\N{GRINNING FACE}" * 10) for number in range(1000)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", {"key": KEY, **VERSION, "more": NOTES}),
        ("/", {**VERSION, "more": NOTES, "key": KEY}),
        ("/", {"more": "x" * 3_000_000, "key": KEY, **VERSION, "and": "x" * 3_000_000}),
        ("/", {"more": [{"key": "x"}] * 1000, **VERSION, "key": KEY}),
        ("/multi", {"actions": [{**VERSION, "key": None, "more": NOTES}], "key": KEY}),
        ("/multi", {"key": KEY, "actions": [{**VERSION, "key": KEY, "more": NOTES}]}),
    ],
)
def test_the_key_opens_from_a_large_body(wired: Wired, path: str, body: Any) -> None:
    """Wherever it is in it, and in each spelling of JSON."""
    wired.configure(apiKey=KEY)
    for text in (
        json.dumps(body),
        json.dumps(body, ensure_ascii=False),
        json.dumps(body, indent=4, separators=(" , ", "\t:\r\n")),
        json.dumps(body).replace('"key"', r'"\u006b\u0065\u0079"').replace("/", "\\/"),
        json.dumps(body).replace(json.dumps(KEY), '"' + "".join(f"\\u{ord(c):04X}" for c in KEY) + '"'),
    ):
        reply = wired.send("POST", path, text.encode())
        assert (reply.status, reply.json) == (200, 6 if path == "/" else {"result": [6], "error": None})


def test_a_key_of_any_characters_opens_from_a_large_body(wired_headless: Wired) -> None:
    for key in ("\N{GRINNING FACE}" * 20, '"', "\\", "\n\t", "\x7f", "key", "x" * 5000):
        wired_headless.configure(apiKey=key)
        for ascii_only in (True, False):
            text = json.dumps({**VERSION, "more": "x" * 100_000, "key": key}, ensure_ascii=ascii_only)
            assert wired_headless.send("POST", "/", text.encode()).json == 6


@pytest.mark.parametrize(
    "message",
    [
        {**VERSION},
        {"key": KEY, **VERSION, "key ": KEY, "Key": KEY},
        {**VERSION, "params": {"key": KEY}},
        {**VERSION, "key": [KEY]},
        {**VERSION, "key": KEY + "x"},
        {**VERSION, "text": f'"key": "{KEY}"'},
    ],
    ids=str,
)
def test_a_large_body_is_answered_as_a_small_one(wired: Wired, message: dict[str, Any]) -> None:
    wired.configure(apiKey=KEY)
    for headers in ({}, {"X_API_Key": "x"}, {"X_API_Key": KEY.encode()}):
        small = wired.send("POST", "/", message, **headers)
        large = wired.send("POST", "/", {**message, "more": "x" * 3_000_000}, **headers)
        assert (large.status, large.body, large.headers) == (small.status, small.body, small.headers)


def test_a_key_in_the_body_counts_before_one_outside(wired: Wired) -> None:
    """Whatever its size: what comes as a header can be meant for a proxy."""
    wired.configure(apiKey=KEY)
    for more in ("", "x" * 100_000):
        right, wrong = {**VERSION, "key": KEY, "more": more}, {**VERSION, "key": "x", "more": more}
        for headers in ({"X_API_Key": "x"}, {"Authorization": "Bearer x"}):
            assert wired.send("POST", "/?key=x", right, **headers).json == 6
        right_header: dict[str, Any] = {"X_API_Key": KEY.encode()}
        reply = wired.send("POST", "/", wrong, **right_header)
        assert reply.json["error"] == "valid api key must be provided"


@pytest.mark.parametrize("key", ["", "x", KEY[:-1], KEY + " ", "\ud800", None, 5, [KEY], {"a": KEY}, True])
def test_any_other_key_is_refused(wired: Wired, key: Any) -> None:
    wired.configure(apiKey=KEY)
    error = {"result": None, "error": "valid api key must be provided"}
    assert wired.send("POST", "/", {**VERSION, "key": key}).json == error
    reply = wired.send("POST", "/version", {"key": key})
    assert (reply.status, reply.json) == (401, error)


def test_an_empty_key_is_none(wired: Wired) -> None:
    wired.configure(apiKey="")
    assert wired.send("POST", "/", VERSION).json == 6
    assert wired.send("POST", "/", ASK).json["result"]["requireApiKey"] is False


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "anki.example.com", ""])
def test_an_address_that_others_reach_needs_a_key(address: str) -> None:
    with pytest.raises(ValueError, match=r"webBindAddress: .*set an apiKey, or webBindWithoutKey"):
        load({"webBindAddress": address}, {})
    with pytest.raises(ValueError, match=r"webBindAddress"):
        load({"webBindAddress": address, "apiKey": ""}, {})
    assert load({"webBindAddress": address, "apiKey": "x"}, {}).webBindAddress == address
    assert load({"webBindAddress": address}, {"ANKICONNECT_BIND_WITHOUT_KEY": "true"}).webBindWithoutKey


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_an_address_of_this_machine_needs_none(address: str) -> None:
    assert load({"webBindAddress": address}, {}).key is None


def test_the_log_of_the_add_on_never_shows_the_key(
    wired_headless: Wired, caplog: pytest.LogCaptureFixture
) -> None:
    wired_headless.configure(apiKey="SECRET")
    for key in ("SECRET", "SECRET2"):
        wired_headless.send("POST", f"/version?key={key}", b"{", X_API_Key=key)
        wired_headless.send("POST", "/", {**VERSION, "key": key, "params": {"x": key}})
        raw(wired_headless, f"GET /?key={key} HTTP/9.9\r\n\r\n")
        raw(wired_headless, f"GET /?key={key}\r\nX-API-Key: {key} nonsense\r\n\r\n")
    assert "SECRET" not in caplog.text


def test_proxies_are_not_believed_about_who_asks(headless: HeadlessServer) -> None:
    client = headless.app.test_client()
    body = json.dumps({"note": basic("a", audio={"path": "/etc/hostname", "filename": "x"})})
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
        for peer in ("192.0.2.1", "127.0.0.1"):
            reply = client.post("/addNote", data=body, headers=headers, environ_base={"REMOTE_ADDR": peer})
            assert reply.status_code == 403
