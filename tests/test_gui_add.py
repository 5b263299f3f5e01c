"""The Add window while it is open already: it stays the only one, and keeps what a person typed."""

from __future__ import annotations

import base64

import pytest

from .conftest import Api, ApiFailure, LiveServer, basic
from .windows import ADD, Editor, answer

WINDOWS = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.addcards.AddCards) and w.isVisible()]"
QUESTIONS = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
TEXTS = f"[question.text() for question in {QUESTIONS}]"
DEFAULTS = (
    "(col.decks.current()['name'], str(col.defaults_for_adding(current_review_card=None)),"
    " [note_type['mod'] for note_type in col.models.all()])"
)


def test_two_requests_at_once_leave_one_window(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards")
    gui("guiAddCards", note=basic("first"))
    gui("guiAddCards", note=basic("second"))  # has to ask about what the first has filled in
    anki.live.wait_for(f"bool({QUESTIONS})")
    assert gui.look(f"len({WINDOWS})") == 1
    assert gui.look(f"{ADD}.editor.note.fields[0]") == "first"
    anki.live.run(f"{QUESTIONS}[0].reject()")


@pytest.mark.parametrize(("label", "front"), [("Replace", "new"), ("Keep", "typed")])
def test_the_person_decides_about_typed_text(gui: Api, anki: LiveServer, label: str, front: str) -> None:
    gui("guiAddCards", note=basic("typed"))
    gui("guiAddCards", note=basic("new"))
    anki.live.wait_for(f"bool({QUESTIONS})")
    answer(anki.live, f"{QUESTIONS}[0]", label)
    anki.live.wait_for(f"not {QUESTIONS}")
    assert gui.look(f"{ADD}.editor.note.fields[0]") == front
    assert gui.look(f"len({WINDOWS})") == 1


def test_one_question_is_asked_about_the_newest_note(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards", note=basic("typed"))
    for front in ("one", "two", "<b>three</b>"):
        gui("guiAddCards", note=basic(front))
    anki.live.wait_for(f"'three' in str({TEXTS})")
    (text,) = gui.look(TEXTS)
    assert "A program asks" in text
    assert "three" in text and "two" not in text and "<b>" not in text
    answer(anki.live, f"{QUESTIONS}[0]", "Replace")
    anki.live.wait_for(f"not {QUESTIONS}")
    assert gui.look(f"{ADD}.editor.note.fields[0]") == "<b>three</b>"


def test_a_yes_to_one_note_is_not_taken_for_the_next(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards", note=basic("typed"))
    gui("guiAddCards", note=basic("one"))
    anki.live.wait_for(f"bool({QUESTIONS})")
    anki.live.run(f"{QUESTIONS}[0].activateWindow()")
    yes = f"next(b for b in {QUESTIONS}[0].buttons() if b.text() == 'Replace')"
    anki.live.wait_for(f"{yes}.isEnabled()")
    anki.live.run(
        f"mw.was_pressable = []\nq = {QUESTIONS}[0]\nyes = {yes}\nask = q.ask_anew\n"
        "def ask_anew(text):\n    ask(text); mw.was_pressable.append(yes.isEnabled())\n"
        "q.ask_anew = ask_anew"
    )
    gui("guiAddCards", note=basic("two"))
    assert anki.live.wait_for("mw.was_pressable") == [False]
    anki.live.run(f"{QUESTIONS}[0].reject()")


def test_no_question_is_left_when_there_is_nothing_to_lose(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards", note=basic("typed"))
    gui("guiAddCards", note=basic("one"))
    anki.live.wait_for(f"bool({QUESTIONS})")
    anki.live.run(f"{ADD}.set_note(col.new_note(col.models.by_name('Basic')))")
    gui("guiAddCards", note=basic("two"))
    anki.live.wait_for(f"{ADD}.editor.note.fields[0] == 'two'")
    assert gui.look(f"{QUESTIONS}") == []


def test_a_window_closed_without_adding_leaves_the_defaults_alone(gui: Api, anki: LiveServer) -> None:
    gui("createDeck", deck="Verbs")
    before = gui.look(DEFAULTS)
    gui("guiAddCards", note={**basic("ir", "Verbs"), "modelName": "Cloze"})
    assert gui.look(f"{ADD}.editor.note.note_type()['name']") == "Cloze"
    anki.live.run(f"{ADD}._close()")
    assert gui.look(DEFAULTS) == before


def test_the_person_may_see_a_note_with_misplaced_clozes(gui: Api) -> None:
    for note in (basic("{{c1::a}}"), {**basic(""), "modelName": "Cloze", "fields": {"Text": "none"}}):
        gui("guiAddCards", note=note)
        (shown,) = note["fields"].values()
        assert gui.look(f"{ADD}.editor.note.fields[0]") == shown
        gui.look(f"{ADD}._close()")
    assert gui.warnings is None


# guiAddNoteSetData


def typed(anki: LiveServer) -> Editor:
    """The Add window with text in its first field."""
    editor = Editor(anki.live, ADD)
    editor.focus(0)
    editor.type("half")
    return editor


def test_the_note_in_the_add_window_is_changed_in_place(gui: Api, anki: LiveServer) -> None:
    gui("createDeck", deck="Verbs")
    gui("guiAddCards")
    editor = typed(anki)
    new = {"deckName": "Verbs", "modelName": "Cloze", "fields": {"Text": "ir"}, "tags": "a b"}
    assert gui("guiAddNoteSetData", note=new) is True
    editor.wait_until_shown(["ir", ""])
    assert editor.copy_of_tags() == ["a", "b"]
    assert gui.look(f"{ADD}.deck_chooser.selected_deck_name()") == "Verbs"
    assert gui("findNotes", query="") == []


def test_what_is_typed_stays_before_what_is_appended(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards", note=basic("", tags=["b"]))
    editor = typed(anki)
    picture = {"filename": "a.png", "data": base64.b64encode(b"png").decode(), "fields": ["Back"]}
    change = {"fields": {"front": " more"}, "tags": ["a", "b"], "picture": picture}
    assert gui("guiAddNoteSetData", note=change, append=True) is True
    editor.wait_until_shown(["half more", '<img src="a.png">'])
    assert editor.copy_of_tags() == ["b", "a"]
    editor.type(" and")  # the cursor is still there
    assert gui("retrieveMediaFile", filename="a.png")


def test_what_is_not_given_stays(gui: Api, anki: LiveServer) -> None:
    gui("guiAddCards", note=basic("", tags=["kept"]))
    editor = typed(anki)
    assert gui("guiAddNoteSetData", note={"fields": {"Back": "b"}}) is True
    editor.wait_until_shown(["half", "b"])
    assert editor.copy_of_tags() == ["kept"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"fields": {"Front": "x", "Nope": "y"}}, 'Field "Nope" not found in current note'),
        ({"deckName": "Nope", "fields": {"Front": "x"}}, 'Deck "Nope" not found'),
        ({"modelName": "Nope", "fields": {"Front": "x"}}, 'Model "Nope" not found'),
        ({"modelName": "Cloze", "fields": {"Front": "x"}}, 'Field "Front" not found in current note'),
    ],
)
def test_a_wrong_change_changes_nothing(
    gui: Api, anki: LiveServer, change: dict[str, object], error: str
) -> None:
    gui("guiAddCards")
    editor = typed(anki)
    with pytest.raises(ApiFailure) as failure:
        gui("guiAddNoteSetData", note=change)
    assert failure.value.text == error
    assert editor.shown() == ["half", ""]
    assert gui.look(f"{ADD}.editor.note.note_type()['name']") == "Basic"


def test_a_closed_window_is_told_and_stores_no_media(gui: Api) -> None:
    picture = {"filename": "a.png", "data": base64.b64encode(b"png").decode()}
    closed = {"error": "Add Note dialog is not open", "code": 1}
    assert gui("guiAddNoteSetData", note={"picture": picture}) == closed
    assert gui("getMediaFilesNames") == []
