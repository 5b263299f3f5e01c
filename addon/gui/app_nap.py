"""macOS puts programs to sleep whose windows nobody sees ("App Nap"), with requests waiting."""

from __future__ import annotations

import logging

log = logging.getLogger("ankiconnect")


def stay_awake(awake: bool) -> None:
    """Have Anki's own macOS helper keep Anki awake, or let it sleep again. No effect on other systems."""
    try:
        from aqt._macos_helper import macos_helper
    except ImportError:
        return
    if macos_helper is None:
        return
    switch = getattr(macos_helper, "disable_appnap" if awake else "enable_appnap", None)
    if switch is None:
        log.warning("this Anki has no way to be kept awake")
    else:
        switch()
