"""The question whether a program's note may replace what the Add window holds. On the main thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Optional

from anki.notes import Note
from anki.utils import strip_html

from ..core.plain_text import printable
from .question import Question

if TYPE_CHECKING:
    from aqt.addcards import AddCards

_QUESTION = """A program asks to put another note into the Add window:

{note}

What the window holds now would be lost. Replace it?"""
_LONGEST = 100

# The question on the screen, and what a yes to it does.
_asked: Optional[tuple[Question, Callable[[], None]]] = None


def refill(window: AddCards, note: Note, fill: Callable[[], None]) -> None:
    """Call `fill`, which puts `note` into the open window, once nothing is lost or the person agrees.

    There is one question, about the newest note, however many programs ask.
    """

    def decide() -> None:
        # Fields that keep their text from one note to the next hold nothing of the person's.
        if window.editor.fieldsAreBlank(getattr(window, "_last_added_note", None)):
            _withdraw()
            fill()
        else:
            _ask(_QUESTION.format(note=_summary(note)), fill)

    window.editor.call_after_note_saved(decide)


def _ask(text: str, fill: Callable[[], None]) -> None:
    global _asked
    if _asked:
        question = _asked[0]
        question.ask_anew(text)
    else:
        question = Question(text, yes="Replace", no="Keep", on_answer=_answered)
    _asked = question, fill


def _answered(yes: Optional[bool]) -> None:
    global _asked
    asked, _asked = _asked, None
    if yes and asked:
        asked[1]()


def _withdraw() -> None:
    if _asked:
        _asked[0].close()


def _summary(note: Note) -> str:
    text = printable(" ".join(strip_html(" / ".join(filter(None, note.fields))).split()))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
