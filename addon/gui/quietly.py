"""Windows that open without the focus, where Anki makes and shows them in one step. On the main thread."""

from __future__ import annotations

from typing import Optional

import aqt
from aqt.qt import QEvent, QObject, Qt, QWidget

_PASSING = (Qt.WindowType.ToolTip, Qt.WindowType.Popup, Qt.WindowType.SplashScreen)


class NextWindowQuiet(QObject):
    """Has the next window that opens leave the focus where it is, and then goes away."""

    def __init__(self) -> None:
        super().__init__(aqt.mw)
        aqt.mw.app.installEventFilter(self)

    def eventFilter(self, widget: Optional[QObject], event: Optional[QEvent]) -> bool:
        # Qt sends this right before it has the desktop show a window.
        if (
            event
            and event.type() == QEvent.Type.Show
            and isinstance(widget, QWidget)
            and widget.isWindow()
            and widget.windowType() not in _PASSING
        ):
            widget.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
            handle = widget.windowHandle()
            if handle:  # it has taken the attribute over already
                handle.setProperty("_q_showWithoutActivating", True)
            aqt.mw.app.removeEventFilter(self)
            self.deleteLater()
        return False
