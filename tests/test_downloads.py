"""Downloads: http and https only, bounded in time and size, from where they may, never in others' way."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from addon.core.addresses import is_public
from addon.core.errors import BadParams
from addon.core.media.downloads import DownloadFailed, download
from addon.settings_sources import load

from .conftest import HeadlessServer, LiveServer, Server, Wired, basic
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


def test_five_redirects_are_followed_and_no_more(web: Web) -> None:
    url = web.serve("end", b"end")
    for number in range(5):
        url = web.redirect(str(number), url)
    assert get(url) == b"end"
    with pytest.raises(DownloadFailed, match="more than 5 redirects"):
        get(web.redirect("six", url))


def test_a_redirect_may_be_relative(web: Web) -> None:
    web.serve("end", b"end")
    assert get(web.redirect("one", "/end")) == b"end"


def test_the_body_of_a_redirect_is_not_read(web: Web) -> None:
    assert get(web.endless_redirect("one", web.serve("two", b"end"))) == b"end"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nonsense", "", "http://", "http://[x"])
def test_other_addresses_are_unusable(url: str) -> None:
    with pytest.raises(BadParams, match="unusable url"):
        get(url)


def test_a_redirect_cannot_leave_http(web: Web) -> None:
    for target in ("file:///etc/passwd", "ftp://localhost/x", "data:,x", "http://", "http://[x"):
        with pytest.raises(DownloadFailed, match="/out download failed: "):
            get(web.redirect("out", target))


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


def test_the_limit_is_kept_to_the_byte(web: Web) -> None:
    assert get(web.serve("fits", b"x" * 1000), limit=1000) == b"x" * 1000
    with pytest.raises(DownloadFailed, match="more than"):
        get(web.serve("one-more", b"x" * 1001), limit=1000)


@pytest.mark.parametrize("in_headers", [True, False])
def test_a_server_that_drips_runs_out_of_time(web: Web, in_headers: bool) -> None:
    with pytest.raises(DownloadFailed, match=r"no answer in 1.5 s"):
        get(web.drip("drip", in_headers=in_headers), timeout=1.5)


def test_a_proxy_that_drips_runs_out_of_time(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.drip("drip")
    monkeypatch.setenv("http_proxy", web.url)
    with pytest.raises(DownloadFailed, match=r"no answer in 1.5 s"):
        get("http://far.invalid/drip", timeout=1.5)


class Names:
    """A directory of names that answers as it is told; on a real one, nobody could have it hang."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[str]] = {}  # in turn
        self.closing = threading.Event()
        self._really = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, port: Any, *args: Any, **named: Any) -> Any:
        if host == "hangs.test":
            self.closing.wait()
        if host not in self.answers:
            return self._really(host, port, *args, **named)
        self.asked.append(host)
        answers = self.answers[host]
        return self._really(answers.pop(0) if len(answers) > 1 else answers[0], port, *args, **named)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names(monkeypatch)
    yield names
    names.closing.set()


def test_a_look_up_that_hangs_runs_out_of_time(names: Names) -> None:
    with pytest.raises(DownloadFailed, match="no answer in 0.5 s"):
        get("http://hangs.test/x", timeout=0.5)
    assert not names.closing.is_set()  # it hangs still


PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
NOT_PUBLIC = """
127.0.0.1 127.1.2.3 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
100.64.0.1 192.0.0.1 192.0.2.1 198.18.0.1 203.0.113.5 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
:: ::1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12::1 ff02::1 2001:db8::1 100::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 2002:7f00:1::1
2002:a00:1:: localhost example.com 127.1 2130706433
""".split()


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)


def local_urls(port: int) -> list[str]:
    hosts = ["127.0.0.1", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"]
    return [
        f"http://{host}:{port}/a.mp3" for host in [*hosts, "0x7f000001", "LOCALHOST.", "user@127.0.0.1"]
    ]


def store(wired: Wired, url: str, **headers: str) -> Any:
    params = {"filename": "a.mp3", "url": url}
    return wired.send("POST", "/storeMediaFile", params, **headers).json["error"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://127.0.0.1", "http://LOCALHOST:1", "null"]
)
def test_a_web_page_gets_nothing_from_this_machine(wired: Wired, web: Web, origin: str) -> None:
    wired.configure(webCorsOriginList=["http://localhost", "null", "http://LOCALHOST:1"])
    web.serve("a.mp3", b"sound")
    port = int(web.url.rpartition(":")[2])
    for url in local_urls(port):
        assert store(wired, url, Origin=origin).startswith(f"{url} download failed: ")
    url = f"{web.url}/a.mp3"
    why = "127.0.0.1 is not on the public internet, and web pages and other machines may use nothing else"
    assert store(wired, url, Origin=origin) == f"{url} download failed: {why}"
    assert wired.send("GET", "/getMediaFilesNames").json["result"] == []


def test_a_page_of_the_machine_itself_brings_no_local_file_into_a_note(wired: Wired, web: Web) -> None:
    audio = {"url": web.serve("a.mp3", b"sound"), "filename": "a.mp3", "fields": ["Back"]}
    reply = wired.send("POST", "/addNote", {"note": basic("a", audio=audio)}, Origin="http://localhost")
    assert "not on the public internet" in reply.headers["x-ankiconnect-warning"]
    assert wired.send("GET", "/getMediaFilesNames").json["result"] == []


@pytest.mark.parametrize("headers", [{}, {"Origin": "moz-extension://0a1b"}])
def test_programs_and_extensions_use_servers_of_this_machine(
    wired: Wired, web: Web, headers: dict[str, str]
) -> None:
    assert store(wired, web.serve("a.mp3", b"sound"), **headers) is None


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "moz-extension://0a1b"}, {"Origin": "app://x"}, {"Via": "1.1 proxy"}]
)
def test_another_machine_gets_nothing_from_this_one(
    headless: HeadlessServer, web: Web, headers: dict[str, str]
) -> None:
    settings = {
        "webBindAddress": "0.0.0.0",
        "apiKey": "x",
        "webCorsOriginList": ["http://localhost", "app://x"],
    }
    headless.settings = load(settings, {})
    url = web.serve("a.mp3", b"sound")
    body = {"note": basic("a", audio={"url": url, "filename": "a.mp3", "fields": ["Back"]}), "key": "x"}
    peer = {"REMOTE_ADDR": "127.0.0.1" if "Via" in headers else "192.0.2.7"}
    reply = headless.app.test_client().post(
        "/addNote", data=json.dumps(body), headers=headers, environ_base=peer
    )
    assert reply.status_code == 200
    assert "127.0.0.1 is not on the public internet" in reply.headers["X-AnkiConnect-Warning"]
    assert headless.send("GET", "/getMediaFilesNames?key=x").json["result"] == []


def only(*addresses: str) -> Any:
    return lambda address: address in addresses


def test_a_redirect_is_checked_as_well(web: Web, names: Names) -> None:
    names.answers["far.test"] = ["127.0.0.2"]
    port = web.url.rpartition(":")[2]
    for name in ("127.0.0.2", "far.test"):
        url = web.redirect("out", f"http://{name}:{port}/end")
        web.serve("end", b"end")
        with pytest.raises(DownloadFailed, match=f"{name} is not on the public internet"):
            download(url, timeout=5, limit=1000, reachable=only("127.0.0.1"))


def test_the_address_that_was_checked_is_the_one_that_is_used(web: Web, names: Names) -> None:
    names.answers["far.test"] = ["127.0.0.1", "127.0.0.2"]  # at the second question, another one
    url = web.serve("a", b"content").replace("127.0.0.1", "far.test")
    assert download(url, timeout=5, limit=1000, reachable=only("127.0.0.1")) == b"content"
    assert names.asked == ["far.test"]


def test_a_web_pages_download_goes_past_proxies(
    web: Web, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.answers["far.test"] = ["127.0.0.1"]
    url = web.serve("a", b"content").replace("127.0.0.1", "far.test")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(DownloadFailed):
        get(url)
    assert download(url, timeout=5, limit=1000, reachable=only("127.0.0.1")) == b"content"


@pytest.fixture
def secure_web(web: Web, names: Names, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Host names that clients have asked the web server for, which has a certificate for media.test."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    asked: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    authority.issue_cert("media.test").configure_cert(context)
    web.secure(context)
    names.answers.update({"media.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    return asked


def test_a_certificate_is_checked_against_the_name(web: Web, secure_web: list[str]) -> None:
    url = web.serve("a", b"content")
    for reachable in (only("127.0.0.1"), None):
        named = url.replace("127.0.0.1", "media.test")
        assert download(named, timeout=5, limit=1000, reachable=reachable) == b"content"
        for name in ("other.test", "127.0.0.1"):
            with pytest.raises(DownloadFailed, match="certificate verify failed"):
                download(url.replace("127.0.0.1", name), timeout=5, limit=1000, reachable=reachable)
    assert set(secure_web) == {"media.test", "other.test", None}


def test_a_secure_server_that_drips_runs_out_of_time(web: Web, secure_web: list[str]) -> None:
    url = web.drip("drip").replace("127.0.0.1", "media.test")
    with pytest.raises(DownloadFailed, match="no answer in 2.5 s"):
        get(url, timeout=2.5)
    deadline = time.monotonic() + 60
    while any(thread.name == "ankiconnect-download" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "it is still being read"
        time.sleep(0.02)


def files_below(folder: str) -> list[str]:
    return sorted(name for _, _, names in os.walk(folder) for name in names)


def test_a_download_that_dies_half_way_leaves_nothing_behind(wired: Wired, web: Web) -> None:
    wired.configure(webTimeout=1000, webDownloadLimit=1)
    folder = wired.look("col.media.dir()")
    assert store(wired, web.serve("good", b"old")) is None
    before = files_below(folder)
    for url in (web.cut("cut"), web.drip("drip"), web.endless("endless")):
        assert "download failed" in store(wired, url)
        assert files_below(folder) == before
    read = wired.send("POST", "/retrieveMediaFile", {"filename": "a.mp3"})
    assert read.json["result"] == "b2xk"


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


def test_a_url_forges_no_line_of_the_log_and_sends_no_codes(anki: LiveServer) -> None:
    before = len(anki.live.log())
    forged = "2026-01-01 00:00:00,000 INFO forged"
    codes, written = "\x1b[2J\x07\x9b\u202e", r"\x1b[2J\x07\x9b\u202e"
    url = f"http://127.0.0.1:9/{codes}\n{forged}\r{forged}\u2028{forged}\x85{forged}"
    note = basic("a", audio={"url": url, "filename": "a.mp3"})
    assert anki.send("POST", "/addNote", {"note": note}).status == 200
    lines = anki.live.log()[before:].split("\n")
    assert written in lines[0]
    assert all(line.isprintable() for line in lines)
    assert [line[4:] for line in lines if line.startswith("    ") and "INFO forged" in line]
    assert not [line for line in lines if line.startswith(forged)]
    text = "aqt.utils._tooltipLabel and aqt.utils._tooltipLabel.text()"
    anki.live.wait_for(f"({text} or '').count({written!r}) == 1")
    assert not set(codes) & set(anki.look(text)) - set("[2J")


def test_store_media_file_fails_with_its_download(server: Server, web: Web) -> None:
    params = {"filename": "a.mp3", "url": f"{web.url}/gone.mp3"}
    reply = server.send("POST", "/storeMediaFile", params)
    assert reply.json["error"] == f"{web.url}/gone.mp3 download failed with return code 404"


@pytest.mark.parametrize("tags", [[], ["long" * 300_000]], ids=["small", "large"])
def test_a_slow_download_holds_up_no_other_request(anki: LiveServer, web: Web, tags: list[str]) -> None:
    anki.live.configure(webTimeout=60_000)
    slow = web.hold("slow", b"sound")
    other = LiveServer(anki.live)
    replies: list[Any] = []
    audio = {"url": slow.url, "filename": "a.mp3"}
    body = {"note": basic("a", audio=audio, tags=tags)}
    waiting = threading.Thread(target=lambda: replies.append(other.send("POST", "/addNote", body)))
    waiting.start()
    slow.wait_until_asked()
    for number in range(20):
        assert anki.send("POST", "/addNote", {"note": basic(f"b{number}", tags=tags)}).status == 200
        assert anki.send("POST", "/guiDeckBrowser").status == 200
    assert replies == []  # the others were answered before it
    slow.let_go_on()
    waiting.join()
    assert replies[0].status == 200
    assert "x-ankiconnect-warning" not in replies[0].headers
    other.close()


def test_downloads_of_a_batch_run_side_by_side(headless: HeadlessServer, web: Web) -> None:
    headless.settings = replace(headless.settings, webTimeout=60_000)
    pages = [web.hold(f"{n}", b"%d" % n) for n in range(8)]
    notes = [
        basic(f"n{n}", audio={"url": page.url, "filename": f"{n}.mp3"}) for n, page in enumerate(pages)
    ]
    replies: list[Any] = []
    batch = threading.Thread(
        target=lambda: replies.append(headless.send("POST", "/addNotes", {"notes": notes}))
    )
    batch.start()
    for page in pages:
        page.wait_until_asked()  # while none has been answered
    for page in pages:
        page.let_go_on()
    batch.join()
    assert len(replies[0].json["result"]) == 8
    names = headless.send("GET", "/getMediaFilesNames").json["result"]
    assert sorted(names) == [f"{n}.mp3" for n in range(8)]
