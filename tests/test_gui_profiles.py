"""loadProfile switches profiles and answers when the other one is open."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import basic
from .live import LiveAnki
from .web import Web
from .windows import EDIT, Editor, press


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveAnki]:
    """An Anki with a second profile, Other."""
    live = LiveAnki(tmp_path / "anki")
    live.start()
    live.anki.wait_until_ready()
    live.run(
        "mw.pm.create('Other')\n"
        "profile = dict(mw.pm.profile)\n"
        "import pickle\n"
        "mw.pm.db.execute('update profiles set data = ? where name = ?', pickle.dumps(profile, 4), 'Other')"
    )
    yield live
    assert live.stop() == 0


def ask(live: LiveAnki, action: str, **params: Any) -> Any:
    reply = live.anki.invoke(action, **params)
    assert reply["error"] is None, reply
    return reply["result"]


def test_the_other_profile_is_open_when_the_reply_comes(live: LiveAnki) -> None:
    ask(live, "createDeck", deck="Mine")
    ask(live, "guiBrowse", query="")
    assert sorted(ask(live, "getProfiles")) == ["Other", "User 1"]
    assert ask(live, "loadProfile", name="Other") is True
    assert ask(live, "getActiveProfile") == "Other"
    assert ask(live, "deckNames") == ["Default"]
    assert live.look("(mw.isVisible(), mw.isEnabled(), mw.state)") == (True, True, "deckBrowser")
    assert ask(live, "loadProfile", name="User 1") is True
    assert ask(live, "deckNames") == ["Default", "Mine"]


def test_the_open_profile_is_left_alone(live: LiveAnki) -> None:
    ask(live, "createDeck", deck="Mine")
    assert ask(live, "loadProfile", name="User 1") is True
    assert live.look("col.undo_status().undo") == "AnkiConnect: create deck"


def test_an_unknown_profile_changes_nothing(live: LiveAnki) -> None:
    assert ask(live, "loadProfile", name="Nobody") is False
    assert ask(live, "getActiveProfile") == "User 1"


def test_a_profile_is_opened_from_the_profile_manager(live: LiveAnki) -> None:
    live.run("mw.unloadProfileAndShowProfileManager()")
    live.wait_for("mw.col is None")
    assert ask(live, "getActiveProfile") is None
    assert ask(live, "loadProfile", name="Other") is True
    assert ask(live, "deckNames") == ["Default"]
    assert live.look("mw.profileDiag.isVisible()") is False


def test_a_half_written_note_is_asked_about_first(live: LiveAnki) -> None:
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "half"}}
    ask(live, "guiAddCards", note=note)
    boxes = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
    live.run(
        "def answer():\n"
        f"    boxes = {boxes}\n"
        "    if not boxes: return\n"
        "    mw.answering.stop(); mw.asked = True\n"
        "    (discard,) = [b for b in boxes[0].buttons() if b != boxes[0].defaultButton()]\n"
        "    discard.click()\n"
        "mw.answering = aqt.qt.QTimer(mw); mw.answering.timeout.connect(answer); mw.answering.start(50)"
    )
    assert ask(live, "loadProfile", name="Other") is True
    assert live.look("mw.asked")


def test_a_request_that_waits_does_not_end_up_in_another_profile(live: LiveAnki, web: Web) -> None:
    pages = {
        action: web.hold(action, b"content")
        for action in ("addNote", "storeMediaFile", "guiAddCards", "multi")
    }
    files = {action: {"filename": "x.png", "url": page.url} for action, page in pages.items()}

    def note(action: str) -> dict[str, Any]:
        return {**basic("neko"), "picture": {**files[action], "fields": ["Back"]}}

    parts: list[tuple[str, dict[str, Any]]] = [
        ("storeMediaFile", files["multi"]),
        ("createDeck", {"deck": "Stray"}),
        ("guiBrowse", {"query": "stray"}),
        ("sync", {}),
    ]
    waiting: dict[str, dict[str, Any]] = {
        "addNote": {"note": note("addNote")},
        "storeMediaFile": files["storeMediaFile"],
        "guiAddCards": {"note": note("guiAddCards")},
        "multi": {"actions": [{"action": a, "version": 6, "params": p} for a, p in parts]},
    }
    replies: dict[str, Any] = {}

    def send(action: str) -> None:
        replies[action] = live.anki.invoke(action, **waiting[action])

    threads = [threading.Thread(target=send, args=(action,)) for action in waiting]
    for thread in threads:
        thread.start()
    for page in pages.values():
        page.wait_until_asked()
    assert ask(live, "loadProfile", name="Other") is True
    for page in pages.values():
        page.let_go_on()
    for thread in threads:
        thread.join()
    refused = {"result": None, "error": "collection is not available"}
    assert replies.pop("multi") == {"result": [refused] * len(parts), "error": None}
    assert replies == dict.fromkeys(replies, refused)
    for profile in ("Other", "User 1"):
        ask(live, "loadProfile", name=profile)
        assert ask(live, "findNotes", query="") == []
        assert ask(live, "getMediaFilesNames") == []
        assert ask(live, "deckNames") == ["Default"]
    assert live.look("[aqt.dialogs._dialogs[name][1] for name in ('AddCards', 'Browser')]") == [None, None]


@pytest.mark.parametrize("name", ["Other", "Nobody"])
def test_what_follows_a_switch_of_its_own_follows_no_other(live: LiveAnki, web: Web, name: str) -> None:
    page = web.hold("x", b"content")
    note = {**basic("neko"), "picture": {"filename": "x.png", "url": page.url}}
    actions = [
        {"action": "loadProfile", "version": 6, "params": {"name": name}},
        {"action": "addNote", "version": 6, "params": {"note": note}},
    ]
    replies: list[Any] = []
    thread = threading.Thread(target=lambda: replies.append(ask(live, "multi", actions=actions)))
    thread.start()
    page.wait_until_asked()
    ask(live, "loadProfile", name="User 1" if name == "Other" else "Other")
    page.let_go_on()
    thread.join()
    assert replies[0][1]["error"] == "collection is not available"
    for profile in ("Other", "User 1"):
        ask(live, "loadProfile", name=profile)
        assert ask(live, "findNotes", query="") == []
        assert ask(live, "getMediaFilesNames") == []


def test_what_follows_a_switch_of_its_own_goes_to_the_other_profile(live: LiveAnki) -> None:
    switch = {"action": "loadProfile", "params": {"name": "Other"}}
    follow = {"action": "createDeck", "params": {"deck": "New"}}
    switched, made = ask(live, "multi", actions=[switch, follow])
    assert (switched, type(made)) == (True, int)
    assert ask(live, "getActiveProfile") == "Other"
    assert ask(live, "deckNames") == ["Default", "New"]


def test_what_is_typed_into_the_edit_window_goes_to_its_profile(live: LiveAnki) -> None:
    (note,) = ask(live, "addNotes", notes=[basic("neko")])
    ask(live, "guiEditNote", note=note)
    editor = Editor(live, EDIT)
    editor.wait_until_loaded()
    press(live, EDIT, "Preview")
    live.wait_for(f"{EDIT}._previewer is not None")
    editor.focus(1)
    editor.type("typed")
    assert ask(live, "loadProfile", name="Other") is True
    assert live.look("[w.windowTitle() for w in mw.app.topLevelWidgets() if w.isVisible()]") == [
        "Other - Anki"
    ]
    assert ask(live, "loadProfile", name="User 1") is True
    assert ask(live, "notesInfo", notes=[note])[0]["fields"]["Back"]["value"] == "typed"
    assert "should have been closed" not in live.output()


def test_quitting_keeps_what_is_typed_into_open_windows(live: LiveAnki) -> None:
    (note,) = ask(live, "addNotes", notes=[basic("neko")])
    ask(live, "guiBrowse", query="")
    ask(live, "guiEditNote", note=note)
    editor = Editor(live, EDIT)
    editor.focus(1)
    editor.type("typed")
    ask(live, "guiExitAnki")
    assert live.anki.wait() == 0
    assert "should have been closed" not in live.output()
    live.stop()
    live.start()
    live.anki.wait_until_ready()
    assert ask(live, "notesInfo", notes=[note])[0]["fields"]["Back"]["value"] == "typed"
