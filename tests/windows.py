"""Looking into Anki's windows from tests, and typing there as a person does."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from .live import LiveAnki
from .web import Held

BROWSER = "aqt.dialogs._dialogs['Browser'][1]"
ADD = "aqt.dialogs._dialogs['AddCards'][1]"
EDIT_CURRENT = "aqt.dialogs._dialogs['EditCurrent'][1]"
EDIT = "aqt.dialogs._dialogs['ankiconnect.edit'][1]"
# What the add-on tells until it is closed, and Anki's window to edit its settings.
_VISIBLE = "next((w for w in mw.app.topLevelWidgets() if type(w).__name__ == {!r} and w.isVisible()), None)"
NOTICE = _VISIBLE.format("_Notice")
SETTINGS = _VISIBLE.format("ConfigEditor")

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


class WebView:
    """A web view, given by an expression."""

    def __init__(self, live: LiveAnki, view: str) -> None:
        self._live = live
        self._view = view

    def js(self, script: str) -> Any:
        """The value of JavaScript in it."""
        name = f"js{next(_numbers)}"
        self._live.run(
            f"def answer(value): mw.{name} = [value]\n{self._view}.evalWithCallback({script!r}, answer)"
        )
        return self._live.wait_for(f"getattr(mw, {name!r}, None)")[0]

    def wait_for(self, condition: str) -> None:
        deadline = time.monotonic() + 60
        while not self.js(f"try {{ {condition} }} catch {{ false }}"):
            assert time.monotonic() < deadline, f"{condition} did not become true"
            time.sleep(0.01)

    def run(self, script: str) -> None:
        """Start JavaScript without waiting for it."""
        self._live.run(f"{self._view}.eval({script!r})")

    def keep_busy(self, held: Held) -> None:
        """Have it do nothing else until the page that is held answers."""
        self.run(f"{{ const r = new XMLHttpRequest(); r.open('GET', {held.url!r}, false); r.send(); }}")
        held.wait_until_asked()


class Editor:
    """The editor of a window, both given by expressions."""

    def __init__(self, live: LiveAnki, window: str) -> None:
        self._live = live
        self.window = window
        self.editor = f"{window}.editor"
        self.web = WebView(live, f"{self.editor}.web")

    def wait_until_loaded(self) -> None:
        """Wait until the web view shows the fields of the note."""
        self._live.wait_for(f"{self.editor}.note is not None")
        count = self._live.look(f"len({self.editor}.note.fields)")
        ready = f'!!window.require && require("anki/NoteEditor").instances[0]?.fields.length == {count}'
        self.web.wait_for(ready)

    def focus(self, field: int) -> None:
        self.wait_until_loaded()
        self._live.run(f"{self.window}.activateWindow(); {self.editor}.web.setFocus()")
        self._live.run(f"{self.editor}.web.eval('focusField({field})')")
        self._live.wait_for(f"{self.editor}.currentField == {field}")
        self.web.wait_for(f"{_FOCUSED.strip()} == {field}")

    def type(self, text: str) -> None:
        """Press keys where the cursor is, and wait until the web view has them."""
        self.press(text)
        self.web.wait_for(f"JSON.stringify({_WEB_FIELDS.strip()}).includes({json.dumps(text)})")

    def press(self, text: str) -> None:
        """Press keys where the cursor is."""
        self._live.run(
            f"from PyQt6.QtTest import QTest\nQTest.keyClicks({self.editor}.web.focusProxy(), {text!r})"
        )

    def type_tag(self, text: str) -> None:
        """Start a new tag, as Anki's shortcut does, and press keys there."""
        self._live.run(
            "from PyQt6.QtTest import QTest\n"
            "keys = aqt.qt.Qt.KeyboardModifier\n"
            f"QTest.keyClick({self.editor}.web.focusProxy(), aqt.qt.Qt.Key.Key_T,"
            " keys.ControlModifier | keys.ShiftModifier)"
        )
        self.web.wait_for('document.activeElement.classList.contains("tag-input")')
        self.press(text)
        self.web.wait_for(f"document.activeElement.value === {json.dumps(text)}")

    def shown(self) -> list[str]:
        """The fields as the web view holds them."""
        texts: list[str] = self.web.js(_WEB_FIELDS)
        return texts

    def copy(self) -> list[str]:
        """The fields as the editor's note object holds them."""
        texts: list[str] = self._live.look(f"list({self.editor}.note.fields)")
        return texts

    def copy_of_tags(self) -> list[str]:
        tags: list[str] = self._live.look(f"list({self.editor}.note.tags)")
        return tags

    def wait_until_shown(self, fields: list[str]) -> None:
        self.web.wait_for(f"JSON.stringify({_WEB_FIELDS.strip()}) === {json.dumps(_json(fields))}")

    def wait_until_visible(self, field: int, html: str) -> None:
        """Wait until a person sees this in a field, which can be other than what the web view holds."""
        element = f'document.querySelectorAll(".rich-text-editable")[{field}].shadowRoot'
        seen = f"{element}.querySelector('anki-editable').innerHTML.replace(/<br>$/, '')"
        self.web.wait_for(f"{seen} === {json.dumps(html)}")

    def wait_until_empty(self) -> None:
        """Wait until the editor shows no note, or its window is closed."""
        self._live.wait_for(f"{self.window} is None or {self.editor}.note is None")

    def save(self) -> None:
        """Have the editor save whatever it would save by itself, and wait until that is stored."""
        self._live.run(
            f"mw.saved = False\n{self.editor}.call_after_note_saved(lambda: setattr(mw, 'saved', True))"
        )
        self._live.wait_for("mw.saved")
        self._live.run("mw.taskman._collection_executor.submit(lambda: None).result()")

    def close(self) -> None:
        self._live.run(f"{self.window}.close()")
        self._live.wait_for(f"{self.window} is None")
        self._live.run("mw.taskman._collection_executor.submit(lambda: None).result()")


def _json(value: object) -> str:
    """As JSON.stringify writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def label_in(window: str, part: str) -> str:
    """An expression for the text of the label in a window that has `part` in it."""
    texts = f"[label.text() for label in {window}.findChildren(aqt.qt.QLabel)]"
    return f"{window} and next((text for text in {texts} if {part!r} in text), '')"


def press(live: LiveAnki, window: str, label: str) -> None:
    """Click the button of that label in a window."""
    live.run(
        f"(button,) = [b for b in {window}.findChildren(aqt.qt.QAbstractButton)"
        f" if b.text().replace('&', '') == {label!r} and b.isVisible()]\n"
        "button.click()"
    )


def answer(live: LiveAnki, question: str, label: str) -> None:
    """Press a button of a question as a person does: in the active window, once it can be pressed."""
    live.run(f"{question}.activateWindow()")
    button = f"next(b for b in {question}.buttons() if b.text() == {label!r})"
    live.wait_for(f"{button}.isEnabled()")
    press(live, question, label)


def escape(live: LiveAnki, window: str) -> None:
    """Press Escape in a window."""
    live.run(f"from PyQt6.QtTest import QTest\nQTest.keyClick({window}, aqt.qt.Qt.Key.Key_Escape)")
