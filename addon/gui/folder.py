"""The folder of this add-on among Anki's, whose name is also that of its configuration.

It can be a link: packagers and developers make one. So its path is Anki's, never the one that the link
leads to.
"""

from __future__ import annotations

import os
from pathlib import Path


def addon_name() -> str:
    """The name of the folder: the number that AnkiWeb gave, or another one."""
    import aqt

    name: str = aqt.mw.addonManager.addonFromModule(__name__)
    return name


def addon_path() -> Path:
    """The path of the folder, links not followed."""
    import aqt

    return Path(aqt.mw.addonManager.addonsFolder(addon_name()))


def is_link() -> bool:
    """Whether the add-on's files are elsewhere, in a folder that somebody else looks after."""
    path = addon_path()
    beside = os.path.join(os.path.realpath(path.parent), path.name)
    return os.path.normcase(os.path.realpath(path)) != os.path.normcase(beside)
