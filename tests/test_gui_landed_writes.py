"""A change that has landed is answered as such, even where Anki's windows can't be told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import LiveServer, basic
from .windows import BROWSER, Editor


@pytest.fixture
def note(anki: LiveServer) -> Iterator[int]:
    """A note that the Browser's editor shows."""
    (note,) = ask(anki, "addNotes", notes=[basic("neko")])
    ask(anki, "guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.wait_until_loaded()
    yield note
    anki.live.run("for undo in mw.undone: undo()")


def ask(anki: LiveServer, action: str, **params: Any) -> Any:
    reply = anki.send("POST", f"/{action}", params).json
    assert reply["error"] is None, reply
    return reply["result"]


def break_method(anki: LiveServer, module: str, owner: str, method: str, *, works: int = 0) -> None:
    """Have a method of the add-on raise, after it has worked a few times."""
    anki.live.run(
        "import sys\n"
        f"owner = getattr(sys.modules[{anki.live.addon.name + '.' + module!r}], {owner!r})\n"
        f"original = getattr(owner, {method!r})\n"
        "calls = []\n"
        "def broken(*args, **more):\n"
        "    calls.append(1)\n"
        f"    if len(calls) <= {works}: return original(*args, **more)\n"
        f"    raise RuntimeError('no luck with {method}')\n"
        f"setattr(owner, {method!r}, broken)\n"
        f"mw.undone = [lambda: setattr(owner, {method!r}, original)]"
    )


@pytest.mark.parametrize(
    ("module", "owner", "method", "works"),
    [
        ("gui.editor_sync", "EditorCopy", "take_over", 0),
        ("gui.editor_sync", "EditorCopy", "show", 0),
        ("gui.editor_sync", "Editors", "save", 1),  # before the change, but not after
        ("gui.refresh", "Refresh", "add", 0),
    ],
)
def test_a_change_has_landed_though_a_window_can_not_be_told(
    anki: LiveServer, note: int, module: str, owner: str, method: str, works: int
) -> None:
    break_method(anki, module, owner, method, works=works)
    ask(anki, "updateNoteFields", note={"id": note, "fields": {"Front": "inu"}})
    assert ask(anki, "notesInfo", notes=[note])[0]["fields"]["Front"]["value"] == "inu"
    anki.live.look("1")  # what was posted to the main thread has run by now
    assert f"RuntimeError: no luck with {method}" in anki.live.log()


def test_an_undo_is_done_though_another_add_on_fails_to_hear_of_it(anki: LiveServer, note: int) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "def fail(_undone): raise RuntimeError('no luck with undo')\n"
        "gui_hooks.state_did_undo.append(fail)\n"
        "mw.undone = [lambda: gui_hooks.state_did_undo.remove(fail)]"
    )
    ask(anki, "updateNoteFields", note={"id": note, "fields": {"Front": "inu"}})
    assert ask(anki, "guiUndo") is True
    assert ask(anki, "notesInfo", notes=[note])[0]["fields"]["Front"]["value"] == "neko"
    assert "RuntimeError: no luck with undo" in anki.live.log()
