"""Notes that are open in an editor while programs change them: real windows, real keys, real web views."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, Optional

import pytest

from .conftest import Api, LiveServer, basic
from .live import LiveAnki
from .web import Web
from .windows import ADD, BROWSER, EDIT, EDIT_CURRENT, Editor, WebView

FRONT, BACK = 0, 1


@pytest.fixture
def api(anki: LiveServer) -> Api:
    return Api(anki, "rpc")


@pytest.fixture
def note(api: Api) -> int:
    api("createDeck", deck="Default")
    note: int = api("addNote", note=basic("neko", tags=["animal"]))
    return note


@pytest.fixture(params=["browser", "edit current", "edit"])
def editor(request: pytest.FixtureRequest, api: Api, note: int) -> Iterator[Editor]:
    """The note's editor in each window in turn, with " typed" at the end of the empty Back field."""
    editor = open_editor(api, note, request.param)
    editor.focus(BACK)
    editor.type("typed")
    yield editor
    api.look("mw.closeAllWindows(lambda: None)")


def open_editor(api: Api, note: int, window: str) -> Editor:
    live = api.server.live  # type: ignore[attr-defined]
    if window == "browser":
        api("guiBrowse", query=f"nid:{note}")
        return Editor(live, BROWSER)
    if window == "edit":
        api("guiEditNote", note=note)
        return Editor(live, EDIT)
    api("guiDeckReview", name="Default")
    live.run("mw.onEditCurrent()")
    return Editor(live, EDIT_CURRENT)


def stored(api: Api, note: int) -> tuple[list[str], list[str]]:
    fields, tags = api.look(f"(col.get_note({note}).fields, col.get_note({note}).tags)")
    return list(fields), list(tags)


WRITES: list[tuple[str, Any, list[str], list[str]]] = [
    (
        "updateNoteFields",
        lambda n: {"note": {"id": n, "fields": {"Front": "API"}}},
        ["API", "typed"],
        ["animal"],
    ),
    (
        "updateNote",
        lambda n: {"note": {"id": n, "fields": {"Front": "A"}, "tags": ["t"]}},
        ["A", "typed"],
        ["t"],
    ),
    ("updateNoteTags", lambda n: {"note": n, "tags": ["new"]}, ["neko", "typed"], ["new"]),
    (
        "updateNoteModel",
        lambda n: {"note": {"id": n, "modelName": "Basic (and reversed card)", "fields": {"Front": "API"}}},
        ["API", "typed"],
        ["animal"],
    ),
    ("addTags", lambda n: {"notes": [n], "tags": "new"}, ["neko", "typed"], ["animal", "new"]),
    ("removeTags", lambda n: {"notes": [n], "tags": "animal"}, ["neko", "typed"], []),
    (
        "replaceTags",
        lambda n: {"notes": [n], "tag_to_replace": "animal", "replace_with_tag": "new"},
        ["neko", "typed"],
        ["new"],
    ),
]


@pytest.mark.parametrize(("action", "params", "fields", "tags"), WRITES, ids=[write[0] for write in WRITES])
def test_a_write_lands_and_what_was_typed_stays(
    editor: Editor, api: Api, note: int, action: str, params: Any, fields: list[str], tags: list[str]
) -> None:
    api(action, **params(note))
    assert stored(api, note) == (fields, tags)
    assert (editor.copy(), editor.copy_of_tags()) == (fields, tags)
    editor.wait_until_shown(fields)
    # Undone as one entry; what was typed is one below.
    assert api.look("col.undo_status().undo").startswith("AnkiConnect: ")
    editor.save()
    assert stored(api, note) == (fields, tags)
    editor.close()
    assert stored(api, note) == (fields, tags)
    assert api.look("col.undo_status().undo").startswith("AnkiConnect: ")
    api("guiUndo")
    assert stored(api, note) == (["neko", "typed"], ["animal"])


def test_the_text_of_the_api_wins_and_the_typed_one_is_one_undo_away(
    editor: Editor, api: Api, note: int
) -> None:
    api("updateNoteFields", note={"id": note, "fields": {"Back": "API"}})
    editor.wait_until_shown(["neko", "API"])
    editor.save()
    assert stored(api, note)[0] == ["neko", "API"] == editor.copy()
    api("guiUndo")
    editor.wait_until_shown(["neko", "typed"])
    assert stored(api, note)[0] == ["neko", "typed"] == editor.copy()


def test_typing_goes_on_where_it_was(editor: Editor, api: Api, note: int) -> None:
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    editor.wait_until_shown(["API", "typed"])
    editor.type(" more")
    api("addNote", note=basic("another"))
    api("addTags", notes=[note], tags="seen")
    editor.type(" and more")
    api.server.live.wait_for("not mw.col.undo_status().redo")  # type: ignore[attr-defined]
    editor.save()
    assert stored(api, note) == (["API", "typed more and more"], ["animal", "seen"])
    assert editor.shown() == ["API", "typed more and more"]


def test_a_note_that_is_deleted_keeps_what_was_typed_for_undo(editor: Editor, api: Api, note: int) -> None:
    api("deleteNotes", notes=[note])
    editor.wait_until_empty()
    assert api("findNotes", query="") == []
    assert api.look("col.undo_status().undo") == "AnkiConnect: delete notes"
    api("guiUndo")
    assert stored(api, note) == (["neko", "typed"], ["animal"])


def test_changes_of_the_note_type_reach_the_editor(editor: Editor, api: Api, note: int) -> None:
    api("modelFieldAdd", modelName="Basic", fieldName="Extra", index=0)
    editor.wait_until_shown(["", "neko", "typed"])
    api("modelFieldRemove", modelName="Basic", fieldName="Front")
    editor.wait_until_shown(["", "typed"])
    editor.save()
    assert stored(api, note)[0] == ["", "typed"] == editor.copy()


def test_a_tag_that_is_being_typed_is_kept(editor: Editor, api: Api, note: int) -> None:
    editor.type_tag("half")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    api("addTags", notes=[note], tags="new")
    editor.close()
    assert stored(api, note) == (["API", "typed"], ["animal", "half", "new"])


@pytest.mark.parametrize("undo", ["mw.undo()", None])
def test_what_a_program_wrote_is_undone_in_the_editor(
    editor: Editor, api: Api, note: int, undo: Optional[str]
) -> None:
    api("updateNote", note={"id": note, "fields": {"Front": "API", "Back": "API"}, "tags": ["new"]})
    editor.wait_until_shown(["API", "API"])
    if undo:
        api.server.live.run(undo)  # type: ignore[attr-defined]
    else:
        api("guiUndo")
    editor.wait_until_shown(["neko", "typed"])
    editor.close()
    assert stored(api, note) == (["neko", "typed"], ["animal"])


def test_a_burst_of_writes_to_the_open_note_ends_right(editor: Editor, api: Api, note: int) -> None:
    for number in range(20):
        api("updateNoteFields", note={"id": note, "fields": {"Front": f"API {number}"}})
    editor.wait_until_shown(["API 19", "typed"])
    editor.save()
    assert stored(api, note)[0] == ["API 19", "typed"]


def test_no_letter_is_lost_while_two_windows_show_the_note_and_programs_write_it(
    api: Api, anki: LiveServer, note: int
) -> None:
    elsewhere = api("addNote", note=basic("elsewhere"))
    editor = open_editor(api, note, "edit")
    editor.wait_until_loaded()
    other = open_editor(api, note, "browser")
    other.wait_until_loaded()
    editor.focus(BACK)
    over = threading.Event()

    def write(name: str, written: int) -> None:
        program = LiveServer(anki.live)
        while not over.is_set():
            change = {"note": {"id": written, "fields": {"Front": f"{name} {time.monotonic()}"}}}
            assert program.send("POST", "/updateNoteFields", change).status == 200
        program.close()

    programs = [threading.Thread(target=write, args=(name, note)) for name in "abcd"]
    programs += [threading.Thread(target=write, args=(name, elsewhere)) for name in "efgh"]
    for program in programs:
        program.start()
    typed = ""
    try:
        for number in range(30):
            editor.press(f"{number},")
            typed += f"{number},"
            time.sleep(0.1)  # as fast as a person
    finally:
        over.set()
        for program in programs:
            program.join()
    editor.type("end")
    editor.save()
    fields = stored(api, note)[0]
    assert fields[BACK] == typed + "end"
    for shown in (editor, other):
        shown.wait_until_shown(fields)
        assert shown.copy() == fields


@pytest.mark.parametrize("editor", ["browser"], indirect=True)
def test_what_a_web_view_sends_back_is_not_taken_as_typed(editor: Editor, api: Api, note: int) -> None:
    editor.save()
    # As if another window had saved a moment ago, and this one had not heard of it.
    api.look(f"{editor.editor}.note.fields.__setitem__({BACK}, 'old')")
    editor.web.js(f'bridgeCommand("key:{FRONT}:{note}:neko")')
    editor.web.js("bridgeCommand('focus:0')")  # handled in order
    api.server.live.wait_for(f"{editor.editor}.currentField == 0")  # type: ignore[attr-defined]
    assert api("notesInfo", notes=[note])[0]["fields"]["Back"]["value"] == "typed"


def test_a_note_that_just_opens_shows_what_is_written_then(api: Api, anki: LiveServer, note: int) -> None:
    api("guiEditNote", note=note)
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    Editor(anki.live, EDIT).wait_until_shown(["API", ""])
    assert stored(api, note)[0] == ["API", ""]


@pytest.mark.parametrize("editor", ["browser"], indirect=True)
def test_a_multi_is_one_entry_and_lands(editor: Editor, api: Api, note: int) -> None:
    api(
        "multi",
        actions=[
            {"action": "updateNoteFields", "params": {"note": {"id": note, "fields": {"Front": "API"}}}},
            {"action": "addTags", "params": {"notes": [note], "tags": "new"}},
        ],
    )
    editor.wait_until_shown(["API", "typed"])
    api("guiUndo")
    editor.wait_until_shown(["neko", "typed"])
    assert stored(api, note) == (["neko", "typed"], ["animal"])


def keep_busy(editor: Editor, web: Web, seconds: float) -> None:
    """Have the editor's web view do nothing for so long."""
    held = web.hold("held")
    editor.web.keep_busy(held)
    threading.Timer(seconds, held.let_go_on).start()


def times_given_up(live: LiveAnki) -> int:
    return live.log().count("an editor has not saved what was typed")


def test_a_busy_web_view_is_waited_for(editor: Editor, api: Api, note: int, web: Web) -> None:
    editor.press(" late")
    keep_busy(editor, web, 3)
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    assert stored(api, note)[0] == ["API", "typed late"] == editor.copy()
    editor.wait_until_shown(["API", "typed late"])
    api("guiUndo")
    assert stored(api, note)[0] == ["neko", "typed late"]


@pytest.mark.parametrize("editor", ["browser"], indirect=True)
def test_a_web_view_that_hangs_is_given_up_once_and_its_letters_land_later(
    editor: Editor, api: Api, note: int, web: Web
) -> None:
    live = api.server.live  # type: ignore[attr-defined]
    module = f"__import__('sys').modules['{live.addon.name}.gui.editor_sync']"
    longest = live.look(f"{module}._MAX_MS")
    held = web.hold("held")
    editor.press(" late")
    editor.web.keep_busy(held)
    live.run(f"{module}._MAX_MS = 500")
    try:
        api("updateNoteFields", note={"id": note, "fields": {"Front": "first"}})
    finally:
        live.run(f"{module}._MAX_MS = {longest}")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "second"}})
    assert stored(api, note)[0][FRONT] == "second"  # neither write was held up until the web view was free
    held.let_go_on()
    editor.wait_until_shown(["second", "typed late"])
    editor.save()
    assert stored(api, note)[0] == ["second", "typed late"]
    editor.press(" later")
    keep_busy(editor, web, 3)
    api("updateNoteFields", note={"id": note, "fields": {"Front": "third"}})
    assert stored(api, note)[0] == ["third", "typed late later"]  # it is waited for again


@pytest.mark.parametrize("editor", ["browser"], indirect=True)
def test_asking_editors_leaves_nothing_behind(editor: Editor, api: Api, note: int) -> None:
    count = (
        "sum(type(o).__name__ in ('HandOver', 'QTimer', 'Future') for o in __import__('gc').get_objects())"
    )
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    before = api.look(count)
    for number in range(30):
        api("updateNoteFields", note={"id": note, "fields": {"Front": f"API {number}"}})
    api("guiDeckBrowser")
    assert api.look(count) < before + 15


BREAK = {
    "its process ends": (
        "import os, signal; os.kill({web}.page().renderProcessPid(), signal.SIGKILL)",
        "not {web}.page().renderProcessPid()",
    ),
    "it shows another page": (
        "{web}.page().load(aqt.qt.QUrl('about:blank'))",
        "{web}.url().toString() == 'about:blank'",
    ),
}


@pytest.mark.parametrize("meanwhile", [True, False], ids=["meanwhile", "before"])
@pytest.mark.parametrize("how", BREAK)
@pytest.mark.parametrize("editor", ["edit"], indirect=True)
def test_a_broken_web_view_holds_no_write_up(
    editor: Editor, api: Api, note: int, web: Web, how: str, meanwhile: bool
) -> None:
    live = api.server.live  # type: ignore[attr-defined]
    before = times_given_up(live)
    broken, is_broken = (text.format(web=f"{editor.editor}.web") for text in BREAK[how])
    if meanwhile:
        keep_busy(editor, web, 2)
        live.run(f"def break_it():\n    {broken}\naqt.qt.QTimer.singleShot(1000, break_it)")
    else:
        live.run(broken)
        live.wait_for(is_broken)
    for front in ("first", "second"):
        api("updateNoteFields", note={"id": note, "fields": {"Front": front}})
        assert stored(api, note)[0][FRONT] == front
    live.wait_for(is_broken)
    live.run(f"window = {EDIT}; window._clean_up(); window.close()")
    assert times_given_up(live) == before


@pytest.mark.parametrize("editor", ["edit"], indirect=True)
def test_a_window_that_is_closed_meanwhile_holds_no_write_up(
    editor: Editor, api: Api, note: int, web: Web
) -> None:
    live = api.server.live  # type: ignore[attr-defined]
    before = times_given_up(live)
    keep_busy(editor, web, 2)
    live.run(
        f"window = {EDIT}\naqt.qt.QTimer.singleShot(500, lambda: (window._clean_up(), window.close()))"
    )
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    assert stored(api, note)[0][FRONT] == "API"
    assert times_given_up(live) == before


def test_the_add_window_keeps_what_is_typed(api: Api, anki: LiveServer) -> None:
    api("guiAddCards")
    editor = Editor(anki.live, ADD)
    editor.focus(FRONT)
    editor.type("half")
    api("createDeck", deck="New")
    api("modelFieldAdd", modelName="Basic", fieldName="Extra")
    editor.wait_until_shown(["half", "", ""])
    api("addNote", note=basic("another"))
    api("modelFieldRename", modelName="Basic", oldFieldName="Extra", newFieldName="More")
    anki.live.wait_for(f"'More' in {ADD}.editor.note")
    assert editor.copy() == ["half", "", ""]


def test_the_reviewer_shows_a_change(api: Api, anki: LiveServer, note: int) -> None:
    api("guiDeckReview", name="Default")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "inu"}})
    # A window of the test before can take the focus back while it closes; Anki refreshes the focused one.
    focus = "(mw.activateWindow(), mw.web.setFocus())"
    anki.live.wait_for(f"{focus} and 'inu' in mw.reviewer.card.question()")
    WebView(anki.live, "mw.web").wait_for('document.getElementById("qa").innerText.includes("inu")')
    assert api("guiReviewActive") is True


@pytest.mark.parametrize("times", [1, 2])
def test_the_previewer_shows_a_change(api: Api, anki: LiveServer, note: int, times: int) -> None:
    editor = open_editor(api, note, "browser")
    editor.wait_until_loaded()
    anki.live.run(f"{BROWSER}.onTogglePreview()")
    previewer = WebView(anki.live, f"{BROWSER}._previewer._web")
    for number in range(times):
        api("updateNoteFields", note={"id": note, "fields": {"Front": f"inu {number}"}})
        previewer.wait_for(f'document.getElementById("qa").innerText.includes("inu {number}")')


@pytest.mark.parametrize("window", ["Browser", "NewEditCurrent"])
def test_ankis_newer_editor_shows_a_write_and_keeps_what_is_typed(
    api: Api, anki: LiveServer, note: int, window: str
) -> None:
    """An experiment of Anki 26.08, which a person has to turn on."""
    if not anki.live.look("hasattr(aqt.editor, 'NewEditor')"):
        pytest.skip("this Anki has one editor")
    anki.live.run(
        "from aqt.main import ExperimentFlag\ncol._experiments[str(ExperimentFlag.SVELTE_EDITOR)] = True"
    )
    if window == "Browser":
        api("guiBrowse", query=f"nid:{note}")
    else:
        api("guiDeckReview", name="Default")
        anki.live.run("mw.onEditCurrent()")
    editor = Editor(anki.live, f"aqt.dialogs._dialogs[{window!r}][1]")
    editor.web.wait_for('require("anki/NoteEditor").instances[0]?.fields.length == 2')
    anki.live.run(f"{editor.window}.activateWindow(); {editor.editor}.web.setFocus()")
    editor.web.run(f"focusField({BACK})")
    editor.web.wait_for("document.activeElement !== document.body")
    editor.type("typed")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    # It saves at its own pace: what was typed lands before the write or after.
    anki.live.wait_for(f"col.get_note({note}).fields == ['API', 'typed']")
    editor.wait_until_shown(["API", "typed"])
    anki.live.run(f"{editor.window}.close()")
    anki.live.wait_for(f"{editor.window} is None")
    assert stored(api, note)[0] == ["API", "typed"]
