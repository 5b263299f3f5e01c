"""Anki's main window and its collection, for actions on the main thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import Unavailable

if TYPE_CHECKING:
    from aqt.main import AnkiQt


def main_window() -> AnkiQt:
    """The main window with an open collection. Raises Unavailable without one."""
    import aqt

    mw = aqt.mw
    if mw is None or mw.col is None or getattr(mw.col, "db", None) is None:
        raise Unavailable()
    return mw
