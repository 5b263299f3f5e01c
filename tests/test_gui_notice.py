"""A port that is busy at start, as a person sees it: on a desktop, with another program beside Anki."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from .desktop import Desktop
from .live import LiveAnki
from .windows import NOTICE, SETTINGS, press

CATCH_LINKS = """
from aqt.qt import QDesktopServices, QObject, pyqtSlot, QUrl
class Browser(QObject):
    @pyqtSlot(QUrl)
    def open(self, url): mw.opened = url.toString()
mw.opened = None
mw.browser_of_tests = Browser()
QDesktopServices.setUrlHandler('http', mw.browser_of_tests, 'open')
"""
CHOOSE_MENU = "next(a for a in mw.form.menuTools.actions() if a.text() == 'AnkiConnect').trigger()"
KEYS = ("space", "Return", "c", "alt+c", "s", "alt+s")


class Holder:
    """Another program on a port, which answers HTTP."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def live(own_anki: LiveAnki) -> LiveAnki:
    return own_anki


@pytest.fixture
def holder(live: LiveAnki) -> Iterator[Holder]:
    holder = Holder(live.anki.port)
    yield holder
    holder.close()


def test_a_busy_port_is_told_until_it_is_closed_and_takes_no_focus(
    live: LiveAnki, holder: Holder, desktop: Desktop
) -> None:
    desktop.start_dictionary()
    live.start(DISPLAY=desktop.display, QT_QPA_PLATFORM="xcb")
    live.wait_for("mw.isVisible()")
    desktop.activate("Dictionary")
    text = live.wait_for(f"{NOTICE} and {NOTICE}.text()")
    assert "answers HTTP. It keeps trying. To use another port, change webBindPort" in text
    while "AnkiConnect" not in desktop.visible():
        live.wait_for("True")
    assert "AnkiConnect" not in desktop.active()
    width, screen = live.look(f"({NOTICE}.width(), mw.screen().availableGeometry().width())")
    assert width < screen
    desktop.press(*KEYS)
    assert live.look(f"bool({NOTICE}) and not {SETTINGS}")
    # Where it is active but was not clicked, the keys meant for another window press nothing either.
    desktop.activate("AnkiConnect")
    desktop.press(*KEYS)
    assert live.look(f"bool({NOTICE}) and not {SETTINGS}")
    desktop.press("Escape")
    live.wait_for(f"not {NOTICE}")
    # One more, while somebody types in Anki for sure.
    desktop.activate("User 1")
    live.configure(webBacklog=64)
    live.wait_for(f"bool({NOTICE})")
    while "AnkiConnect" not in desktop.visible():
        live.wait_for("True")
    live.wait_for("mw.isActiveWindow()")
    assert "User 1" in desktop.active()


def test_the_tools_menu_tells_it_and_opens_no_page_of_another_program(
    live: LiveAnki, holder: Holder
) -> None:
    live.start()
    live.wait_for(f"bool({NOTICE})")
    press(live, NOTICE, "Close")
    live.wait_for(f"not {NOTICE}")
    live.run(CATCH_LINKS + CHOOSE_MENU)
    assert "can't listen on" in live.look(f"{NOTICE}.text()")
    assert live.look("mw.opened") is None
    press(live, NOTICE, "Settings…")
    live.wait_for(f"bool({SETTINGS})")
    live.run(f"{SETTINGS}.reject()")
    holder.close()
    live.anki.wait_until_ready()
    live.run(CHOOSE_MENU)
    assert live.wait_for("mw.opened").rstrip("/") == live.url


def test_it_is_told_once_a_start(live: LiveAnki, holder: Holder) -> None:
    live.start()
    live.wait_for(f"bool({NOTICE})")
    press(live, NOTICE, "Close")
    # An edit that can't be put in force has the server try its port anew.
    live.configure(webBacklog=64)
    assert "keeps its previous configuration" in live.wait_for(f"{NOTICE} and {NOTICE}.text()")
    log = live.addon / "user_files" / "ankiconnect.log"
    live.wait_for(f"open({str(log)!r}).read().count('It keeps trying') == 2")
    assert "It keeps trying" not in live.look(f"{NOTICE}.text()")
