"""What a person has to know: a window that stays until it is closed. On the main thread."""

from __future__ import annotations

import logging
from typing import Callable, Optional

import aqt
from aqt import gui_hooks
from aqt.qt import QKeyEvent, QMessageBox, Qt, qconnect

from ..core.plain_text import printable

log = logging.getLogger("ankiconnect")


class Notices:
    """One window for all. Before a profile is open there is no window to show it over, so it waits."""

    def __init__(self) -> None:
        self._texts: list[str] = []  # shown, or waiting for a profile
        self._window: Optional[_Notice] = None
        self._on_settings: Optional[Callable[[], None]] = None
        gui_hooks.profile_did_open.append(self._show_waiting)

    def tell(
        self, text: str, on_settings: Optional[Callable[[], None]] = None, *, activate: bool = False
    ) -> None:
        """Log `text` and show it; `on_settings` is what a button for the settings does.

        The window leaves the keyboard where it is, unless a person has asked for it.
        """
        log.warning("%s", text)
        if text in self._texts:
            self._texts.remove(text)
        self._texts.append(text)
        self._on_settings = on_settings or self._on_settings
        if aqt.mw.col is not None:
            self._show(activate)

    def _show_waiting(self) -> None:
        if self._texts and self._window is None:
            self._show(False)

    def _show(self, activate: bool) -> None:
        if self._window is None:
            self._window = _Notice(self._closed)
        if self._on_settings:
            self._window.offer_settings(self._on_settings)
        self._window.setText(printable("\n\n".join(self._texts)))
        self._window.show()
        if activate:
            self._window.raise_()
            self._window.activateWindow()

    def _closed(self) -> None:
        self._texts, self._window, self._on_settings = [], None, None


class _Notice(QMessageBox):
    """Not modal, and opened without the keyboard, which presses nothing but Escape until it is clicked."""

    silentlyClose = True  # or Anki prints, on closing a profile, that it is open

    def __init__(self, on_closed: Callable[[], None]) -> None:
        super().__init__(aqt.mw)
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowTitle("AnkiConnect")
        self.setIcon(QMessageBox.Icon.Warning)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._has_settings = False
        self._close = self.addButton(QMessageBox.StandardButton.Close)
        assert self._close
        self._close.setAutoDefault(False)
        self.setEscapeButton(self._close)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        qconnect(self.finished, lambda _: self._finish(on_closed))

    def offer_settings(self, on_settings: Callable[[], None]) -> None:
        if self._has_settings:
            return
        self._has_settings = True
        button = self.addButton("Settings…", QMessageBox.ButtonRole.ActionRole)
        assert button
        button.setAutoDefault(False)
        qconnect(button.clicked, lambda _checked: on_settings())

    def _finish(self, on_closed: Callable[[], None]) -> None:
        self.deleteLater()
        on_closed()

    def keyPressEvent(self, event: Optional[QKeyEvent]) -> None:
        # What Qt does with keys here is left out: it presses buttons by their letters.
        if event and event.key() == Qt.Key.Key_Escape:
            self.reject()
