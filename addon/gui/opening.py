"""When Anki has finished opening a profile.

Anki opens the collection first, and only then sets up what goes with it: sound, the window, a timer that
closing the profile needs. What changes profiles or quits in between would break that.

    collection_did_load    the collection is open, Anki goes on setting up
    profile_did_open       all is set up but what add-ons do at this hook, and a sync

An add-on may ask the person something at a hook, which holds up the hooks behind it, and one that fails
keeps these from being called. So ours come first.
"""

from __future__ import annotations

import weakref
from typing import Any, Callable, Optional

from anki.collection import Collection
from aqt import gui_hooks
from aqt.main import AnkiQt


class Opening:
    """Follows Anki while it opens profiles, and calls `on_over` each time that one is open.

    Made on the main thread, before a profile is opened.
    """

    def __init__(self, mw: AnkiQt, on_over: Callable[[], None]) -> None:
        self._mw = mw
        self._on_over = on_over
        self._in_profile = False  # one is open, and Anki has not begun to close it
        self._col: Optional[weakref.ref[Collection]] = None  # the one that is open and set up
        _call_first(gui_hooks.collection_did_load, self._on_collection)
        _call_first(gui_hooks.profile_did_open, self._on_profile)
        _call_first(gui_hooks.profile_will_close, self._on_closing)

    def is_over(self) -> bool:
        """Whether a profile is open and set up, with its collection. For any thread."""
        col = self._mw.col
        return col is not None and getattr(col, "db", None) is not None and self._is_set_up(col)

    def is_under_way(self) -> bool:
        """Whether Anki is starting or opening a profile right now. For any thread."""
        col = self._mw.col
        return self._mw.state == "startup" if col is None else not self._is_set_up(col)

    def _is_set_up(self, col: Collection) -> bool:
        return self._col is not None and self._col() is col

    def _on_collection(self, col: Collection) -> None:
        # An import of a whole collection opens another one within the profile. A person can keep Anki from
        # closing a profile, but then the window is still there; while one is opened, it is hidden.
        if self._in_profile or self._mw.isVisible():
            self._set_up(col)

    def _on_profile(self) -> None:
        self._in_profile = True
        self._set_up(self._mw.col)

    def _on_closing(self) -> None:
        self._in_profile = False

    def _set_up(self, col: Collection) -> None:
        self._col = weakref.ref(col)
        self._on_over()


def _call_first(hook: Any, function: Callable[..., None]) -> None:
    hooks = getattr(hook, "_hooks", None)
    if isinstance(hooks, list):
        hooks.insert(0, function)
    else:
        hook.append(function)
