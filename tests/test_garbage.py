"""What a failed request leaves behind. Anki keeps Python's garbage collector off, so circles stay."""

from __future__ import annotations

import base64
import gc
import sys
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from anki.utils import int_version

from .conftest import LiveServer, Wired, basic
from .web import Web

COUNT = 500
NOWHERE = "http://127.0.0.1:1/x"  # nothing listens there

Ask = Callable[[Wired], Any]


def rpc(action: str, **params: Any) -> Ask:
    return lambda server: server.send("POST", "/", {"action": action, "version": 6, "params": params})


def url(method: str, path: str, body: Any = None, **headers: str) -> Ask:
    return lambda server: server.send(method, path, body, **headers)


def picture(**source: Any) -> dict[str, Any]:
    return {"picture": {"filename": "x.png", "fields": ["Front"], **source}}


FAILING: dict[str, Ask] = {
    "bad params": rpc("findNotes", query=5),
    "bad element": rpc("addNotes", notes=[5, basic("x")]),
    "bad JSON": url("POST", "/", b"{"),
    "unsupported action": rpc("nope"),
    "not found": rpc("updateNoteFields", note={"id": 1, "fields": {"Front": "x"}}),
    "deck not found": rpc("addNote", note=basic("x", "Nowhere")),
    "conflict": rpc("addNote", note=basic("")),
    "conflicts": rpc("addNotes", notes=[basic(""), basic("x")]),
    "gui": rpc("guiCurrentCard"),
    "gui not found": rpc("guiEditNote", note=1),
    "file": rpc("addNote", note=basic("x", **picture(path="/nowhere"))),
    "url": url("GET", "/findNotes?query=5&query2=5"),
    "url of nothing": url("GET", "/nope"),
    "url of another method": url("GET", "/addNote"),
    "method of no url": url("FOO", "/"),
    "method of no url of an action": url("TRACE", "/addNote"),
    "origin": url("GET", "/deckNames", Origin="https://evil.test"),
    "sync": rpc("sync"),
    "multi": rpc(
        "multi",
        actions=[
            5,
            {"action": "nope"},
            {"action": "findNotes", "params": {"query": 5}},
            {"action": "guiEditNote", "params": {"note": 1}},
            {"action": "addNote", "params": {"note": basic("")}},
        ],
    ),
    "download": rpc("storeMediaFile", filename="x", url=NOWHERE),
}


if int_version() >= 250900:  # before, Anki made HTML of the text, with a library that leaves circles
    FAILING["refused by Anki"] = rpc("findNotes", query="((")


@pytest.fixture
def collected(wired: Wired) -> Iterator[Callable[[Ask], int]]:
    """How many objects a garbage collection finds after `COUNT` requests."""
    if isinstance(wired, LiveServer):
        assert not wired.look("__import__('gc').isenabled()")
    gc.disable()

    def count(ask: Ask) -> int:
        for _ in range(10):  # fills caches, writes the log
            ask(wired)
        collect()
        for _ in range(COUNT):
            ask(wired)
        return collect()

    def collect() -> int:
        # Of the server's process, which is this one without Anki.
        return (
            int(wired.look("__import__('gc').collect()")) if isinstance(wired, LiveServer) else gc.collect()
        )

    yield count
    gc.enable()


def test_failed_requests_leave_no_more_garbage_than_good_ones(collected: Callable[[Ask], int]) -> None:
    # Werkzeug leaves a few small objects each time that it finds the route of a URL.
    most = collected(rpc("version")) + COUNT // 10
    left = {name: collected(ask) for name, ask in FAILING.items()}
    assert {name: count for name, count in left.items() if count > most} == {}


def test_downloads_that_fail_inside_libraries_leave_no_more_than_good_requests(
    collected: Callable[[Ask], int], wired: Wired, web: Web
) -> None:
    most = collected(rpc("version")) + COUNT // 10
    urls = [web.cut("cut"), web.redirect("away", "ftp://127.0.0.1/x")]
    if not wired.in_anki:  # whose own library for TLS leaves two classes each time, also when all goes well
        urls.append(web.serve("x", b"x").replace("http:", "https:"))  # no TLS there
    for url in urls:
        assert collected(rpc("storeMediaFile", filename="x", url=url)) <= most, url


def test_a_note_refused_with_its_media_leaves_no_more_than_an_added_one(
    collected: Callable[[Ask], int],
) -> None:
    media = picture(url=NOWHERE)  # of which the person is told; Anki's own tooltip leaves something, too
    allow: dict[str, Any] = {"options": {"allowDuplicate": True}}
    most = collected(rpc("addNote", note=basic("x", **media, **allow))) + COUNT // 10
    assert collected(rpc("addNote", note=basic("", **media))) <= most
    assert collected(rpc("addNotes", notes=[basic("", **media), basic("y")])) <= most


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_memory_does_not_grow_with_refused_files(wired: Wired) -> None:
    gc.disable()

    def memory() -> float:
        """Resident memory of the server's process in MB."""
        lines = str(wired.look("__import__('pathlib').Path('/proc/self/status').read_text()")).splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

    content = base64.b64encode(bytes(3_000_000)).decode()
    ask = rpc("addNote", note=basic("", **picture(data=content)))
    for _ in range(5):
        ask(wired)
    before = memory()
    for _ in range(40):  # 120 MB of content, 160 of text
        ask(wired)
    after = memory()
    gc.enable()
    assert after - before < 40
