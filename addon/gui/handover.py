"""The web view of an editor hands over what was typed into it.

A web view runs scripts one after the other, and on a slow machine it can be busy for long. So nothing here
takes a web view that is late for a broken one: the waiting ends with its answer, or when it is certain that
none will come.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable

from aqt.qt import qconnect

# Does something in a web view once it has loaded its note, done what it was told before this way, and saved
# what was typed. Saving takes turns since Anki 26.08: without such a series, what is set would come late.
# For a moment after loading, Anki moves the cursor, which saves: of a note deleted then, that would fail.
_IN_TURN = """
window.ankiConnect = (
    window.ankiConnect || require("anki/ui").loaded.then(() => new Promise((done) => setTimeout(done, 100)))
)
    .then(() => saveNow(true))
    .then(() => { %s })
    .catch(() => {})
    .then(() => { %s });
true;
"""
_TELL = 'bridgeCommand("ankiconnect:saved:%d");'
_IS_EDITOR = 'typeof saveNow === "function"'


def run_after_saving(web: Any, script: str) -> None:
    """Run JavaScript in an editor's web view once what was typed there is saved."""
    web.eval(_IN_TURN % (script, ""))


class HandOver:
    """Has one editor save what was typed, and calls `ended` once: when it has, or when it never will.

    It never will when its process has ended, when it shows another page, or when its window is closed.
    For the main thread.
    """

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._over = False
        self._signs: list[Any] = []

    def start(self, editor: Any, number: int) -> None:
        """Ask the editor. Its web view answers with a message that holds `number`, and ends this.

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
            editor.web.evalWithCallback(_IN_TURN % ("", _TELL % number), self._asked)
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
