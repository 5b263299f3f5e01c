"""The edit window of guiEditNote: one window, and a way through the notes edited so far."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Api, ApiFailure, LiveServer, basic
from .windows import BROWSER, EDIT, Editor, WebView, press

WINDOWS = "[w for w in mw.app.topLevelWidgets() if type(w).__name__ == 'NoteWindow' and w.isVisible()]"
SHOWN = f"{EDIT}.editor.note.id"


@pytest.fixture
def notes(gui: Api, anki: LiveServer) -> Iterator[list[int]]:
    """Three notes; nothing was edited before."""
    anki.live.run(
        "entry = aqt.dialogs._dialogs.get('ankiconnect.edit')\nif entry: entry[0]._history.clear()"
    )
    yield gui("addNotes", notes=[basic(front) for front in "abc"])


def test_it_shows_the_note_and_saves_what_is_typed(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    gui("guiEditNote", note=notes[0])
    editor = Editor(anki.live, EDIT)
    editor.focus(1)
    editor.type("typed")
    editor.close()
    assert gui("notesInfo", notes=notes[:1])[0]["fields"]["Back"]["value"] == "typed"
    assert gui.look("col.undo_status().undo") == "Update Note"


def test_it_opens_once(gui: Api, notes: list[int]) -> None:
    for note in notes:
        gui("guiEditNote", note=note)
    assert gui.look(f"len({WINDOWS})") == 1


def test_previous_and_next_walk_the_notes_edited_so_far(
    gui: Api, anki: LiveServer, notes: list[int]
) -> None:
    a, b, c = notes
    for note in (a, b, c, b):
        gui("guiEditNote", note=note)
        anki.live.wait_for(f"{SHOWN} == {note}")
    for label, note in (("Previous", c), ("Previous", a), ("Next", c), ("Next", b)):
        press(anki.live, EDIT, label)
        anki.live.wait_for(f"{SHOWN} == {note}")
    assert gui.look(f"{EDIT}._next.isEnabled(), {EDIT}._previous.isEnabled()") == (False, True)


def test_turning_to_another_note_saves_what_was_typed(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    gui("guiEditNote", note=notes[0])
    editor = Editor(anki.live, EDIT)
    editor.focus(1)
    editor.type("typed")
    gui("guiEditNote", note=notes[1])
    anki.live.wait_for(f"{SHOWN} == {notes[1]}")
    anki.live.wait_for(f"col.get_note({notes[0]}).fields[1] == 'typed'")
    editor.wait_until_shown(["b", ""])


def test_the_history_outlives_the_window_and_holds_25(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    many = gui("addNotes", notes=[basic(f"note {number}") for number in range(30)])
    for note in many:
        gui("guiEditNote", note=note)
    Editor(anki.live, EDIT).close()
    gui("guiEditNote", note=many[-1])
    assert gui.look(f"list({EDIT}._history)") == many[-25:]


def test_a_note_deleted_meanwhile_gives_way_to_the_one_before(
    gui: Api, anki: LiveServer, notes: list[int]
) -> None:
    a, b, c = notes
    for note in notes:
        gui("guiEditNote", note=note)
    anki.live.wait_for(f"{SHOWN} == {c}")
    failures = anki.live.output().count("No such note")
    gui("deleteNotes", notes=[c])
    anki.live.wait_for(f"{SHOWN} == {b}")
    gui("deleteNotes", notes=[a, b])
    anki.live.wait_for(f"{EDIT} is None")
    assert anki.live.output().count("No such note") == failures  # no editor saves what is gone


def test_a_note_deleted_while_another_is_edited_is_passed_over(
    gui: Api, anki: LiveServer, notes: list[int]
) -> None:
    a, b, c = notes
    for note in notes:
        gui("guiEditNote", note=note)
    Editor(anki.live, EDIT).focus(1)
    gui("deleteNotes", notes=[b])
    anki.live.wait_for(f"list({EDIT}._history) == [{a}, {c}]")
    press(anki.live, EDIT, "Previous")
    anki.live.wait_for(f"{SHOWN} == {a}")


def test_an_unknown_note_opens_nothing(gui: Api, notes: list[int]) -> None:
    with pytest.raises(ApiFailure, match="^Note was not found: 404$"):
        gui("guiEditNote", note=404)
    assert gui.look(f"{WINDOWS}") == []


def test_browse_lists_the_notes_edited_so_far(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    for note in notes[:2]:
        gui("guiEditNote", note=note)
    anki.live.wait_for(f"{SHOWN} == {notes[1]}")
    press(anki.live, EDIT, "Browse")
    anki.live.wait_for(f"{BROWSER} is not None")
    anki.live.wait_for(f"{BROWSER}.table.len() == 2")
    anki.live.wait_for(f"list({BROWSER}.selected_notes()) == [{notes[1]}]")
    press(anki.live, EDIT, "Previous")
    anki.live.wait_for(f"{SHOWN} == {notes[0]}")
    press(anki.live, EDIT, "Browse")  # with its window open
    anki.live.wait_for(f"list({BROWSER}.selected_notes()) == [{notes[0]}]")


def test_it_has_the_icon_and_the_language_of_anki(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    gui("guiEditNote", note=notes[0])
    assert gui.look(f"{EDIT}.windowTitle()") == "Edit Note"
    assert gui.look(f"{EDIT}.windowIcon().cacheKey() == mw.windowIcon().cacheKey()")
    Editor(anki.live, EDIT).close()
    anki.live.run("import anki.lang; anki.lang.set_lang('de')")
    try:
        gui("guiEditNote", note=notes[0])
        assert gui.look(f"{EDIT}.windowTitle()") == "Bearbeiten"
        for label in ("Vorschau", "Schließen"):
            press(anki.live, EDIT, label)
    finally:
        anki.live.run("import anki.lang; anki.lang.set_lang('en_US')")
    anki.live.wait_for(f"{EDIT} is None")


@pytest.mark.parametrize("typing", [False, True])
def test_the_preview_shows_the_note_and_follows_it(
    gui: Api, anki: LiveServer, notes: list[int], typing: bool
) -> None:
    gui("guiEditNote", note=notes[0])
    editor = Editor(anki.live, EDIT)
    editor.wait_until_loaded()
    press(anki.live, EDIT, "Preview")
    anki.live.wait_for(f"{EDIT}._previewer is not None")
    preview = WebView(anki.live, f"{EDIT}._previewer._web")
    preview.wait_for('document.getElementById("qa").innerText.includes("a")')
    if typing:
        editor.focus(1)
    gui("updateNoteFields", note={"id": notes[0], "fields": {"Front": "changed"}})
    preview.wait_for('document.getElementById("qa").innerText.includes("changed")')
    gui("guiEditNote", note=notes[1])
    preview.wait_for('document.getElementById("qa").innerText.includes("b")')
    Editor(anki.live, EDIT).close()
    anki.live.wait_for(
        "not [w for w in mw.app.topLevelWidgets() if 'Previewer' in type(w).__name__ and w.isVisible()]"
    )


def test_its_place_is_remembered(gui: Api, anki: LiveServer, notes: list[int]) -> None:
    gui("guiEditNote", note=notes[0])
    anki.live.run(f"{EDIT}.resize(711, 533)")
    Editor(anki.live, EDIT).close()
    gui("guiEditNote", note=notes[0])
    assert gui.look(f"({EDIT}.width(), {EDIT}.height())") == (711, 533)


def test_a_note_that_is_deleted_while_windows_are_told_closes_the_window(
    gui: Api, anki: LiveServer
) -> None:
    (note,) = gui("addNotes", notes=[basic("neko")])
    gui("guiEditNote", note=note)
    anki.live.wait_for(f"{EDIT}.editor.note is not None")
    anki.live.run(
        "from anki.collection import OpChanges\n"
        f"window = {EDIT}\n"
        "window._forget_deleted = lambda: window.note.id  # it was there a moment ago\n"
        "col.remove_notes([window.note.id])\n"
        "aqt.gui_hooks.operation_did_execute(OpChanges(note_text=True), None)\n"
        "del window._forget_deleted\n"
        "aqt.gui_hooks.operation_did_execute(OpChanges(note_text=True), None)"
    )
    anki.live.wait_for(f"{EDIT} is None")
