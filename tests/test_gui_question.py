"""Nobody answers a question by accident: real keys and clicks on a real desktop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .desktop import Desktop
from .live import LiveAnki
from .test_gui_permission import DENIED, GRANTED, QUESTIONS, Asking, forget_refusals
from .windows import escape

YES = f"next(b for b in {QUESTIONS}[0].buttons() if b.text().replace('&', '') == 'Allow')"
SEARCH = "aqt.dialogs._dialogs['Browser'][1].form.searchEdit.lineEdit()"
# What somebody may press who writes in another program, and what stands for a button in a window.
TYPED = ["y", "a", "alt+y", "alt+a", "n", "Return", "KP_Enter", "space", "ctrl+Return", "Tab", "o"]


@pytest.fixture
def live(on_desktop: LiveAnki, desktop: Desktop) -> Iterator[LiveAnki]:
    """Nothing is asked or refused yet, and the dictionary has the focus."""
    desktop.activate("Dictionary")
    forget_refusals(on_desktop)
    yield on_desktop
    on_desktop.run(f"for question in {QUESTIONS}: question.close()")
    on_desktop.run(f"mw.addonManager.writeConfig({on_desktop.addon.name!r}, {{}})")
    on_desktop.configure()


def ask(live: LiveAnki) -> Asking:
    """A page that asks, and whose question is on the screen."""
    asking = Asking(live)
    live.wait_for(f"bool({QUESTIONS})")
    settle(live)
    return asking


def settle(live: LiveAnki) -> None:
    """Wait until what was pressed has come to Anki's windows, and longer than the yes waits."""
    live.run("from PyQt6.QtTest import QTest; QTest.qWait(1200)")


def test_it_takes_no_key_from_another_program(live: LiveAnki, desktop: Desktop) -> None:
    desktop.press("x")
    asking = ask(live)
    desktop.press(*TYPED)
    settle(live)
    assert "Dictionary: x" in desktop.active()
    assert desktop.active().endswith("o")
    assert live.look(f"len({QUESTIONS})") == 1
    assert not live.look(f"{YES}.isEnabled()")
    escape(live, f"{QUESTIONS}[0]")
    assert asking.permission == DENIED


def test_it_takes_no_key_from_another_window_of_anki(live: LiveAnki, desktop: Desktop) -> None:
    live.anki.invoke("guiBrowse")
    desktop.wait_for_active("Browse")
    live.run(f"{SEARCH}.setFocus(); {SEARCH}.clear()")
    desktop.press("x")
    ask(live)
    desktop.press("y", "space", "a", "o")
    live.wait_for(f"{SEARCH}.text() == 'xy ao'")
    desktop.press("Return")
    settle(live)
    assert "Browse" in desktop.active()
    assert live.look(f"len({QUESTIONS})") == 1


def test_it_is_seen_while_anki_is_minimized(live: LiveAnki, desktop: Desktop) -> None:
    live.run("mw.showMinimized()")
    live.wait_for("mw.isMinimized()")
    desktop.activate("Dictionary")
    ask(live)
    assert "AnkiConnect" in desktop.visible()
    assert "Dictionary" in desktop.active()
    live.run("mw.showNormal()")


@pytest.mark.parametrize("letters", [False, True], ids=["as it is", "with letters of the desktop's"])
def test_no_key_but_space_on_the_button_means_yes(live: LiveAnki, desktop: Desktop, letters: bool) -> None:
    asking = ask(live)
    if letters:
        live.run(f"for b in {QUESTIONS}[0].buttons(): b.setText('&' + b.text())")
    desktop.activate("AnkiConnect")
    live.wait_for(f"{YES}.isEnabled()")
    desktop.press(*TYPED[:-2], "o")
    settle(live)
    assert live.look(f"len({QUESTIONS})") == 1
    desktop.press("Escape")
    assert asking.permission == DENIED


def test_closing_its_window_means_no(live: LiveAnki, desktop: Desktop) -> None:
    asking = ask(live)
    desktop.close("AnkiConnect")
    assert asking.permission == DENIED
    assert Asking(live).permission == DENIED  # without a question, as after any no
    assert live.look(QUESTIONS) == []


def test_no_button_is_the_default(live: LiveAnki) -> None:
    ask(live)
    assert live.look(f"{QUESTIONS}[0].defaultButton() is None")
    assert not live.look(f"any(b.isDefault() or b.autoDefault() for b in {QUESTIONS}[0].buttons())")


def test_the_first_tab_leads_to_the_no(live: LiveAnki, desktop: Desktop) -> None:
    asking = ask(live)
    desktop.activate("AnkiConnect")
    live.wait_for(f"{YES}.isEnabled()")
    desktop.press("Tab", "space")
    assert asking.permission == DENIED


def test_the_keyboard_alone_can_say_yes(live: LiveAnki, desktop: Desktop) -> None:
    asking = ask(live)
    desktop.activate("AnkiConnect")
    live.wait_for(f"{YES}.isEnabled()")
    desktop.press("Tab", "Tab", "Tab")
    live.wait_for(f"{YES}.hasFocus()")
    desktop.press("space")
    assert asking.permission == GRANTED


def test_the_mouse_can_say_yes_in_the_active_window_only(live: LiveAnki, desktop: Desktop) -> None:
    asking = ask(live)
    x, y = live.look(f"(lambda p: (p.x(), p.y()))({YES}.mapToGlobal({YES}.rect().center()))")
    desktop.click(x, y)  # as somebody does who clicked there for another reason
    desktop.wait_for_active("AnkiConnect")
    assert live.look(f"len({QUESTIONS})") == 1
    live.wait_for(f"{YES}.isEnabled()")
    desktop.activate("Dictionary")
    live.wait_for(f"not {YES}.isEnabled()")
    desktop.activate("AnkiConnect")
    live.wait_for(f"{YES}.isEnabled()")
    desktop.click(x, y)
    assert asking.permission == GRANTED


@pytest.mark.parametrize(
    "pressed",
    [
        "QTest.keyClick(question, aqt.qt.Qt.Key.Key_Y)",
        "QTest.mouseClick(yes, aqt.qt.Qt.MouseButton.LeftButton)",
    ],
    ids=["key", "mouse"],
)
def test_what_is_pressed_before_makes_the_yes_wait_anew(live: LiveAnki, pressed: str) -> None:
    ask(live)
    # The second is over when something is pressed, but the yes does not know yet.
    program = (
        f"from PyQt6.QtTest import QTest\nimport time\nquestion, = {QUESTIONS}\nyes = {YES}\n"
        "question.activateWindow()\n"
        "while not question.isActiveWindow(): mw.app.processEvents()\n"
        "time.sleep(1.2)\n%s\nmw.app.processEvents()\nresult = yes.isEnabled()"
    )
    assert live.run(program % pressed) is False
    live.wait_for(f"{YES}.isEnabled()")
    live.run("mw.activateWindow()")
    live.wait_for(f"not {YES}.isEnabled()")
    assert live.run(program % "") is True
