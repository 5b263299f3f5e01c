"""Switching profiles."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TimedOut
from typing import Annotated, Any

from ...core.context import RequestContext
from ...core.errors import Conflict
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ...core.schema.codecs import Name, composed

private("aqt.main", "AnkiQt.loadProfile", "loadProfile")
private("aqt.main", "AnkiQt.unloadProfile", "loadProfile")

_MAX_SECONDS = 120  # a sync on closing included
_switching = threading.Lock()


@gui("loadProfile", runs_on=RunsOn.HTTP_THREAD)
def load_profile(
    context: RequestContext, name: Name
) -> Annotated[bool, "false if there is no such profile"]:
    """Close the open profile and open another, and wait until it is open.

    Both may sync, as when a person switches. Where a window of Anki asks the person something first, such
    as whether to discard a half-written note, the switch waits for the answer. Nothing happens if the
    profile is open already: that succeeds without Anki's window, too.
    """
    if not _switching.acquire(blocking=False):
        raise Conflict("another switch of profiles is under way")
    try:
        open_now = context.runtime.profile()
        is_open = (open_now is not None and composed(open_now) == name) or _opened(context, name)
        if is_open:
            context.binding.follow(context.runtime.collection())
        return is_open
    finally:
        _switching.release()


def _opened(context: RequestContext, name: str) -> bool:
    """Open the profile and wait until it is. False if there is none."""
    opened: Future[bool] = Future()
    context.runtime.run_on_main(lambda: _switch(name, opened))
    try:
        return opened.result(_MAX_SECONDS)
    except TimedOut:
        raise Conflict(f"the profile was not opened within {_MAX_SECONDS} s: {name}") from None


def _switch(name: str, opened: Future[bool]) -> None:
    import aqt

    mw = aqt.mw
    # Anki keeps the name of a profile as it came.
    found = next((known for known in mw.pm.profiles() if composed(known) == name), None)
    if found is None:
        opened.set_result(False)
        return
    if mw.col is not None and mw.pm.name == found:
        opened.set_result(True)
        return

    close_profile, open_profile = mw.unloadProfile, mw.loadProfile  # both, or nothing is begun

    def load() -> None:
        mw.pm.load(found)
        try:
            open_profile(lambda: opened.set_result(True))
        except Exception:
            if mw.col is None:
                raise
            # Another add-on has failed, with the profile open. Anki tells the person.
            sys.excepthook(*sys.exc_info())
            if not opened.done():
                opened.set_result(True)

    if mw.col is not None:
        close_profile(load)
    else:
        _close_profile_manager(mw)
        load()


def _close_profile_manager(mw: Any) -> None:
    manager = getattr(mw, "profileDiag", None)
    if manager is not None:
        manager.closeWithoutQuitting()
