"""A question to the person that nobody answers by accident. On the main thread."""

from __future__ import annotations

from typing import Callable, Optional

import aqt
from aqt.qt import (
    QCheckBox,
    QCloseEvent,
    QEvent,
    QKeyEvent,
    QMessageBox,
    QMouseEvent,
    QObject,
    QPushButton,
    Qt,
    QTimer,
    qconnect,
)

_WAIT_MS = 1000


class Question(QMessageBox):
    """A window with a yes, a no and perhaps a box to tick, which disturbs nobody.

    It opens above other windows and leaves the keyboard where it is. The yes can be pressed when the window
    has been the active one for a second in which nothing was pressed. It takes the mouse, or the Tab key to
    the button and then Space; no other key means yes. Escape and closing mean no.

    `on_answer` is called once, while the box is still there: with whether it was a yes, or with None if
    Anki closes the window. Anki closes all windows before it closes a profile.
    """

    silentlyClose = True  # or Anki prints, on closing a profile, that it is open

    def __init__(
        self, text: str, *, yes: str, no: str, box: str = "", on_answer: Callable[[Optional[bool]], None]
    ) -> None:
        super().__init__(aqt.mw)
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowTitle("AnkiConnect")
        self.setIcon(QMessageBox.Icon.Question)
        self.setTextFormat(Qt.TextFormat.PlainText)  # it can hold what a page says
        self.setText(text)
        # The roles are not those of accepting and rejecting: Qt makes the first of these the default.
        self._yes, self._no = QPushButton(yes), QPushButton(no)
        self.addButton(self._yes, QMessageBox.ButtonRole.YesRole)
        self.addButton(self._no, QMessageBox.ButtonRole.NoRole)
        for button in (self._yes, self._no):
            button.setAutoDefault(False)
            button.installEventFilter(self)
        self.setEscapeButton(self._no)
        self.box = QCheckBox(box)
        if box:
            self.setCheckBox(self.box)
            self.setTabOrder(self._no, self.box)
        self.setTabOrder(self.box if box else self._no, self._yes)
        # With the focus on the window itself, keys that were meant for another one press nothing.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()
        self._yes.setEnabled(False)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        qconnect(self._timer.timeout, lambda: self._yes.setEnabled(True))
        self._is_withdrawn = False
        qconnect(self.finished, lambda _: self._finish(on_answer))
        self.show()

    def ask_anew(self, text: str) -> None:
        """Ask about something else from now on. A yes to the text before is not taken for it."""
        self.setText(text)
        self._timer.stop()
        self._yes.setEnabled(False)
        self._wait()

    def _finish(self, on_answer: Callable[[Optional[bool]], None]) -> None:
        self.deleteLater()
        on_answer(None if self._is_withdrawn else self.clickedButton() is self._yes)

    def _wait(self) -> None:
        """Have the yes wait for a second from now on, unless it is there already."""
        if self.isActiveWindow() and not self._yes.isEnabled():
            self._timer.start(_WAIT_MS)

    def event(self, event: Optional[QEvent]) -> bool:
        if event and event.type() == QEvent.Type.WindowActivate:
            self._wait()
        elif event and event.type() == QEvent.Type.WindowDeactivate:
            self._timer.stop()
            self._yes.setEnabled(False)
        return super().event(event)

    def eventFilter(self, button: Optional[QObject], event: Optional[QEvent]) -> bool:
        if event and event.type() == QEvent.Type.Shortcut:
            return True  # some desktops give letters to buttons that have none
        if event and event.type() == QEvent.Type.MouseButtonPress:
            self._wait()
        return super().eventFilter(button, event)

    def keyPressEvent(self, event: Optional[QKeyEvent]) -> None:
        # What Qt does with keys here is left out: it presses buttons by their letters.
        if event and event.key() == Qt.Key.Key_Escape:
            self._no.click()
        else:
            self._wait()

    def mousePressEvent(self, event: Optional[QMouseEvent]) -> None:
        self._wait()

    def closeEvent(self, event: Optional[QCloseEvent]) -> None:
        self._is_withdrawn = event is not None and not event.spontaneous()
        super().closeEvent(event)
