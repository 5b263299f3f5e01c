"""The question whether a web page's origin may use the API. On the main thread."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Callable, Optional

import aqt
from aqt.qt import QCheckBox, QMessageBox, Qt, qconnect

_MOST_WAITING = 20

_QUESTION = """The web site {origin} asks to use Anki through AnkiConnect.

If you allow it, its pages can read and change everything in your collection: now and later, \
until you take the site out of AnkiConnect's settings.

Allow it?"""


class Permissions:
    """One question at a time; a second request from the same origin waits for the same answer."""

    def __init__(self) -> None:
        # The first one is being asked about.
        self._waiting: dict[str, Future[bool]] = {}
        self._box: Optional[QMessageBox] = None
        self.on_allowed: Callable[[str], None] = lambda origin: None
        self.on_ignored: Callable[[str], None] = lambda origin: None

    def ask(self, origin: str) -> Future[bool]:
        """The person's answer, who is not hurried: nothing else waits for it."""
        known = self._waiting.get(origin)
        if known:
            return known
        answer: Future[bool] = Future()
        if len(self._waiting) == _MOST_WAITING:
            answer.set_result(False)
        else:
            self._waiting[origin] = answer
            if self._box is None:
                self._ask_next()
        return answer

    def _ask_next(self) -> None:
        origin = next(iter(self._waiting), None)
        if origin is None:
            return
        box = QMessageBox(aqt.mw)
        self._box = box
        box.setWindowModality(Qt.WindowModality.NonModal)
        box.setWindowTitle("AnkiConnect")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)  # the origin is the page's own word
        box.setText(_QUESTION.format(origin=origin))
        yes = box.addButton(QMessageBox.StandardButton.Yes)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.No))
        box.setEscapeButton(QMessageBox.StandardButton.No)
        ignore = QCheckBox("Never ask again about this site")
        box.setCheckBox(ignore)
        qconnect(
            box.finished,
            lambda _result: self._answered(origin, box.clickedButton() is yes, ignore.isChecked()),
        )
        box.silentlyClose = True  # type: ignore[attr-defined]  # or Anki prints, on closing a profile, that it is open
        box.show()
        box.raise_()
        box.activateWindow()

    def _answered(self, origin: str, allowed: bool, ignored: bool) -> None:
        assert self._box
        self._box.deleteLater()
        self._box = None
        answer = self._waiting.pop(origin)
        if allowed:
            self.on_allowed(origin)
        elif ignored:
            self.on_ignored(origin)
        answer.set_result(allowed)
        self._ask_next()
