"""Ready means that Anki has finished opening the profile, whatever other add-ons do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import LiveServer, basic
from .live import LiveAnki

UNAVAILABLE = "collection is not available"

# Asks the person something at a hook, ahead of us, since add-ons are loaded in the order of their names.
ASKING = """
import aqt
from aqt import gui_hooks

def ask(*_):
    gui_hooks.HOOK.remove(ask)
    aqt.mw.question = aqt.qt.QMessageBox()
    aqt.mw.question.exec()
    aqt.mw.question = None

gui_hooks.HOOK.append(ask)
"""
FAILING = """
from aqt import gui_hooks

def fail(*_):
    raise ValueError("not now")

gui_hooks.HOOK.append(fail)
"""


def start_beside(anki: LiveAnki, code: str, hook: str) -> None:
    """Start Anki with another add-on."""
    folder = anki.anki.base / "addons21" / "100"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code.replace("HOOK", hook))
    anki.start()


def ask(live: LiveAnki, action: str, **params: Any) -> Any:
    return live.anki.invoke(action, **params)


def ready(live: LiveAnki) -> int:
    server = LiveServer(live)
    status = server.send("GET", "/readyz").status
    server.close()
    return status


def test_nothing_gets_in_while_anki_sets_up_a_profile(own_anki: LiveAnki) -> None:
    start_beside(own_anki, ASKING, "collection_did_load")
    own_anki.wait_for("getattr(mw, 'question', None) and mw.question.isVisible()")
    assert ready(own_anki) == 503
    assert ask(own_anki, "getActiveProfile")["result"] is None
    for action in ("deckNames", "guiDeckBrowser", "guiExitAnki", "reloadCollection"):
        assert ask(own_anki, action)["error"] == UNAVAILABLE
    assert ask(own_anki, "loadProfile", name="User 1")["error"] == UNAVAILABLE
    assert ask(own_anki, "version")["result"] == 6
    own_anki.run("mw.question.accept()")
    own_anki.anki.wait_until_ready()
    assert ready(own_anki) == 200
    assert ask(own_anki, "loadProfile", name="User 1")["result"] is True
    assert ask(own_anki, "guiExitAnki")["error"] is None
    assert own_anki.anki.wait() == 0
    assert "Traceback" not in own_anki.output()


def test_a_question_of_another_add_on_in_an_open_profile_holds_nobody_up(own_anki: LiveAnki) -> None:
    start_beside(own_anki, ASKING, "profile_did_open")
    own_anki.wait_for("getattr(mw, 'question', None) and mw.question.isVisible()")
    assert ready(own_anki) == 200
    assert ask(own_anki, "deckNames")["result"] == ["Default"]
    assert ask(own_anki, "guiDeckBrowser")["error"] is None
    assert ask(own_anki, "getActiveProfile")["result"] == "User 1"
    own_anki.run("mw.question.accept()")


@pytest.mark.parametrize("hook", ["collection_did_load", "profile_did_open"])
def test_an_add_on_that_fails_while_the_profile_opens_keeps_nobody_out(
    own_anki: LiveAnki, hook: str
) -> None:
    start_beside(own_anki, FAILING, hook)
    own_anki.anki.wait_until_ready()
    assert ready(own_anki) == 200
    own_anki.run(f"mw.pm.create('Other')\ndef fail(*_): 1 / 0\naqt.gui_hooks.{hook}.append(fail)")
    assert ask(own_anki, "loadProfile", name="Other") == {"result": True, "error": None}
    assert ask(own_anki, "getActiveProfile")["result"] == "Other"
    assert ask(own_anki, "deckNames")["result"] == ["Default"]


def test_another_collection_in_the_open_profile_is_ready(anki: LiveServer) -> None:
    open_another_collection(anki)
    assert anki.send("GET", "/readyz").status == 200
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_a_person_who_keeps_the_profile_open_keeps_it_ready(anki: LiveServer) -> None:
    anki.send("POST", "/guiAddCards", {"note": basic("half")})
    boxes = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
    anki.live.run("aqt.qt.QTimer.singleShot(0, mw.unloadProfileAndShowProfileManager)")
    anki.live.wait_for(f"len({boxes})")
    anki.live.run(f"{boxes}[0].defaultButton().click()")
    anki.live.wait_for(f"not {boxes}")
    assert anki.send("GET", "/readyz").status == 200
    reads = [{"action": "deckNames", "version": 6}] * 3
    replies = anki.send("POST", "/multi", {"actions": reads}).json["result"]
    assert [reply["error"] for reply in replies] == [None] * 3
    anki.live.run("aqt.dialogs._dialogs['AddCards'][1]._close()")
    open_another_collection(anki)
    assert anki.send("GET", "/readyz").status == 200


def open_another_collection(anki: LiveServer) -> None:
    """As the import of a whole collection does."""
    anki.live.run("mw.unloadCollection(lambda: None)")
    anki.live.wait_for("mw.col is None")
    assert anki.send("GET", "/readyz").status == 503
    anki.live.run("mw.loadCollection()")
