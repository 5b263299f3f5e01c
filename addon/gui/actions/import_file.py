"""Anki's import screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Callable, Optional

from ...core.context import RequestContext
from ...core.errors import BadParams
from ...core.file_access import resolved
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ..window import Activate, main_window

if TYPE_CHECKING:
    from aqt.main import AnkiQt

private("aqt.import_export.importing", "prompt_for_file_then_import import_file IMPORTERS", "guiImportFile")

ImportPath = Annotated[
    Optional[str],
    "file on the machine that Anki runs on; relative to the media folder unless absolute. "
    "Without it, Anki asks the person for a file",
]


@gui("guiImportFile", runs_on=RunsOn.HTTP_THREAD)
def import_file(
    context: RequestContext,
    path: ImportPath = None,
    activate: Annotated[
        Activate, "raise the main window first; Anki's import screen takes the focus in both cases"
    ] = True,
) -> None:
    """Raise the main window and open Anki's import screen for a file of any type that Anki imports.

    The person decides there; the reply does not wait for it.
    """
    if path is None:
        context.run_on_main(lambda: _ask_for_file(activate))
        return
    context.run_on_main(main_window)
    given = path
    file = context.run_on_collection(lambda col: resolved(col, context, given))
    if not os.path.isfile(file):
        raise BadParams(f"there is no such file: {file}")
    context.run_on_main(lambda: _open_screen(file, activate))


def _ask_for_file(activate: bool) -> None:
    from aqt.import_export.importing import prompt_for_file_then_import

    _begin(prompt_for_file_then_import, activate)


def _open_screen(file: str, activate: bool) -> None:
    from aqt.import_export import importing

    main_window()
    if not any(kind.can_import(os.path.basename(file).lower()) for kind in importing.IMPORTERS):
        raise BadParams(f"Anki does not import files of this type: {file}")
    open_screen = importing.import_file
    _begin(lambda mw: open_screen(mw, file), activate)


def _begin(work: Callable[[AnkiQt], None], activate: bool) -> None:
    from aqt.qt import QTimer

    mw = main_window()
    if activate:
        mw.raise_()
        mw.activateWindow()
    # Later, since Anki's file chooser and questions hold up what opens them.
    QTimer.singleShot(0, lambda: work(mw))
