"""Downloads: http and https only, bounded in time and size, never in the way of others."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from addon.core.downloads import DownloadFailed, download
from addon.core.errors import BadParams

from .conftest import HeadlessServer, LiveServer, Server, basic
from .web import Web


def get(url: str, timeout: float = 5, limit: int = 10**6) -> bytes:
    return download(url, timeout=timeout, limit=limit)


def test_content_is_downloaded(web: Web) -> None:
    assert get(web.serve("a.mp3", b"sound" * 1000)) == b"sound" * 1000


def test_redirects_are_followed(web: Web) -> None:
    assert get(web.redirect("one", web.redirect("two", web.serve("three", b"end")))) == b"end"


def test_redirects_have_an_end(web: Web) -> None:
    with pytest.raises(DownloadFailed, match="redirects"):
        get(web.redirect("loop", f"{web.url}/loop"))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nonsense", "", "http://", "http://[x"])
def test_other_addresses_are_unusable(url: str) -> None:
    with pytest.raises(BadParams, match="unusable url"):
        get(url)


def test_a_redirect_cannot_leave_http(web: Web) -> None:
    with pytest.raises(DownloadFailed):
        get(web.redirect("out", "file:///etc/passwd"))


def test_another_status_is_a_failure(web: Web) -> None:
    with pytest.raises(DownloadFailed, match="/nope download failed with return code 404"):
        get(f"{web.url}/nope")


def test_an_unreachable_server_is_a_failure(web: Web) -> None:
    web.close()
    with pytest.raises(DownloadFailed, match=f"^{web.url}/x download failed: .*refused"):
        get(f"{web.url}/x")


def test_a_body_cut_short_is_a_failure(web: Web) -> None:
    with pytest.raises(DownloadFailed, match="download failed"):
        get(web.cut("half"))


def test_a_body_above_the_limit_is_a_failure(web: Web) -> None:
    with pytest.raises(DownloadFailed, match="more than 0.5 MB"):
        get(web.endless("big"), limit=500_000)


@pytest.mark.parametrize("in_headers", [True, False])
def test_a_server_that_drips_runs_out_of_time(web: Web, in_headers: bool) -> None:
    started = time.monotonic()
    with pytest.raises(DownloadFailed, match=r"no answer in 1.5 s"):
        get(web.drip("drip", in_headers=in_headers), timeout=1.5)
    assert time.monotonic() - started < 10


def test_a_proxy_that_drips_runs_out_of_time(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.drip("drip")
    monkeypatch.setenv("http_proxy", web.url)
    with pytest.raises(DownloadFailed, match=r"no answer in 1.5 s"):
        get("http://far.invalid/drip", timeout=1.5)


def test_the_limits_are_settings(collection_path: Path, web: Web) -> None:
    server = HeadlessServer(collection_path, webDownloadLimit=1, webTimeout=500)
    urls = {"big": web.endless("big"), "late": web.slow("late", b"x", 2)}
    errors = [
        server.send("POST", "/storeMediaFile", {"filename": name, "url": url}).json["error"]
        for name, url in urls.items()
    ]
    server.close()
    assert errors == [
        f"{urls['big']} download failed: more than 1 MB",
        f"{urls['late']} download failed: no answer in 0.5 s",
    ]


def test_a_failed_download_costs_the_file_and_not_the_note(server: Server, web: Web) -> None:
    audio = {"url": f"{web.url}/gone.mp3", "filename": "a.mp3", "fields": ["Back"]}
    reply = server.send("POST", "/addNote", {"note": basic("a", audio=audio)})
    warning = f"{web.url}/gone.mp3 download failed with return code 404"
    assert (reply.status, reply.headers["x-ankiconnect-warning"]) == (200, warning)
    (info,) = server.send("GET", "/notesInfo?query=").json["result"]
    assert info["fields"]["Back"]["value"] == ""
    assert server.send("GET", "/getMediaFilesNames").json["result"] == []


def test_the_person_and_the_log_are_told_of_a_failed_download(anki: LiveServer, web: Web) -> None:
    audio = {"url": f"{web.url}/gone<b>.mp3", "filename": "a.mp3"}
    anki.send("POST", "/addNote", {"note": basic("a", audio=audio)})
    shown = anki.live.wait_for("aqt.utils._tooltipLabel and aqt.utils._tooltipLabel.text()")
    assert "gone&lt;b&gt;.mp3 download failed with return code 404" in shown
    assert "gone<b>.mp3 download failed with return code 404" in anki.live.log()


def test_store_media_file_fails_with_its_download(server: Server, web: Web) -> None:
    params = {"filename": "a.mp3", "url": f"{web.url}/gone.mp3"}
    reply = server.send("POST", "/storeMediaFile", params)
    assert reply.json["error"] == f"{web.url}/gone.mp3 download failed with return code 404"


def test_a_slow_download_holds_up_no_other_request(anki: LiveServer, web: Web) -> None:
    anki.live.configure(webTimeout=3000)
    url = web.drip("drip")
    other = LiveServer(anki.live)
    replies: list[Any] = []
    audio = {"url": url, "filename": "a.mp3"}
    body = {"note": basic("a", audio=audio)}
    waiting = threading.Thread(target=lambda: replies.append(other.send("POST", "/addNote", body)))
    waiting.start()
    for number in range(20):
        assert anki.send("POST", "/addNote", {"note": basic(f"b{number}")}).status == 200
        assert anki.send("POST", "/guiDeckBrowser").status == 200
    assert waiting.is_alive()  # the others were answered before it
    waiting.join()
    assert replies[0].status == 200
    assert "no answer in 3 s" in replies[0].headers["x-ankiconnect-warning"]
    other.close()


def test_downloads_of_a_batch_run_side_by_side(headless: HeadlessServer, web: Web) -> None:
    notes = [
        basic(f"n{n}", audio={"url": web.slow(f"{n}", b"%d" % n, 0.5), "filename": f"{n}.mp3"})
        for n in range(8)
    ]
    started = time.monotonic()
    ids = headless.send("POST", "/addNotes", {"notes": notes}).json["result"]
    assert time.monotonic() - started < 8 * 0.5
    assert len(ids) == 8
    names = headless.send("GET", "/getMediaFilesNames").json["result"]
    assert sorted(names) == [f"{n}.mp3" for n in range(8)]
