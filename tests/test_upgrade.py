"""upgrade: asks the person, and installs through Anki's add-on manager."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tools.build import build

from .conftest import HeadlessServer, LiveServer, Reply
from .live import LiveAnki
from .test_gui_permission import forget_refusals, pass_ten_minutes
from .web import Web
from .windows import answer, escape

QUESTION = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"


@pytest.fixture(scope="module")
def own_anki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAnki]:
    """An Anki of this module's own, since its add-on gets replaced."""
    live = LiveAnki(tmp_path_factory.mktemp("upgrade"))
    live.start()
    live.anki.wait_until_ready()
    yield live
    live.stop()


@pytest.fixture
def live(own_anki: LiveAnki, template: Path) -> LiveAnki:
    own_anki.reset(template)
    forget_refusals(own_anki)
    return own_anki


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build(tmp_path_factory.mktemp("package") / "a.ankiaddon").read_bytes()


def repacked(package: bytes, manifest: dict[str, Any] | None = None, without: str = "") -> bytes:
    """The package with other members in its manifest, or without one of its files."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = json.dumps({**json.loads(content), **(manifest or {})}).encode()
            if name != without:
                new.writestr(name, content)
        new.writestr("marker.txt", "the newer version")
    return target.getvalue()


def marked(package: bytes, *, flag: int = 0, method: int = 0) -> bytes:
    """The package with its first entry marked as encrypted (flag 1) or as packed by some method."""
    marked = bytearray(package)
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        entry = package.index(signature)
        marked[entry + flags_at] = flag
        marked[entry + flags_at + 2] = method
    return bytes(marked)


def newer(package: bytes) -> bytes:
    return repacked(package, {"human_version": "99.0.0"})


def ask(live: LiveAnki) -> Future[Reply]:
    """Send the request; the reply comes when the person has answered."""
    reply: Future[Reply] = Future()

    def send() -> None:
        server = LiveServer(live)
        reply.set_result(server.send("POST", "/upgrade", {}))
        server.close()

    threading.Thread(target=send).start()
    return reply


def click(live: LiveAnki, button: str) -> None:
    live.wait_for(f"bool({QUESTION})")
    answer(live, f"{QUESTION}[0]", button)


def upgrade(live: LiveAnki, web: Web, content: bytes, button: str = "Upgrade") -> Any:
    live.configure(upgradeUrl=web.serve("package", content))
    reply = ask(live)
    click(live, button)
    return reply.result(20).json


def test_no_upgrades_nothing(live: LiveAnki, web: Web, package: bytes) -> None:
    assert upgrade(live, web, newer(package), "Not now") == {"result": False, "error": None}
    assert not (live.addon / "marker.txt").exists()


def test_others_are_answered_while_the_question_is_open(live: LiveAnki, web: Web) -> None:
    live.configure(upgradeUrl=f"{web.url}/package")
    reply = ask(live)
    live.wait_for(f"bool({QUESTION})")
    assert live.anki.invoke("deckNames")["result"] == ["Default"]
    assert live.anki.invoke("guiDeckBrowser")["error"] is None
    assert live.look(f"{QUESTION}[0].defaultButton() is None")
    assert not reply.done()
    click(live, "Not now")
    assert reply.result(20).json["result"] is False


def test_escape_is_a_no(live: LiveAnki, web: Web, package: bytes) -> None:
    live.configure(upgradeUrl=web.serve("package", newer(package)))
    reply = ask(live)
    live.wait_for(f"bool({QUESTION})")
    escape(live, f"{QUESTION}[0]")
    assert reply.result(20).json == {"result": False, "error": None}


def test_after_a_no_there_is_no_question_for_a_while(live: LiveAnki, web: Web, package: bytes) -> None:
    for _ in range(3):
        assert upgrade(live, web, newer(package), "Not now")["result"] is False
        assert ask(live).result(20).json == {"result": False, "error": None}
        pass_ten_minutes(live)
    assert ask(live).result(20).json == {"result": False, "error": None}
    assert live.look(QUESTION) == []
    assert not (live.addon / "marker.txt").exists()


def test_the_person_is_asked_one_question_at_a_time(live: LiveAnki, web: Web) -> None:
    live.configure(upgradeUrl=f"{web.url}/package")
    first = ask(live)
    live.wait_for(f"bool({QUESTION})")
    second = ask(live).result(20)
    assert second.status == 409
    assert "under way already" in second.json["error"]
    assert live.look(f"len({QUESTION})") == 1
    click(live, "Not now")
    assert first.result(20).json["result"] is False


def test_the_same_version_is_not_newer(live: LiveAnki, web: Web, package: bytes) -> None:
    assert upgrade(live, web, package) == {"result": False, "error": None}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (lambda p: b"no zip", "broken: File is not a zip file"),
        (lambda p: p[: len(p) // 2], "broken"),
        (lambda p: repacked(p, without="__init__.py"), "broken"),
        (lambda p: repacked(p, without="manifest.json"), "broken"),
        (lambda p: repacked(p, {"package": "other", "human_version": "99"}), "another add-on: other"),
        (lambda p: repacked(p, {"human_version": "new"}), "broken"),
        (lambda p: repacked(p, {"human_version": 99}), "broken"),
        (lambda p: marked(newer(p), flag=1), "broken: File '__init__.py' is encrypted"),
        (lambda p: marked(newer(p), method=99), "broken: That compression method is not supported"),
        (lambda p: repacked(p, {"min_point_version": 999999, "human_version": "99"}), "needs a newer Anki"),
    ],
)
def test_a_bad_package_changes_nothing(
    live: LiveAnki, web: Web, package: bytes, content: Any, text: str
) -> None:
    before = (live.addon / "__init__.py").read_bytes()
    reply = upgrade(live, web, content(package))
    assert reply["result"] is None
    assert text in reply["error"]
    assert (live.addon / "__init__.py").read_bytes() == before
    assert not (live.addon / "marker.txt").exists()


def test_an_unreachable_source_is_an_error(live: LiveAnki, web: Web) -> None:
    live.configure(upgradeUrl=f"{web.url}/nope")
    reply = ask(live)
    click(live, "Upgrade")
    assert "download failed with return code 404" in reply.result(20).json["error"]


def test_an_unusable_source_is_an_error_without_a_question(live: LiveAnki) -> None:
    live.configure(upgradeUrl="nonsense")
    assert "unusable url" in ask(live).result(20).json["error"]
    assert live.look(QUESTION) == []


def test_from_ankiweb_it_uses_ankis_updater_and_tells_when_that_fails(live: LiveAnki) -> None:
    reply = ask(live)  # no source is set, and the folder is a number as AnkiWeb's are
    click(live, "Upgrade")
    answered = reply.result(60).json
    # AnkiWeb either cannot be reached or knows no such add-on.
    assert answered["result"] is not True
    assert answered["error"] is None or "AnkiWeb" in answered["error"]


def test_a_newer_package_is_installed_in_place(live: LiveAnki, web: Web, package: bytes) -> None:
    (live.addon / "user_files" / "kept.txt").write_text("kept")
    live.run(f"mw.addonManager.writeConfig({live.addon.name!r}, {{'webTimeout': 1234}})")
    assert upgrade(live, web, newer(package)) == {"result": True, "error": None}
    assert (live.addon / "marker.txt").read_text() == "the newer version"
    assert (live.addon / "user_files" / "kept.txt").read_text() == "kept"
    assert live.look(f"mw.addonManager.getConfig({live.addon.name!r})['webTimeout']") == 1234
    assert [path.name for path in live.addon.parent.iterdir() if path.name != "probe"] == [live.addon.name]
    assert live.anki.invoke("deckNames")["result"] == ["Default"]  # the old one still serves


def test_quitting_answers_for_the_person(live: LiveAnki, web: Web) -> None:
    live.configure(upgradeUrl=f"{web.url}/package")
    reply = ask(live)
    live.wait_for(f"bool({QUESTION})")
    assert live.stop() == 0
    assert reply.result(20).status == 503
    assert "Traceback" not in live.output()
    live.start()
    live.anki.wait_until_ready()


def test_without_a_window_there_is_nobody_to_ask(headless: HeadlessServer) -> None:
    assert headless.send("POST", "/upgrade", {}).status == 501
    headless.settings = headless.settings.__class__(upgradeUrl="http://127.0.0.1:1/package")
    assert headless.send("POST", "/upgrade", {}).status == 501
