"""Programs write the field that a person types in: real keys on a real desktop, where the caret counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import basic
from .desktop import Desktop
from .live import LiveAnki
from .windows import ADD, BROWSER, EDIT, EDIT_CURRENT, Editor

FRONT, BACK = 0, 1
TITLES = {BROWSER: "Browse", EDIT: "Edit Note", EDIT_CURRENT: "Edit Current"}


@pytest.fixture(scope="module")
def live(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAnki]:
    live = LiveAnki(tmp_path_factory.mktemp("desktop") / "anki")
    live.start(DISPLAY=desktop.display, QT_QPA_PLATFORM="xcb")
    live.anki.wait_until_ready()
    yield live
    assert live.stop() == 0


def ask(live: LiveAnki, action: str, **params: Any) -> Any:
    reply = live.anki.invoke(action, **params)
    assert reply["error"] is None
    return reply["result"]


def write(live: LiveAnki, note: int, **fields: str) -> None:
    ask(live, "updateNoteFields", note={"id": note, "fields": fields})


def stored(live: LiveAnki, note: int) -> list[str]:
    return [field["value"] for field in ask(live, "notesInfo", notes=[note])[0]["fields"].values()]


@pytest.fixture
def note(live: LiveAnki) -> Iterator[int]:
    (note,) = ask(live, "addNotes", notes=[basic("first", tags=["animal"])])
    yield note
    live.run("mw.closeAllWindows(lambda: None)")
    live.wait_for("aqt.dialogs.allClosed()")
    ask(live, "guiDeckBrowser")
    ask(live, "deleteNotes", notes=ask(live, "findNotes", query=""))


@pytest.fixture
def editor(request: pytest.FixtureRequest, live: LiveAnki, desktop: Desktop, note: int) -> Editor:
    """The note in a window, with the caret behind "first" in the field Front."""
    window = getattr(request, "param", EDIT)
    if window == BROWSER:
        ask(live, "guiBrowse", query=f"nid:{note}")
    elif window == EDIT:
        ask(live, "guiEditNote", note=note)
    else:
        ask(live, "guiDeckReview", name="Default")
        live.wait_for("mw.reviewer.card is not None")
        live.run("mw.onEditCurrent()")
    editor = Editor(live, window)
    desktop.activate(TITLES[window])
    editor.focus(FRONT)
    return editor


ALL = pytest.mark.parametrize("editor", [EDIT, BROWSER, EDIT_CURRENT], indirect=True, ids=TITLES.get)


@ALL
def test_a_change_of_the_field_with_the_caret_shows_and_stays(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor
) -> None:
    write(live, note, Front="PROGRAM")
    editor.wait_until_visible(FRONT, "PROGRAM")
    desktop.press("x")  # without Shift, with which Anki opens its newer editor next
    editor.wait_until_shown(["PROGRAMx", ""])
    editor.save()
    assert stored(live, note) == ["PROGRAMx", ""] == editor.copy()


@pytest.mark.parametrize(
    ("before", "keys", "after", "typed"),
    [
        ("first", ["Home"], "PROGRAM first", "XPROGRAM first"),
        ("first", ["Home", "Right", "Right"], "PROGRAM first", "PROGRAM fiXrst"),
        ("first", ["End"], "first PROGRAM", "firstX PROGRAM"),
        ("one two", ["Home", "Right"], "one 2", "oXne 2"),
        ("a<b>bold</b>c", ["Home", "Right", "Right"], "a<b>bald</b>c, d", "a<b>bXald</b>c, d"),
        ("<div>a</div><div>b</div>", ["ctrl+End"], "<div>new</div><div>a</div><div>b</div>", None),
    ],
)
def test_the_caret_stays_as_near_as_can_be(
    live: LiveAnki,
    desktop: Desktop,
    note: int,
    editor: Editor,
    before: str,
    keys: list[str],
    after: str,
    typed: str,
) -> None:
    write(live, note, Front=before)
    editor.wait_until_visible(FRONT, before)
    desktop.press(*keys)
    editor.web.js("1")  # the keys have arrived
    write(live, note, Front=after)
    editor.wait_until_visible(FRONT, after)
    desktop.press("X")
    editor.wait_until_shown([typed or "<div>new</div><div>a</div><div>bX</div>", ""])


def compose(live: LiveAnki, editor: Editor, text: str, *, done: bool) -> None:
    """Do what an input method does: show what is being composed, or enter what has been."""
    event = f"QInputMethodEvent({'' if done else text!r}, [])"
    commit = f"event.setCommitString({text!r})\n" if done else ""
    live.run(
        "from PyQt6.QtGui import QInputMethodEvent\n"
        f"event = {event}\n{commit}"
        f"aqt.qt.QApplication.sendEvent({editor.editor}.web.focusProxy(), event)"
    )


@pytest.mark.parametrize("writes", [1, 2])
def test_what_an_input_method_composes_is_kept(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor, writes: int
) -> None:
    desktop.press("exclam")  # without a key before, Anki doubles the first letter that is composed
    editor.wait_until_shown(["first!", ""])
    compose(live, editor, "ka", done=False)
    editor.wait_until_shown(["first!ka", ""])
    for number in range(writes):
        write(live, note, Front=f"PROGRAM {number}")
        assert stored(live, note)[FRONT] == f"PROGRAM {number}"
    compose(live, editor, "kana", done=False)
    editor.wait_until_visible(FRONT, "first!kana")
    editor.web.js("saveNow(true)")
    assert stored(live, note)[FRONT] == f"PROGRAM {writes - 1}"  # not the text that is still seen
    compose(live, editor, "仮名", done=True)
    editor.wait_until_shown([f"PROGRAM {writes - 1}仮名", ""])
    editor.save()
    assert stored(live, note)[FRONT] == f"PROGRAM {writes - 1}仮名"


def test_composing_goes_on_while_another_field_is_written(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor
) -> None:
    desktop.press("exclam")  # without a key before, Anki doubles the first letter that is composed
    editor.wait_until_shown(["first!", ""])
    compose(live, editor, "ka", done=False)
    editor.wait_until_shown(["first!ka", ""])
    write(live, note, Back="PROGRAM")
    editor.wait_until_shown(["first!ka", "PROGRAM"])
    compose(live, editor, "仮名", done=True)
    editor.wait_until_shown(["first!仮名", "PROGRAM"])
    editor.save()
    assert stored(live, note) == ["first!仮名", "PROGRAM"]


def test_the_html_of_a_field_is_typed_in_where_the_caret_was(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor
) -> None:
    desktop.press("ctrl+shift+x")
    editor.web.wait_for("document.activeElement.closest('.CodeMirror') !== null")
    desktop.press("End")
    write(live, note, Front="a <b>new</b> first")
    code = "document.querySelector('.CodeMirror').CodeMirror"
    editor.web.wait_for(f"{code}.getValue() === 'a <b>new</b> first'")
    desktop.press("X")
    editor.wait_until_shown(["a <b>new</b> firstX", ""])
    editor.save()
    assert stored(live, note)[FRONT] == "a <b>new</b> firstX"


def test_letters_typed_before_the_change_shows_are_typed_into_it(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor
) -> None:
    # As on a slow machine: the write is stored, but the web view has not heard of it.
    live.run(
        "import sys\n"
        f"known = mw.known = sys.modules['{live.addon.name}.gui.editor_state']\n"
        "mw.show_change = known.show_change\n"
        "def show_late(*args): mw.late = args\n"
        "known.show_change = show_late"
    )
    try:
        write(live, note, Front="PROGRAM")
    finally:
        live.run("mw.known.show_change = mw.show_change")
    desktop.press("X")
    editor.wait_until_shown(["firstX", ""])
    live.run("mw.show_change(*mw.late)")
    editor.wait_until_shown(["PROGRAMX", ""])
    editor.save()
    assert stored(live, note) == ["PROGRAMX", ""] == editor.copy()


def test_a_tag_that_is_being_typed_goes_on(
    live: LiveAnki, desktop: Desktop, note: int, editor: Editor
) -> None:
    desktop.press("ctrl+shift+t")
    editor.web.wait_for('document.activeElement.classList.contains("tag-input")')
    desktop.press("h", "a")
    ask(live, "addTags", notes=[note], tags="new")
    write(live, note, Back="PROGRAM")
    desktop.press("l", "f", "Return")
    editor.web.wait_for("document.body.innerText.includes('half')")
    ask(live, "addTags", notes=[note], tags="newer")
    editor.close()
    assert set(ask(live, "getNoteTags", note=note)) == {"animal", "half", "new", "newer"}


def test_typing_goes_on_where_it_was_in_the_add_window(live: LiveAnki, desktop: Desktop, note: int) -> None:
    ask(live, "guiAddCards", note=basic("first"))
    editor = Editor(live, ADD)
    desktop.activate("Add")
    editor.focus(FRONT)
    desktop.press("Home", "Right")
    editor.web.js("1")
    change = {"fields": {"Front": " more", "Back": "back"}, "tags": ["new"]}
    assert ask(live, "guiAddNoteSetData", note=change, append=True) is True
    editor.wait_until_visible(FRONT, "first more")
    desktop.press("X")
    editor.wait_until_shown(["fXirst more", "back"])
    assert editor.copy_of_tags() == ["new"]
    live.run(f"{ADD}._close()")
