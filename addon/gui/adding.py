"""The Add window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

from ..core.actions import Lane, gui
from ..core.call import Call
from ..core.media import load_all
from ..core.new_notes import NoteContent, compose
from .window import main_window

if TYPE_CHECKING:
    from anki.decks import DeckId
    from anki.notes import Note
    from aqt.addcards import AddCards


@gui("guiAddCards", lane=Lane.CALLER)
def open_add_window(
    call: Call, note: Optional[NoteContent] = None
) -> Annotated[int, "id of the note being edited, which is 0 until the person adds it"]:
    """Open or raise the Add window, filled in if a note is given.

    Nothing is added until the person confirms. When the open window holds text, Anki asks the person
    before it is replaced; the reply does not wait for the answer.
    """
    if note is None:
        call.host.on_window(_open)
    else:
        content = note
        load_all(content.attachments, call)
        composed, deck_id = call.host.on_collection(lambda col: compose(col, call, content))
        call.host.on_window(lambda: _open_with(composed, deck_id))
    return 0


def _open() -> AddCards:
    import aqt

    # The classic window by name: Anki's newer one cannot be filled in from outside.
    window: AddCards = aqt.dialogs.open("AddCards", main_window())
    window.activateWindow()
    return window


def _open_with(note: Note, deck_id: DeckId) -> None:
    import aqt

    def fill() -> None:
        _open().set_note(note, deck_id)

    _creator, window = aqt.dialogs._dialogs["AddCards"]
    if window is None:
        fill()
    else:
        # The window stays: closing takes a while, and two requests would close it for one another.
        window.ifCanClose(fill)
