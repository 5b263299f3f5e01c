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
from .windows import answer, escape

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


_REFUSALS = "import gc\nfor found in gc.get_objects():\n if type(found).__name__ == 'Refusals': "


def forget_refusals(live: LiveAnki) -> None:
    """Have Anki forget what was refused since it started."""
    live.run(_REFUSALS + "found._refused.clear()")


def pass_ten_minutes(live: LiveAnki) -> None:
    """Have what was refused so far be refused ten minutes earlier."""
    live.run(_REFUSALS + "found._refused[:] = [(at - 600, asker) for at, asker in found._refused]")


@pytest.fixture
def live(anki: LiveServer) -> Iterator[LiveAnki]:
    """Anki with the default configuration, also on disk, where nothing was refused yet."""
    forget_refusals(anki.live)
    yield anki.live
    forget_refusals(anki.live)
    anki.live.run(f"mw.addonManager.writeConfig({anki.live.addon.name!r}, {{}})")
    anki.live.configure()


def config(live: LiveAnki) -> Any:
    return live.look(f"mw.addonManager.getConfig({live.addon.name!r})")


def test_yes_lets_the_origin_in_at_once(live: LiveAnki, anki: LiveServer) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    assert live.look(f"{ORIGIN!r} in {QUESTIONS}[0].text()")
    assert anki.send("GET", "/version", Origin=ORIGIN).status == 403
    answer(live, f"{QUESTIONS}[0]", "Allow")
    assert asking.permission == GRANTED
    assert ORIGIN in config(live)["webCorsOriginList"]
    reply = anki.send("GET", "/version", Origin=ORIGIN)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert Asking(live).permission == GRANTED
    assert live.look(f"len({QUESTIONS})") == 0


def ask_and_deny(live: LiveAnki, origin: str) -> None:
    asking = Asking(live, origin)
    live.wait_for(f"bool({QUESTIONS})")
    escape(live, f"{QUESTIONS}[0]")
    assert asking.permission == DENIED


def deny_unasked(live: LiveAnki, origin: str) -> None:
    assert Asking(live, origin).permission == DENIED
    assert live.look(f"len({QUESTIONS})") == 0


@pytest.mark.parametrize("key", [False, True], ids=["button", "Escape"])
def test_after_a_no_there_is_no_question_for_ten_minutes(live: LiveAnki, key: bool) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    if key:
        escape(live, f"{QUESTIONS}[0]")
    else:
        answer(live, f"{QUESTIONS}[0]", "Deny")
    assert asking.permission == DENIED
    deny_unasked(live, ORIGIN)
    pass_ten_minutes(live)
    ask_and_deny(live, ORIGIN)
    assert config(live)["ignoreOriginList"] == []


def test_after_three_noes_there_is_no_question_any_more(live: LiveAnki) -> None:
    for _ in range(3):
        ask_and_deny(live, ORIGIN)
        pass_ten_minutes(live)
    deny_unasked(live, ORIGIN)
    ask_and_deny(live, "https://other.example")


def test_a_question_that_anki_closes_is_denied_but_no_refusal(live: LiveAnki) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    live.run(f"{QUESTIONS}[0].close()")  # as Anki does with all windows
    assert asking.permission == DENIED
    ask_and_deny(live, ORIGIN)


@pytest.mark.parametrize(
    "spelling",
    [
        *("HTTPS://EXAMPLE.com", "https://example.com:443", "https://example.com."),
        *("https://Example.COM.:0443", "https://example.com/", "https://example.com:"),
    ],
)
def test_another_spelling_of_an_origin_is_no_other_origin(live: LiveAnki, spelling: str) -> None:
    ask_and_deny(live, ORIGIN)
    deny_unasked(live, spelling)


def test_another_spelling_of_an_ignored_origin_is_ignored(live: LiveAnki) -> None:
    live.configure(ignoreOriginList=[ORIGIN])
    deny_unasked(live, "https://EXAMPLE.com:443")


@pytest.mark.parametrize(
    "other", ["http://example.com", "https://example.com:444", "https://a.example.com"]
)
def test_another_scheme_port_or_name_is_another_origin(live: LiveAnki, other: str) -> None:
    ask_and_deny(live, ORIGIN)
    ask_and_deny(live, other)


def test_a_page_can_not_go_on_asking_under_other_names(live: LiveAnki) -> None:
    for round in range(3):
        for number in range(5):
            ask_and_deny(live, f"https://a{round}-{number}.example.com")
        deny_unasked(live, f"https://a{round}.example.com")
        pass_ten_minutes(live)
    deny_unasked(live, "https://b.example.com")


def test_what_waits_when_the_limit_is_reached_is_denied_too(live: LiveAnki) -> None:
    asking = [Asking(live, f"https://a{number}.example.com") for number in range(20)]
    for _ in range(5):
        live.wait_for(f"len({QUESTIONS}) == 1")
        live.run(f"mw.asked = {QUESTIONS}[0]")
        escape(live, "mw.asked")
        live.wait_for(f"mw.asked not in {QUESTIONS}")
    assert [page.permission for page in asking] == [DENIED] * 20
    assert live.look(f"len({QUESTIONS})") == 0


def test_a_site_can_be_ignored_from_now_on(live: LiveAnki) -> None:
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    live.run(f"{QUESTIONS}[0].checkBox().click()")
    answer(live, f"{QUESTIONS}[0]", "Deny")
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
    answer(live, f"{QUESTIONS}[0]", "Allow")
    assert (first.permission, second.permission) == (GRANTED, GRANTED)
    live.wait_for(f"bool({QUESTIONS}) and 'other.example' in {QUESTIONS}[0].text()")
    answer(live, f"{QUESTIONS}[0]", "Deny")
    assert other.permission == DENIED


def test_a_page_cannot_format_the_question(live: LiveAnki) -> None:
    asking = Asking(live, "https://<b>bank</b>.example")
    live.wait_for(f"bool({QUESTIONS})")
    assert live.look(f"{QUESTIONS}[0].textFormat() == aqt.qt.Qt.TextFormat.PlainText")
    answer(live, f"{QUESTIONS}[0]", "Deny")
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
