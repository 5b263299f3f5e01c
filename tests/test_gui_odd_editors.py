"""Other add-ons show Anki editors that are unlike its own, and fail in hooks that are run for us."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Api, LiveServer, add_cards, basic
from .windows import BROWSER, Editor

# Each makes `odd`; `note` is one that is in the collection.
ODD = {
    "without note and mode": "class Odd: web = object()\nodd = Odd()",
    "without anything": "class Odd: pass\nodd = Odd()",
    "a web view that is None": "class Odd: web = None; addMode = False; nid = note.id\nodd = Odd()",
    "a note that fails": (
        "class Odd:\n"
        "    web = object()\n"
        "    @property\n"
        "    def note(self): raise ValueError('not now')\n"
        "odd = Odd()"
    ),
    "a note that is none": "class Odd: web = object(); note = 'a text'\nodd = Odd()",
    "a note without an id": "class Odd: web = object(); note = type('Note', (), {'id': None})\nodd = Odd()",
    "a web view that is none": "class Odd: web = object()\nodd = Odd(); odd.note = note",
    "a deleted web view": (
        "class Odd: web = aqt.qt.QWidget()\nodd = Odd(); odd.note = note\naqt.qt.sip.delete(odd.web)"
    ),
    "a web view of another kind": (
        "class Odd: web = aqt.webview.AnkiWebView()\nodd = Odd(); odd.note = note; odd.web.hide()"
    ),
    "a note that can not be changed": (
        "class Fixed:\n"
        "    id = note.id; mid = note.mid; fields = tuple(note.fields); tags = ()\n"
        "class Odd: web = object(); note = Fixed()\n"
        "odd = Odd()"
    ),
    "one that can not be remembered": "odd = object()",
    "none": "odd = None",
}


@pytest.fixture
def api(anki: LiveServer) -> Api:
    return Api(anki, "rpc")


@pytest.fixture
def note(api: Api) -> int:
    note: int = api("addNote", note=basic("neko"))
    return note


@pytest.fixture
def odd(request: pytest.FixtureRequest, anki: LiveServer, note: int) -> Iterator[None]:
    """Another add-on has told of its editor."""
    anki.live.run(
        f"note = col.get_note({note})\n{request.param}\n"
        "mw.odd = odd\nfrom aqt import gui_hooks; gui_hooks.editor_did_init(odd)"
    )
    yield
    anki.live.run("mw.odd = None")


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys(), indirect=True)
@pytest.mark.usefixtures("odd")
def test_an_odd_editor_stands_in_nobodys_way(api: Api, anki: LiveServer, note: int) -> None:
    lines = len(anki.live.log().splitlines())
    assert api("deckNames") == ["Default"]
    for front in ("first", "second"):
        api("updateNoteFields", note={"id": note, "fields": {"Front": front}})
        assert api("notesInfo", notes=[note])[0]["fields"]["Front"]["value"] == front
    api("guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.focus(1)
    editor.type("typed")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "third"}})
    editor.wait_until_shown(["third", "typed"])
    assert api("guiUndo") is True
    api("guiDeckBrowser")
    api("deleteNotes", notes=[note])
    assert api("findNotes", query="") == []
    told = [line for line in anki.live.log().splitlines()[lines:] if " WARNING " in line]
    assert len(told) <= 1


def test_reads_ask_no_editor(api: Api, anki: LiveServer, note: int) -> None:
    anki.live.run(
        "mw.asked = 0\n"
        "class Counting:\n"
        "    addMode = False; nid = None\n"
        "    @property\n"
        "    def web(self): mw.asked += 1\n"
        "mw.odd = Counting()\nfrom aqt import gui_hooks; gui_hooks.editor_did_init(mw.odd)"
    )
    api("notesInfo", notes=[note])
    api("multi", actions=[{"action": "deckNames"}, {"action": "findCards", "params": {"query": ""}}])
    assert anki.live.look("mw.asked") == 0
    api("addTags", notes=[note], tags="a")
    assert anki.live.look("mw.asked") > 0
    anki.live.run("mw.odd = None")


MESSAGES = ["key:0", "key:x:%d:y", "key:-9:%d:y", "key:9:%d:y", "ankiconnect:saved:", "ankiconnect:saved:x"]


def test_odd_messages_leave_what_is_typed_alone(api: Api, anki: LiveServer, note: int) -> None:
    api("guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.wait_until_loaded()
    hooks = "len(aqt.gui_hooks.webview_did_receive_js_message._hooks)"
    count = anki.live.look(hooks)
    messages = [message.replace("%d", str(note)) for message in MESSAGES]
    anki.live.run(
        f"for message in ({messages!r} + [None, 5, b'key:0:1:x']):\n"
        "    for handled in ((False, None), None, (), (True, 5), 'text'):\n"
        f"        for context in ({editor.editor}, None, mw):\n"
        "            aqt.gui_hooks.webview_did_receive_js_message(handled, message, context)"
    )
    assert anki.live.look(hooks) == count
    editor.focus(1)
    editor.type("typed")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "API"}})
    assert list(api.look(f"col.get_note({note}).fields")) == ["API", "typed"]


def test_another_add_on_that_fails_at_what_is_typed_holds_up_nothing(
    api: Api, anki: LiveServer, note: int
) -> None:
    api("guiBrowse", query=f"nid:{note}")
    editor = Editor(anki.live, BROWSER)
    editor.focus(1)
    editor.type("typed")
    editor.save()
    anki.live.run(
        "from aqt import gui_hooks\n"
        "def fail(text, editor): raise ValueError('not now')\n"
        "gui_hooks.editor_will_munge_html.append(fail)"
    )
    for front in ("first", "second"):
        api("updateNoteFields", note={"id": note, "fields": {"Front": front}})
        editor.wait_until_shown([front, "typed"])
    anki.live.run("mw.errors.clear()")  # Anki's own


def test_another_add_on_that_fails_at_a_refresh_leaves_windows_up_to_date(
    api: Api, anki: LiveServer
) -> None:
    add_cards(anki, "before")
    (note,) = api("findNotes", query="")
    anki.live.run(
        "from aqt import gui_hooks\n"
        "def fail(changes, handler): raise ValueError('not now')\n"
        "gui_hooks.operation_did_execute.append(fail)"
    )
    api("guiBrowse", query="")
    anki.live.run(f"{BROWSER}.table._view.setFocus()")
    cell = f"{BROWSER}.table._model.get_cell({BROWSER}.table._model.index(0, 0)).text"
    anki.live.wait_for(f"{cell} == 'before'")
    api("updateNoteFields", note={"id": note, "fields": {"Front": "after"}})
    anki.live.wait_for(f"{cell} == 'after'")
    assert "a window could not be refreshed" in anki.live.log()
