"""Settings edited in Anki: checked, and in force without a restart."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from addon.settings_sources import defaults, load, schema
from tools.ports import free_port

from .conftest import LiveServer
from .live import LiveAnki
from .test_gui_permission import ORIGIN, QUESTIONS, Asking
from .windows import NOTICE, SETTINGS, answer, label_in, press

# Opens the add-on's config window as a person does, edits the text and presses OK.
EDIT_CONFIG = """
dialog = aqt.dialogs.open("AddonsDialog", mw.addonManager)
editor = aqt.addons.ConfigEditor(dialog, {addon!r}, mw.addonManager.getConfig({addon!r}))
editor.form.editor.setPlainText({text!r})
mw.config_editor = editor
# Later, since a refused text holds up what sends it with a message.
aqt.qt.QTimer.singleShot(0, editor.accept)
"""
MESSAGES = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"


def edit(live: LiveAnki, **changes: Any) -> None:
    text = json.dumps({**defaults(), **changes})
    live.run(EDIT_CONFIG.format(addon=live.addon.name, text=text))


@pytest.fixture
def own_anki(tmp_path: Path) -> Iterator[LiveAnki]:
    """An Anki whose port comes from its configuration."""
    live = LiveAnki(tmp_path / "anki")
    (live.addon / "meta.json").write_text(json.dumps({"config": {"webBindPort": live.anki.port}}))
    live.start(ANKICONNECT_BIND_PORT="")
    live.anki.wait_until_ready()
    yield live
    live.stop()


def listens(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_the_config_window_checks_line_by_line(anki: LiveServer) -> None:
    live = anki.live
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"webBindPort": "x"}, "webBindPort: 'x' is not of type 'integer'"),
        ({"webBindPort": 65536}, "webBindPort: 65536 is greater than the maximum of 65535"),
        ({"apiKey": 5}, "apiKey: 5 is not of type 'string', 'null'"),
        ({"webCorsOriginList": ["a", 5]}, "webCorsOriginList: 5 is not of type 'string'"),
    ]
    for change, text in wrong:
        edit(live, **change)
        live.wait_for(f"bool({MESSAGES})")
        assert live.look(f"{MESSAGES}[0].text()") == text
        press(live, f"{MESSAGES}[0]", "OK")
        live.run("mw.config_editor.reject()")
    assert anki.send("GET", "/deckNames").status == 200


def test_an_edit_is_in_force_at_once(anki: LiveServer) -> None:
    edit(anki.live, apiKey="secret")
    anki.live.wait_for("not mw.config_editor.isVisible()")
    assert anki.send("GET", "/deckNames").status == 401
    edit(anki.live)
    anki.live.wait_for("not mw.config_editor.isVisible()")
    assert anki.send("GET", "/deckNames").status == 200


def test_what_is_wrong_is_shown_again_with_a_message(anki: LiveServer) -> None:
    live = anki.live
    live.run(f"mw.addonManager.writeConfig({live.addon.name!r}, {{}})")
    edit(live, webFileFolders=["packages"], apiKey="secret")
    label = label_in(SETTINGS, "packages")
    text = live.wait_for(label)
    wrong = "setting webFileFolders: 'packages' is not an absolute path"
    assert text == f"AnkiConnect keeps its previous configuration: {wrong}"
    assert anki.send("GET", "/deckNames").status == 200  # without the key; and not held up by the window
    shown = json.loads(live.look(f"{SETTINGS}.form.editor.toPlainText()"))
    assert (shown["webFileFolders"], shown["apiKey"]) == (["packages"], "secret")
    live.run(f"{SETTINGS}.accept()")  # as it is
    assert live.wait_for(label) == text
    mended = live.look(f"{SETTINGS}.form.editor.toPlainText()").replace("packages", "/packages")
    live.run(f"{SETTINGS}.form.editor.setPlainText({mended!r})")
    live.run(f"{SETTINGS}.accept()")
    live.wait_for(f"not {SETTINGS}")
    assert anki.send("GET", "/deckNames").status == 401
    live.configure()
    live.run(f"mw.addonManager.writeConfig({live.addon.name!r}, {{}})")


def test_what_has_no_effect_is_shown_again_and_the_rest_is_in_force(anki: LiveServer) -> None:
    live = anki.live
    edit(live, apiKey="secret", apikey="typo")
    label = label_in(SETTINGS, "apikey")
    assert live.wait_for(label) == "there is no setting 'apikey': is it apiKey?"
    assert anki.send("GET", "/deckNames").status == 401
    live.run(f"{SETTINGS}.accept()")  # as it is
    live.wait_for(f"not {SETTINGS}")
    live.run(f"mw.addonManager.writeConfig({live.addon.name!r}, {{}})")


def test_the_last_good_settings_are_what_the_next_start_uses(own_anki: LiveAnki) -> None:
    edit(own_anki, webBindPort=own_anki.anki.port, apiKey="good")
    own_anki.wait_for("not mw.config_editor.isVisible()")
    edit(own_anki, webBindPort=own_anki.anki.port, webFileFolders=["packages"], apiKey="wrong")
    own_anki.wait_for(f"bool({SETTINGS})")
    assert own_anki.stop() == 0
    own_anki.start(ANKICONNECT_BIND_PORT="")
    own_anki.wait_for("True")
    wait_until_answered(own_anki, "good")
    assert not own_anki.look(f"bool({NOTICE})")


def test_settings_that_were_made_wrong_meanwhile_are_told_and_the_last_good_ones_used(
    own_anki: LiveAnki,
) -> None:
    edit(own_anki, webBindPort=own_anki.anki.port, apiKey="good")
    own_anki.wait_for("not mw.config_editor.isVisible()")
    assert own_anki.stop() == 0
    meta = own_anki.addon / "meta.json"
    wrong = {"webBindPort": "x", "apiKey": "wrong"}
    meta.write_text(json.dumps({"config": wrong}))
    own_anki.start(ANKICONNECT_BIND_PORT="")
    text = own_anki.wait_for(f"{NOTICE} and {NOTICE}.text()")
    assert text == (
        "AnkiConnect uses the settings of last time: setting webBindPort: 'x' is not of type 'integer'"
    )
    wait_until_answered(own_anki, "good")
    # What comes later is in force, and what is to be mended stays.
    asking = Asking(own_anki)
    question = own_anki.wait_for(f"[str(q) for q in {QUESTIONS} if type(q).__name__ == 'Question']")
    assert question
    answer(own_anki, f"next(q for q in {QUESTIONS} if type(q).__name__ == 'Question')", "Allow")
    assert asking.permission["permission"] == "granted"
    assert Asking(own_anki).permission["permission"] == "granted"
    kept = json.loads(meta.read_text())["config"]
    assert (kept["webBindPort"], kept["apiKey"]) == ("x", "wrong")
    assert ORIGIN in kept["webCorsOriginList"]
    press(own_anki, NOTICE, "Settings…")
    own_anki.wait_for(f"bool({SETTINGS})")
    assert json.loads(own_anki.look(f"{SETTINGS}.form.editor.toPlainText()"))["webBindPort"] == "x"


def wait_until_answered(live: LiveAnki, key: str) -> None:
    """Wait until the server answers, with that key and not without one."""
    deadline = time.monotonic() + 60
    while status(live, f"/deckNames?key={key}") != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert status(live, "/deckNames") == 401


def status(live: LiveAnki, path: str) -> int:
    try:
        with urllib.request.urlopen(live.url + path, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_another_port_is_listened_on_at_once(own_anki: LiveAnki) -> None:
    old, new = own_anki.anki.port, free_port()
    own_anki.configure(webBindPort=new, webBacklog=64)
    assert (listens(new), listens(old)) == (True, False)
    assert f"listening on http://127.0.0.1:{new}" in own_anki.log()


def test_the_same_port_of_all_addresses_is_listened_on_at_once(own_anki: LiveAnki) -> None:
    own_anki.configure(webBindPort=own_anki.anki.port, webBindAddress="0.0.0.0", apiKey="k")
    assert "listening on http://0.0.0.0:" in own_anki.log()
    own_anki.configure(webBindPort=own_anki.anki.port)
    assert listens(own_anki.anki.port)


def test_an_address_that_cannot_be_had_leaves_all_as_it_was(own_anki: LiveAnki) -> None:
    old = own_anki.anki.port
    own_anki.configure(webBindAddress="203.0.113.1", webBindPort=old, apiKey="secret")
    own_anki.wait_for("True")
    assert "keeps its previous configuration: it can't listen on http://203.0.113.1:" in own_anki.log()
    own_anki.anki.wait_until_ready()
    assert listens(old)  # and without a key


def test_a_configuration_that_was_bad_at_the_start_is_mended_without_a_restart(tmp_path: Path) -> None:
    live = LiveAnki(tmp_path / "anki")
    (live.addon / "meta.json").write_text(json.dumps({"config": {"apiKey": 5}}))
    live.start()
    assert not listens(live.anki.port)
    live.configure()
    live.anki.wait_until_ready()
    assert live.stop() == 0


def test_the_schema_accepts_the_defaults_and_no_less_than_load_does() -> None:
    jsonschema.validate(defaults(), schema())
    for wrong in ({"webBindPort": -1}, {"webBacklog": 0}, {"webBodyLimit": 0}, {"apiNullErrors": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema())
        with pytest.raises(ValueError, match=next(iter(wrong))):
            load(wrong, {})


def test_the_tools_menu_opens_the_page(anki: LiveServer) -> None:
    live = anki.live
    live.run(
        "from aqt.qt import QDesktopServices, QObject, pyqtSlot, QUrl\n"
        "class Browser(QObject):\n"
        "    @pyqtSlot(QUrl)\n"
        "    def open(self, url): mw.opened = url.toString()\n"
        "mw.browser_of_tests = Browser()\n"
        "QDesktopServices.setUrlHandler('http', mw.browser_of_tests, 'open')\n"
        "(action,) = [a for a in mw.form.menuTools.actions() if a.text() == 'AnkiConnect']\n"
        "action.trigger()"
    )
    assert live.wait_for("getattr(mw, 'opened', None)").rstrip("/") == live.url
    live.run("from aqt.qt import QDesktopServices; QDesktopServices.unsetUrlHandler('http')")


def test_macos_is_kept_awake_while_listening(own_anki: LiveAnki) -> None:
    # There is no macOS to test on: this stands in for the helper that Anki has there.
    own_anki.run(
        "import aqt._macos_helper\n"
        "class Helper:\n"
        "    def disable_appnap(self): mw.awake = True\n"
        "    def enable_appnap(self): mw.awake = False\n"
        "aqt._macos_helper.macos_helper = Helper()"
    )
    own_anki.configure(webBindPort=free_port())
    own_anki.wait_for("getattr(mw, 'awake', None) is True")
    own_anki.run("mw.app.aboutToQuit.emit()")
    assert own_anki.look("mw.awake") is False
