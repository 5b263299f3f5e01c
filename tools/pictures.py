"""`make pictures`: the pictures of Anki's windows in `docs/`, taken on a screen without a monitor."""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
from pathlib import Path

from tests.desktop import Desktop
from tests.live import LiveAnki
from tests.windows import EDIT, Editor

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_QUESTION = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
# What the screen shows, the window's frame included: a web view has no picture of its own.
_GRAB = """
frame = {window}.frameGeometry()
picture = mw.screen().grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height())
assert picture.save({path!r})
"""
_FRONT, _BACK = "el <b>gato</b>", "cat<br><i>Felis catus</i>"


def main() -> None:
    desktop = Desktop()
    with tempfile.TemporaryDirectory() as folder:
        live = LiveAnki(Path(folder) / "anki")
        live.start(DISPLAY=desktop.display, QT_QPA_PLATFORM="xcb")
        live.anki.wait_until_ready()
        try:
            _edit_window(live)
            _permission_question(live)
        finally:
            live.stop()
            desktop.stop()


def _edit_window(live: LiveAnki) -> None:
    for front in ("el perro", _FRONT):
        fields = {"Front": front, "Back": _BACK}
        note = {
            "deckName": "Default",
            "modelName": "Basic",
            "fields": fields,
            "tags": ["animal", "lesson::3"],
        }
        live.anki.invoke("guiEditNote", note=live.anki.invoke("addNote", note=note)["result"])
    editor = Editor(live, EDIT)
    editor.wait_until_shown([_FRONT, _BACK])
    _grab(live, EDIT, "edit-window.png")
    editor.close()


def _permission_question(live: LiveAnki) -> None:
    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", live.anki.port)
        body = json.dumps({"action": "requestPermission", "version": 6})
        connection.request("POST", "/", body, {"Origin": "https://dictionary.example"})
        connection.getresponse().read()
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    live.wait_for(f"bool({_QUESTION})")
    live.run(f"{_QUESTION}[0].activateWindow()")
    live.wait_for(f"all(button.isEnabled() for button in {_QUESTION}[0].buttons())")
    _grab(live, f"{_QUESTION}[0]", "permission.png")
    live.run(f"{_QUESTION}[0].close()")
    asking.join()


def _grab(live: LiveAnki, window: str, name: str) -> None:
    live.run("import time; until = time.time() + 1\nwhile time.time() < until: mw.app.processEvents()")
    live.run(_GRAB.format(window=window, path=str(_DOCS / name)))


if __name__ == "__main__":
    main()
