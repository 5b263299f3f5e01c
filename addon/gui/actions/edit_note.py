"""The edit window."""

from __future__ import annotations

from ...core.actions.notes import require_note
from ...core.collection.ids import NoteId
from ...core.context import RequestContext
from ...core.private_api import private
from ...core.registry import RunsOn, gui
from ..window import Activate, main_window

private("aqt.editor", "Editor EditorMode", "guiEditNote")
private("aqt.browser.previewer", "MultiCardPreviewer", "guiEditNote")
private(
    "aqt.browser.previewer",
    "MultiCardPreviewer._render_scheduled MultiCardPreviewer._updateButtons "
    "MultiCardPreviewer._should_enable_prev MultiCardPreviewer._should_enable_next "
    "MultiCardPreviewer._on_prev_card MultiCardPreviewer._on_next_card",
    otherwise="no preview beside guiEditNote",
)
private(
    "aqt.editor",
    "Editor.mungeHTML Editor.checkValid Editor.current_notetype_is_image_occlusion",
    otherwise="open editors may not show what programs change",
)


@gui("guiEditNote", runs_on=RunsOn.HTTP_THREAD)
def edit_note(context: RequestContext, note: NoteId, activate: Activate = True) -> None:
    """Open a note in the edit window, or turn the window to it if it is open already.

    The window edits fields and tags, previews the cards, and leads back and forth through the notes that
    were edited so far, up to 25, which it also lists in the Browse window. It closes when all of them are
    deleted.
    """

    def show() -> None:
        from ..edit_window import NoteWindow

        NoteWindow.open(note, activate)

    context.run_on_main(main_window)
    context.run_on_collection(lambda col: require_note(col, note))
    context.run_on_main(show)
