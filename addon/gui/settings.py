"""The settings of this add-on in Anki: its window to edit them, and the copy of the last good ones."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Optional

import aqt

from ..core.plain_text import printable
from ..core.private_api import private
from .folder import addon_name

private(
    "aqt.addons", "ConfigEditor", otherwise="wrong settings are told without Anki's window to edit them"
)
private("aqt.addons", "ConfigEditor.updateText", otherwise="wrong settings are told without what was typed")

log = logging.getLogger("ankiconnect")

Values = dict[str, Any]


def stored() -> Values:
    """What Anki keeps, over our defaults."""
    return aqt.mw.addonManager.getConfig(addon_name()) or {}


def store(values: Values) -> None:
    aqt.mw.addonManager.writeConfig(addon_name(), values)


def is_being_edited() -> bool:
    """Whether the window to edit them is open."""
    return any(
        type(window).__name__ == "ConfigEditor"
        and window.isVisible()
        and getattr(window, "addon", None) == addon_name()
        for window in aqt.mw.app.topLevelWidgets()
    )


def edit(values: Values, message: str) -> None:
    """Open Anki's window with `values` to go on with, and a message above them."""
    from aqt.addons import ConfigEditor
    from aqt.qt import QBoxLayout, QLabel, Qt

    dialog = aqt.dialogs.open("AddonsDialog", aqt.mw.addonManager)
    # What it compares with: without an edit, OK does nothing.
    editor = ConfigEditor(dialog, addon_name(), stored())
    if values != editor.conf:
        editor.updateText(values)
    label = QLabel(printable(message))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setWordWrap(True)
    layout = editor.layout()
    if isinstance(layout, QBoxLayout):
        layout.insertWidget(0, label)


class LastGood:
    """The last settings that were in force, in a file that the next start falls back on.

    It holds what Anki's own file of them holds, so that it is for the user alone as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Optional[Values]:
        try:
            values = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return values if isinstance(values, dict) else None

    def write(self, values: Values) -> None:
        if self.read() == values:
            return
        new = self._path.with_suffix(".new")
        try:
            new.unlink(missing_ok=True)
            with os.fdopen(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump(values, file)
            os.replace(new, self._path)
        except OSError as error:  # the folder of a packager can't be written
            log.info("the settings in force can't be kept for the next start: %s", error)
