"""removeEmptyNotes removes what holds nothing, and nothing else."""

from __future__ import annotations

import itertools
from typing import Any, Callable

import pytest

from .conftest import Api, HeadlessServer, basic

Add = Callable[..., int]

MARKUP = ["", " \n", "<br>", "<div></div>"]  # Anki itself takes a field of these for empty
BLANKS = [*MARKUP, "&nbsp;", "\u00a0", "<b></b>", "<!-- comment -->", "<div>&nbsp;</div>"]
CONTENTS = [
    *("text", "0", "<", "&lt;", "<b>text</b>", "\\(x\\)", "[latex]x[/latex]", "[sound:a.mp3]"),
    *('<img src="a.png">', "<IMG SRC=a.png>", '<audio src="a.mp3"></audio>', '<video src="a.mp4"></video>'),
    *("<svg><path/></svg>", '<object data="a.pdf"></object>', '<iframe src="a.html"></iframe>'),
]


@pytest.fixture
def add(api: Api) -> Add:
    """Adds a note that asks for its second field, so that it can hold text and make no card."""
    sides = {"Front": "{{Asked}}", "Back": "{{Noted}}"}
    api("createModel", modelName="Noted", inOrderFields=["Noted", "Asked"], cardTemplates=[sides])
    numbers = itertools.count()

    def add(noted: str, asked: str) -> int:
        note = {**basic(""), "modelName": "Noted", "fields": {"Noted": f"number {next(numbers)}"}}
        added: int = api("addNote", note=note)
        api("updateNoteFields", note={"id": added, "fields": {"Noted": noted, "Asked": asked}})
        return added

    return add


def left(api: Api) -> list[int]:
    return sorted(api("findNotes", query=""))


def empty_cards_of_anki(api: Api) -> list[int]:
    found: list[int] = api.look("[n.note_id for n in col.get_empty_cards().notes if n.will_delete_note]")
    return found


def test_a_note_that_makes_no_card_is_kept_for_what_it_holds(api: Api, add: Add) -> None:
    kept = [add(content, "") for content in CONTENTS]
    assert empty_cards_of_anki(api) == kept
    before = api.look("col.undo_status().last_step")
    assert api("removeEmptyNotes") is None
    assert left(api) == kept
    assert api.look("col.undo_status().last_step") == before


def test_a_cloze_note_without_a_cloze_is_kept_for_its_text(api: Api) -> None:
    fields = {"Text": "no cloze"}
    note = {**basic(""), "modelName": "Cloze", "fields": fields, "options": {"allowEmptyCards": True}}
    added = api("addNote", note=note)
    emptied = api("addNote", note={**note, "fields": {"Text": "{{c1::a}}"}})
    api("updateNoteFields", note={"id": emptied, "fields": {"Text": ""}})
    api("removeEmptyNotes")
    assert left(api) == [added]


@pytest.mark.parametrize("asked", MARKUP)
def test_a_note_that_holds_only_white_space_and_markup_goes(api: Api, add: Add, asked: str) -> None:
    for blank in BLANKS:
        add(blank, asked)
    api("removeEmptyNotes")
    assert left(api) == []
    assert api.look("col.undo_status().undo") == "AnkiConnect: remove empty notes"
    api.look("col.undo()")
    assert len(left(api)) == len(BLANKS)


def test_a_note_that_anki_makes_a_card_of_is_kept(api: Api, add: Add) -> None:
    kept = [add("", blank) for blank in BLANKS if blank not in MARKUP]
    assert empty_cards_of_anki(api) == []
    api("removeEmptyNotes")
    assert left(api) == kept


def test_reviews_do_not_keep_a_note_but_a_second_card_does(api: Api, add: Add) -> None:
    studied = add("", "question")
    (card,) = api("notesInfo", notes=[studied])[0]["cards"]
    api("answerCards", answers=[{"cardId": card, "ease": 4}])
    reversible = {
        **basic("a"),
        "modelName": "Basic (and reversed card)",
        "fields": {"Front": "a", "Back": "b"},
    }
    kept = api("addNote", note=reversible)
    for note, field in ((studied, "Asked"), (kept, "Back")):
        api("updateNoteFields", note={"id": note, "fields": {field: ""}})
    api("removeEmptyNotes")
    assert left(api) == [kept]
    assert len(api("notesInfo", notes=[kept])[0]["cards"]) == 2


def test_in_a_multi_it_shares_the_entry_of_its_neighbours(headless: HeadlessServer) -> None:
    notes = headless.send("POST", "/addNotes", {"notes": [basic("a"), basic("b")]}).json["result"]
    emptied: dict[str, Any] = {"note": {"id": notes[0], "fields": {"Front": ""}}}
    actions = [{"action": "updateNoteFields", "params": emptied}, {"action": "removeEmptyNotes"}]
    assert headless.send("POST", "/multi", {"actions": actions}).json["result"] == [None, None]
    assert headless.send("GET", "/findNotes?query=").json["result"] == notes[1:]
    headless.look("col.undo()")
    assert headless.look("col.db.list('select sfld from notes order by id')") == ["a", "b"]
