"""Anki's import screen."""

from __future__ import annotations

import os
from typing import Annotated, Optional

from ..core.actions import Lane, gui
from ..core.call import Call
from ..core.errors import BadParams
from ..core.files import resolved
from .window import Activate, main_window

ImportPath = Annotated[
    Optional[str],
    "file on the machine that Anki runs on; relative to the media folder unless absolute. "
    "Without it, Anki asks the person for a file",
]


@gui("guiImportFile", lane=Lane.CALLER)
def import_file(call: Call, path: ImportPath = None, activate: Activate = True) -> None:
    """Raise the main window and open Anki's import screen for a file of any type that Anki imports.

    The person decides there; the reply does not wait for it.
    """
    if path is None:
        call.host.on_window(lambda: _ask_for_file(activate))
        return
    call.host.on_window(main_window)
    given = path
    file = call.host.on_collection(lambda col: resolved(col, call, given))
    if not os.path.isfile(file):
        raise BadParams(f"there is no such file: {file}")
    call.host.on_window(lambda: _open_screen(file, activate))


def _ask_for_file(activate: bool) -> None:
    from aqt.import_export.importing import prompt_for_file_then_import
    from aqt.qt import QTimer

    mw = main_window()
    if activate:
        mw.raise_()
        mw.activateWindow()
    # Later, since Anki's file chooser and questions hold up what opens them.
    QTimer.singleShot(0, lambda: prompt_for_file_then_import(mw))


def _open_screen(file: str, activate: bool) -> None:
    from aqt.import_export import importing
    from aqt.qt import QTimer

    mw = main_window()
    if not any(kind.can_import(os.path.basename(file).lower()) for kind in importing.IMPORTERS):
        raise BadParams(f"Anki does not import files of this type: {file}")
    if activate:
        mw.raise_()
        mw.activateWindow()
    QTimer.singleShot(0, lambda: importing.import_file(mw, file))
