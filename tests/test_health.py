"""`GET /healthz` and `GET /readyz`, which supervisors ask, on both hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import HeadlessServer, LiveServer, Server, Start
from .program import HOLDING, SlowAction

PATHS = [("/healthz", {"alive": True}), ("/readyz", {"ready": True})]


@pytest.mark.parametrize(("path", "reply"), PATHS)
def test_it_is_alive_and_ready_while_a_collection_is_open(
    server: Server, path: str, reply: dict[str, bool]
) -> None:
    got = server.send("GET", path)
    assert (got.status, got.json) == (200, reply)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["cache-control"] == "no-store"
    assert server.send("HEAD", path).status == 200


def test_it_is_alive_but_not_ready_once_the_collection_is_closed(headless: HeadlessServer) -> None:
    headless.close()
    assert headless.send("GET", "/healthz").status == 200
    not_ready = headless.send("GET", "/readyz")
    assert (not_ready.status, not_ready.json) == (503, {"ready": False})


def test_it_is_not_ready_while_ankis_collection_is_away(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "gui_hooks.collection_will_temporarily_close(col); col.close(downgrade=False)"
    )
    assert anki.send("GET", "/readyz").status == 503
    assert anki.send("GET", "/healthz").status == 200
    anki.live.run("mw.reopen(after_full_sync=False)")
    assert anki.send("GET", "/readyz").status == 200


def test_they_are_answered_while_the_collection_is_busy(
    start: Start, collection_path: Path, tmp_path: Path
) -> None:
    program = start("--collection", collection_path, command=HOLDING)
    program.wait_until_it_serves()
    slow = SlowAction(program, tmp_path)
    assert program.send("GET", "/healthz") == (200, {"alive": True})
    assert program.send("GET", "/readyz") == (200, {"ready": True})
    assert slow.let_go_on()[0] == 200


def test_they_are_answered_while_anki_is_busy(anki: LiveServer) -> None:
    with anki.live.busy_lane(), anki.live.busy_main_thread():
        assert [anki.send("GET", path).status for path, _ in PATHS] == [200, 200]


@pytest.mark.parametrize(("path", "reply"), PATHS)
def test_no_key_is_needed_but_web_pages_are_kept_out(
    collection_path: Path, path: str, reply: dict[str, bool]
) -> None:
    server = HeadlessServer(collection_path, apiKey="abc")
    assert server.send("GET", path).json == reply
    assert server.send("GET", path, Origin="https://example.com").status == 403
    server.close()


@pytest.mark.parametrize(("path", "_reply"), PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_with_a_body_they_are_paths_like_any_other(
    headless: HeadlessServer, method: str, path: str, _reply: object
) -> None:
    body = {"action": "deckNames", "version": 6}
    assert headless.send(method, path, body).json == {"result": ["Default"], "error": None}
    assert headless.send(method, path, {"deck": "x"}).json["error"] == "unsupported action"
