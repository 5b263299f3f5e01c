"""Looking into Anki's windows from tests, and typing there as a person does."""

from __future__ import annotations

import itertools
import json
from typing import Any

from .live import LiveAnki

BROWSER = "aqt.dialogs._dialogs['Browser'][1]"
ADD = "aqt.dialogs._dialogs['AddCards'][1]"
EDIT_CURRENT = "aqt.dialogs._dialogs['EditCurrent'][1]"
EDIT = "aqt.dialogs._dialogs['ankiconnect.edit'][1]"

# The texts that a web view holds and would save, whatever it has told Python.
_WEB_FIELDS = """
require("anki/NoteEditor").instances[0].fields.map((field) => {
    let text = null;
    field.editingArea.content.subscribe((content) => (text = content))();
    return text;
})
"""
_FOCUSED = """
(() => {
    const fields = [...document.querySelectorAll(".field-container")];
    return fields.findIndex((field) => field.contains(document.activeElement));
})()
"""

_numbers = itertools.count()


class Editor:
    """The editor of a window, both given by expressions."""

    def __init__(self, live: LiveAnki, window: str) -> None:
        self._live = live
        self.window = window
        self.editor = f"{window}.editor"

    def js(self, script: str) -> Any:
        """The value of JavaScript in the web view."""
        name = f"js{next(_numbers)}"
        self._live.run(
            f"def answer(value): mw.{name} = [value]\n"
            f"{self.editor}.web.evalWithCallback({script!r}, answer)"
        )
        return self._live.wait_for(f"getattr(mw, {name!r}, None)")[0]

    def wait_until_loaded(self) -> None:
        """Wait until the web view shows the fields of the note."""
        self._live.wait_for(f"{self.editor}.note is not None")
        count = self._live.look(f"len({self.editor}.note.fields)")
        ready = f'!!window.require && require("anki/NoteEditor").instances[0]?.fields.length == {count}'
        self._wait_for_js(ready)

    def _wait_for_js(self, condition: str) -> None:
        for _ in range(500):
            if self.js(f"try {{ {condition} }} catch {{ false }}"):
                return
            self._live.run("import time; time.sleep(0.01)")
        raise AssertionError(f"{condition} did not become true")

    def focus(self, field: int) -> None:
        self.wait_until_loaded()
        self._live.run(f"{self.window}.activateWindow(); {self.editor}.web.setFocus()")
        self._live.run(f"{self.editor}.web.eval('focusField({field})')")
        self._live.wait_for(f"{self.editor}.currentField == {field}")
        self._wait_for_js(f"{_FOCUSED.strip()} == {field}")

    def type(self, text: str) -> None:
        """Press keys where the cursor is, and wait until the web view has them."""
        self._live.run(
            "from PyQt6.QtTest import QTest\n"
            f"QTest.keyClicks({self.editor}.web.focusProxy(), {text!r})"
        )
        self._wait_for_js(f"JSON.stringify({_WEB_FIELDS.strip()}).includes({json.dumps(text)})")

    def shown(self) -> list[str]:
        """The fields as the web view holds them."""
        texts: list[str] = self.js(_WEB_FIELDS)
        return texts

    def copy(self) -> list[str]:
        """The fields as the editor's note object holds them."""
        texts: list[str] = self._live.look(f"list({self.editor}.note.fields)")
        return texts
