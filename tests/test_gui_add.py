"""The Add window while it is open already: it stays the only one, and keeps what a person typed."""

from __future__ import annotations

import pytest

from .conftest import Api, LiveServer, basic

ADD = "aqt.dialogs._dialogs['AddCards'][1]"
WINDOWS = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.addcards.AddCards) and w.isVisible()]"
QUESTIONS = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QMessageBox) and w.isVisible()]"
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


@pytest.mark.parametrize(("keep", "front"), [(False, "new"), (True, "typed")])
def test_the_person_decides_about_typed_text(gui: Api, anki: LiveServer, keep: bool, front: str) -> None:
    gui("guiAddCards", note=basic("typed"))
    gui("guiAddCards", note=basic("new"))
    anki.live.wait_for(f"bool({QUESTIONS})")
    anki.live.run(
        f"(box,) = {QUESTIONS}\n"
        f"(button,) = [b for b in box.buttons() if (b == box.defaultButton()) is {keep}]\n"
        "button.click()"
    )
    anki.live.wait_for(f"not {QUESTIONS}")
    assert gui.look(f"{ADD}.editor.note.fields[0]") == front
    assert gui.look(f"len({WINDOWS})") == 1


def test_a_window_closed_without_adding_leaves_the_defaults_alone(gui: Api, anki: LiveServer) -> None:
    gui("createDeck", deck="Verbs")
    before = gui.look(DEFAULTS)
    gui("guiAddCards", note={**basic("ir", "Verbs"), "modelName": "Cloze"})
    assert gui.look(f"{ADD}.editor.note.note_type()['name']") == "Cloze"
    anki.live.run(f"{ADD}._close()")
    assert gui.look(DEFAULTS) == before
