"""requestPermission asks the person, once, and keeps the answer."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import LiveServer
from .live import LiveAnki
from .windows import press

ORIGIN = "https://example.com"
QUESTIONS = (
    "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()"
    " and 'AnkiConnect' in w.windowTitle()]"
)
GRANTED = {"permission": "granted", "requireApikey": False, "requireApiKey": False, "version": 6}
DENIED = {"permission": "denied"}


class Asking(threading.Thread):
    """A page that asks for permission, and waits."""

    def __init__(self, live: LiveAnki, origin: str = ORIGIN) -> None:
        super().__init__()
        self._port, self._origin = live.anki.port, origin
        self._reply: Any = None
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        body = json.dumps({"action": "requestPermission", "version": 6})
        connection.request("POST", "/", body, {"Origin": self._origin})
        self._reply = json.loads(connection.getresponse().read())
        connection.close()

    @property
    def permission(self) -> Any:
        self.join(30)
        assert not self.is_alive()
        return self._reply["result"]


@pytest.fixture
def live(anki: LiveServer) -> Iterator[LiveAnki]:
    """Anki with the default configuration, also on disk."""
    yield anki.live
    anki.live.run(f"mw.addonManager.writeConfig({anki.live.addon.name!r}, {{}})")
    anki.live.configure()


def config(live: LiveAnki) -> Any:
    return live.look(f"mw.addonManager.getConfig({live.addon.name!r})")


def test_yes_lets_the_origin_in_at_once(live: LiveAnki, anki: LiveServer) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    assert live.look(f"{ORIGIN!r} in {QUESTIONS}[0].text()")
    assert anki.send("GET", "/version", Origin=ORIGIN).status == 403
    press(live, f"{QUESTIONS}[0]", "Yes")
    assert asking.permission == GRANTED
    assert ORIGIN in config(live)["webCorsOriginList"]
    reply = anki.send("GET", "/version", Origin=ORIGIN)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert Asking(live).permission == GRANTED
    assert live.look(f"len({QUESTIONS})") == 0


@pytest.mark.parametrize(
    "answer", ["press(live, f'{QUESTIONS}[0]', 'No')", "live.run(f'{QUESTIONS}[0].close()')"]
)
def test_no_denies_and_asks_again_another_time(live: LiveAnki, answer: str) -> None:
    for _ in range(2):
        asking = Asking(live)
        live.wait_for(f"bool({QUESTIONS})")
        eval(answer)
        assert asking.permission == DENIED
    assert config(live)["ignoreOriginList"] == []


def test_no_is_the_default(live: LiveAnki) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    assert live.look(f"{QUESTIONS}[0].defaultButton().text().replace('&', '')") == "No"
    live.run(f"{QUESTIONS}[0].defaultButton().click()")
    assert asking.permission == DENIED


def test_a_site_can_be_ignored_from_now_on(live: LiveAnki) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    live.run(f"{QUESTIONS}[0].checkBox().click()")
    press(live, f"{QUESTIONS}[0]", "No")
    assert asking.permission == DENIED
    assert config(live)["ignoreOriginList"] == [ORIGIN]
    assert Asking(live).permission == DENIED
    assert live.look(f"len({QUESTIONS})") == 0


def test_requests_of_one_origin_share_a_question_and_others_wait_their_turn(
    live: LiveAnki, anki: LiveServer
) -> None:
    first = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    second, other = Asking(live), Asking(live, "https://other.example")
    for _ in range(50):
        assert anki.send("GET", "/deckNames").status == 200  # answered meanwhile
    assert live.look(f"len({QUESTIONS})") == 1
    press(live, f"{QUESTIONS}[0]", "Yes")
    assert (first.permission, second.permission) == (GRANTED, GRANTED)
    live.wait_for(f"bool({QUESTIONS}) and 'other.example' in {QUESTIONS}[0].text()")
    press(live, f"{QUESTIONS}[0]", "No")
    assert other.permission == DENIED


def test_a_page_cannot_format_the_question(live: LiveAnki) -> None:
    asking = Asking(live, "https://<b>bank</b>.example")
    live.wait_for(f"bool({QUESTIONS})")
    assert live.look(f"{QUESTIONS}[0].textFormat() == aqt.qt.Qt.TextFormat.PlainText")
    press(live, f"{QUESTIONS}[0]", "No")
    assert asking.permission == DENIED


def test_closing_anki_denies(tmp_path: Any) -> None:
    live = LiveAnki(tmp_path / "anki")
    live.start()
    live.anki.wait_until_ready()
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    live.run("mw.unloadProfileAndExit()")
    assert live.anki.wait() == 0
    assert asking.permission == DENIED
    assert live.addon.name not in live.output()
    assert "should have been closed" not in live.output()  # Anki's word for windows that stay


def test_without_a_window_an_unknown_origin_is_denied(headless: Any) -> None:
    reply = headless.send("POST", "/", {"action": "requestPermission", "version": 6}, Origin=ORIGIN)
    assert reply.json == {"result": DENIED, "error": None}
