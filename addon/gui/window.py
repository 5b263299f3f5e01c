"""Anki's main window and its collection, and the opening of other windows, on the main thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ..core.errors import Unavailable
from ..core.private_api import private

if TYPE_CHECKING:
    from aqt.main import AnkiQt

private(
    "aqt",
    "DialogManager._dialogs",
    "guiSelectCard guiSelectNote guiSelectedNotes guiAddNoteSetData guiEditNote",
    otherwise="no guiBrowse without activating, no guiAddCards without activating or with a note",
)

Activate = Annotated[bool, "give the window the focus; false opens it and leaves the focus where it is"]


def main_window() -> AnkiQt:
    """The main window with an open collection. Raises Unavailable without one."""
    import aqt

    mw = aqt.mw
    if mw is None or mw.col is None or getattr(mw.col, "db", None) is None:
        raise Unavailable()
    return mw


def dialog(name: str) -> Any:
    """The open window of that name in Anki's registry; None if there is none."""
    import aqt

    return aqt.dialogs._dialogs[name][1]


def open_dialog(name: str, activate: bool, will_show: Any) -> Any:
    """The window of that name in Anki's registry, opened if need be; raised and focused if `activate`.

    `will_show` is the hook that Anki runs, with the window, before it is shown for the first time.
    """
    import aqt
    from aqt.qt import Qt

    quietly = Qt.WidgetAttribute.WA_ShowWithoutActivating

    def be_quiet(window: Any) -> None:
        window.setAttribute(quietly)

    if activate:
        window = aqt.dialogs.open(name, main_window())
        window.activateWindow()
        return window
    window = dialog(name)
    if window is None:
        will_show.append(be_quiet)
        try:
            window = aqt.dialogs.open(name, main_window())
        finally:
            will_show.remove(be_quiet)
        window.setAttribute(quietly, False)
    return window
