"""What goes wrong around a write of a program costs nobody's letters, and holds nothing up."""

from __future__ import annotations

import threading

import pytest

from .conftest import Api, LiveServer, basic
from .windows import BROWSER, EDIT, Editor


@pytest.fixture
def api(anki: LiveServer) -> Api:
    return Api(anki, "rpc")


@pytest.fixture
def note(api: Api) -> int:
    note: int = api("addNote", note=basic("neko"))
    return note


def test_a_note_that_was_shown_for_a_moment_takes_no_letters_from_the_next(
    api: Api, anki: LiveServer, note: int
) -> None:
    (other,) = api("addNotes", notes=[basic("inu")])
    api("guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.wait_until_loaded()
    # As when a person selects a note, and at once several.
    anki.live.run(f"e = {editor.editor}\ne.set_note(col.get_note({other}))\ne.set_note(None)")
    editor.web.js("1")
    for shown in (note, other, note):
        anki.live.run(f"{editor.editor}.set_note(col.get_note({shown}))")
        editor.web.wait_for(f"getNoteId() === {shown}")
    editor.focus(0)
    editor.web.js("document.execCommand('selectAll'); document.execCommand('insertText', false, 'inu')")
    editor.save()
    assert api("notesInfo", notes=[note])[0]["fields"]["Front"]["value"] == "inu"


def test_an_odd_editor_with_the_keyboard_holds_no_action_up(api: Api, anki: LiveServer, note: int) -> None:
    anki.live.run(
        "class Odd: web = aqt.qt.QLineEdit(); note = type('Note', (), {'id': 5})\n"
        "mw.odd = Odd(); mw.odd.web.show(); mw.odd.web.activateWindow(); mw.odd.web.setFocus()\n"
        "from aqt import gui_hooks; gui_hooks.editor_did_init(mw.odd)"
    )
    anki.live.wait_for("mw.app.focusWidget() is mw.odd.web")
    api("modelFieldAdd", modelName="Basic", fieldName="More")
    api("guiDeckBrowser")
    anki.live.run("mw.odd.web.close(); mw.odd = None")


def test_letters_are_kept_where_a_change_can_not_be_shown(api: Api, anki: LiveServer, note: int) -> None:
    api("guiEditNote", note=note)
    editor = Editor(anki.live, EDIT)
    editor.focus(0)
    editor.web.js("Selection.prototype.setBaseAndExtent = () => { throw new Error('not now'); }")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "PROGRAM"}})
    editor.wait_until_shown(["PROGRAM", ""])
    editor.type("X")
    editor.save()
    assert "X" in api("notesInfo", notes=[note])[0]["fields"]["Front"]["value"]


def test_what_another_add_on_puts_into_a_note_during_a_write_is_kept(
    api: Api, anki: LiveServer, note: int
) -> None:
    api("guiEditNote", note=note)
    editor = Editor(anki.live, EDIT)
    editor.focus(0)
    anki.live.run(
        "write = col.update_note\n"
        "def update_note(*args, **options):\n"
        f"    {editor.editor}.note.fields[1] = 'made'\n"
        "    return write(*args, **options)\n"
        "col.update_note = update_note"
    )
    try:
        api("updateNoteFields", note={"id": note, "fields": {"Front": "PROGRAM"}})
    finally:
        anki.live.run("del col.update_note")
    editor.wait_until_shown(["PROGRAM", ""])
    assert editor.copy() == ["PROGRAM", "made"]


def test_a_question_of_another_add_on_holds_no_action_up(api: Api, anki: LiveServer, note: int) -> None:
    anki.live.run(
        "mw.box = None\n"
        "from aqt import gui_hooks\n"
        "def ask(changes, handler):\n"
        "    gui_hooks.operation_did_execute.remove(ask)\n"
        "    mw.box = aqt.qt.QMessageBox(mw)\n"
        "    mw.box.setWindowModality(aqt.qt.Qt.WindowModality.NonModal)\n"
        "    mw.box.exec()\n"
        "    mw.box = None\n"
        "gui_hooks.operation_did_execute.append(ask)"
    )
    api("updateNoteFields", note={"id": note, "fields": {"Front": "first"}})
    anki.live.wait_for("mw.box is not None")
    try:
        anki.live.run(
            "mw.told = 0\n"
            "from aqt import gui_hooks\n"
            "def hear(changes, handler): mw.told += 1\n"
            "gui_hooks.operation_did_execute.append(hear)\n"
            "mw.hear = hear"
        )
        api("updateNoteFields", note={"id": note, "fields": {"Front": "second"}})
        anki.live.wait_for("mw.told", 10)
        api("guiDeckBrowser")
    finally:
        anki.live.run(
            "mw.box.reject()\nfrom aqt import gui_hooks; gui_hooks.operation_did_execute.remove(mw.hear)"
        )


def test_a_note_that_is_left_before_it_is_saved_keeps_what_programs_write(
    api: Api, anki: LiveServer, note: int
) -> None:
    api("guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.focus(0)
    # The write waits behind other work, after the editor has saved what was typed before it.
    anki.live.run(
        "import threading\n"
        "from aqt import gui_hooks\n"
        "mw.held, mw.go_on = False, threading.Event()\n"
        "def hold(handled, message, context):\n"
        "    if message.startswith('ankiconnect:saved:') and not mw.held:\n"
        "        mw.taskman.run_in_background(mw.go_on.wait)\n"
        "        mw.held = True\n"
        "    return handled\n"
        "gui_hooks.webview_did_receive_js_message._hooks.insert(0, hold)\n"
        "mw.hold = hold"
    )
    fields = {"Front": "PROGRAM", "Back": "PROGRAM"}
    request = threading.Thread(target=lambda: api("updateNoteFields", note={"id": note, "fields": fields}))
    request.start()
    try:
        anki.live.wait_for("mw.held")
        waiting = "mw.taskman._collection_executor._work_queue.qsize()"
        anki.live.wait_for(waiting)
        editor.type("typed")
        # As when a person selects another note, or several.
        anki.live.run(
            "mw.left = False\n"
            f"e = {editor.editor}\n"
            "def leave():\n"
            "    e.set_note(None)\n"
            "    mw.left = True\n"
            "e.call_after_note_saved(leave)"
        )
        anki.live.wait_for("mw.left")
    finally:
        anki.live.run(
            "mw.go_on.set()\n"
            "from aqt import gui_hooks; gui_hooks.webview_did_receive_js_message.remove(mw.hold)"
        )
        request.join()
    anki.live.run("mw.taskman._collection_executor.submit(lambda: None).result()")
    assert list(api.look(f"col.get_note({note}).fields")) == ["PROGRAM", "PROGRAM"]
    anki.live.run("col.undo()")
    assert list(api.look(f"col.get_note({note}).fields")) == ["nekotyped", ""]
