"""Who has the keyboard: real windows on a real desktop, with a window manager and another program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest

from .conftest import basic
from .desktop import Desktop
from .live import LiveAnki
from .windows import ADD, BROWSER, EDIT


@pytest.fixture
def live(on_desktop: LiveAnki) -> LiveAnki:
    return on_desktop


def ask(live: LiveAnki, action: str, **params: Any) -> Any:
    reply = live.anki.invoke(action, **params)
    assert reply["error"] is None
    return reply["result"]


@pytest.fixture
def note(live: LiveAnki, desktop: Desktop) -> Iterator[int]:
    """A note; no window but the main one is open, and the dictionary has the focus."""
    (note,) = ask(live, "addNotes", notes=[basic("neko")])
    desktop.activate("Dictionary")
    yield note
    live.run("mw.closeAllWindows(lambda: None)")
    live.wait_for("aqt.dialogs.allClosed()")
    ask(live, "deleteNotes", notes=ask(live, "findNotes", query=""))


OPENING: list[tuple[str, Callable[[int], dict[str, Any]], str, str]] = [
    ("guiBrowse", lambda note: {"query": ""}, BROWSER, "Browse"),
    ("guiAddCards", lambda note: {}, ADD, "Add"),
    ("guiEditNote", lambda note: {"note": note}, EDIT, "Edit Note"),
]


@pytest.mark.parametrize(("action", "params", "window", "title"), OPENING, ids=[o[0] for o in OPENING])
def test_a_window_opens_without_the_focus_when_asked_to(
    live: LiveAnki,
    desktop: Desktop,
    note: int,
    action: str,
    params: Callable[[int], dict[str, Any]],
    window: str,
    title: str,
) -> None:
    for _ in range(2):  # when it is opened, and when it is open
        ask(live, action, **params(note), activate=False)
        live.wait_for(f"{window}.isVisible()")
        live.run("import time; time.sleep(0.3)")  # a focus that is taken is taken late
        assert desktop.active() == "Dictionary"


@pytest.mark.parametrize(("action", "params", "window", "title"), OPENING, ids=[o[0] for o in OPENING])
def test_a_window_gets_the_focus_otherwise(
    live: LiveAnki,
    desktop: Desktop,
    note: int,
    action: str,
    params: Callable[[int], dict[str, Any]],
    window: str,
    title: str,
) -> None:
    for _ in range(2):
        ask(live, action, **params(note))
        desktop.wait_for_active(title)
        desktop.activate("Dictionary")


def test_no_write_moves_the_focus(live: LiveAnki, desktop: Desktop, note: int) -> None:
    ask(live, "guiBrowse", query=f"nid:{note}", activate=False)
    ask(live, "guiEditNote", note=note, activate=False)
    live.wait_for(f"bool({BROWSER}.editor.note and {EDIT}.editor.note)")
    for action, params in [
        ("updateNoteFields", {"note": {"id": note, "fields": {"Front": "inu"}}}),
        ("addTags", {"notes": [note], "tags": "new"}),
        ("addNote", {"note": basic("another")}),
        ("modelFieldAdd", {"modelName": "Basic", "fieldName": "Extra"}),
        ("createDeck", {"deck": "New"}),
        ("deleteNotes", {"notes": [note]}),
    ]:
        ask(live, action, **params)  # type: ignore[arg-type]
        live.run("import time; time.sleep(0.4)")  # until after the refresh
        assert desktop.active() == "Dictionary", action
    ask(live, "modelFieldRemove", modelName="Basic", fieldName="Extra")


BOXES = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"


@pytest.mark.parametrize("activate", [True, False])
def test_the_question_about_half_written_text_takes_no_focus(
    live: LiveAnki, desktop: Desktop, note: int, activate: bool
) -> None:
    ask(live, "guiAddCards", note=basic("half"), activate=False)
    live.wait_for(f"{ADD}.isVisible()")
    desktop.activate("Dictionary")
    for front in ("one", "two", "three", "four"):
        ask(live, "guiAddCards", note=basic(front), activate=activate)
    live.wait_for(f"'four' in str([box.text() for box in {BOXES}])")
    live.run("import time; time.sleep(0.3)")
    assert desktop.active() == "Dictionary"
    assert live.look(f"len({BOXES})") == 1
    live.run(f"{BOXES}[0].reject()")
    live.run(f"{ADD}._close()")
