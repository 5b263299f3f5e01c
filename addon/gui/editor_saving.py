"""The web view of an editor hands over what was typed into it.

A web view runs scripts one after the other, and on a slow machine it can be busy for long. So nothing here
takes a web view that is late for a broken one: the waiting ends with its answer, or when it is certain that
none will come.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Callable, Optional

from anki.notes import Note
from aqt.qt import qconnect

_SCRIPT = Path(__file__).with_name("web_editor.js").read_text("utf-8")
_HAND_OVER = _SCRIPT + "window.ankiConnect.handOver(%d, %s); true;"
_SHOW = "window.ankiConnect.show(%d, %d, %s, %s);"
_IS_EDITOR = 'typeof saveNow === "function"'


def prepare(editor: Any) -> None:
    """Have the web view of an editor watch what is typed into it. Main thread."""
    editor.web.eval(_SCRIPT)


def show_change(
    editor: Any,
    note: Note,
    fields: dict[int, tuple[str, str]],
    tags: Optional[list[str]],
    number: int = 0,
) -> None:
    """Have the web view of an editor show texts of its note, by order with what they replace, and tags.

    It tells so with messages that hold `number`. Main thread.
    """
    if editor.current_notetype_is_image_occlusion():  # whose masks are no field
        editor.loadNoteKeepingFocus()
        return
    escape = editor.mw.col.media.escape_media_filenames
    texts = [(order, escape(before), escape(now)) for order, (before, now) in fields.items()]
    script = _SHOW % (note.id, number, json.dumps(texts), json.dumps(tags))
    editor.web.eval(_SCRIPT + script)
    editor.checkValid()


class HandOver:
    """Has one editor save what was typed, and calls `ended` once: when it has, or when it never will.

    It never will when its process has ended, when it shows another page, or when its window is closed.
    For the main thread.
    """

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._over = False
        self._signs: list[Any] = []

    def start(self, editor: Any, number: int, *, tags_too: bool) -> None:
        """Ask the editor. Its web view answers with a message that holds `number`, and ends this.

        With `tags_too`, a tag that is being typed ends.

        Raises whatever an editor does that is closed or unlike Anki's.
        """
        page = editor.web.page()
        if getattr(editor.web, "_domDone", True):
            if not page.renderProcessPid():
                self.end()
                return
            self._end_at(page.loadStarted)
        self._end_at(page.renderProcessTerminated)
        self._end_at(page.destroyed)
        if hasattr(editor, "note"):
            editor.web.evalWithCallback(_HAND_OVER % (number, json.dumps(tags_too)), self._asked)
        else:  # Anki's newer editor
            editor.call_after_note_saved(self.end, keepFocus=True)
            editor.web.evalWithCallback(_IS_EDITOR, self._asked)

    def _asked(self, is_editor: Any) -> None:
        if not is_editor:
            self.end()

    def _end_at(self, sign: Any) -> None:
        qconnect(sign, self.end)
        self._signs.append(sign)

    def end(self, *_: object) -> None:
        """It has answered, or never will."""
        if self._over:
            return
        self._over = True
        for sign in self._signs:
            with contextlib.suppress(RuntimeError, TypeError):  # the page is gone
                sign.disconnect(self.end)
        self._ended()
