"""Collections of which parts are gone, as after a crash of the machine: what is left can be used."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api, ApiFailure, add_cards, basic

GONE = 12345


@pytest.fixture
def damaged(api: Api) -> dict[str, int]:
    """The cards of a collection: a whole one, and one each whose deck, home, note or note type is gone."""
    template = {"Front": "{{Front}}", "Back": "{{Back}}"}
    api("createModel", modelName="Typed", inOrderFields=["Front", "Back"], cardTemplates=[template])
    fronts = ("whole", "deck", "home", "note", "type")
    api("addNotes", notes=[{**basic(front), "modelName": "Typed"} for front in fronts])
    cards: dict[str, int] = dict(zip(fronts, sorted(api("findCards", query=""))))
    for front, statement in (
        ("deck", "update cards set did = {gone} where id = {card}"),
        ("home", "update cards set odid = {gone} where id = {card}"),
        ("note", "delete from notes where id = {note}"),
        ("type", "update notes set mid = {gone} where id = {note}"),
    ):
        (note,) = api("cardsToNotes", cards=[cards[front]])
        api.look(f"col.db.execute('{statement.format(gone=GONE, card=cards[front], note=note)}')")
    return cards


def without(kind: str, number: int, gone: str) -> str:
    return f"{kind} {number}: its {gone} is gone. checkDatabase repairs the collection"


def test_the_other_cards_are_described(api: Api, damaged: dict[str, int]) -> None:
    whole, deck, home, note, typed = api("cardsInfo", cards=list(damaged.values()))
    assert (whole["fields"]["Front"]["value"], len(whole["nextReviews"])) == ("whole", 4)
    assert (deck["fields"]["Front"]["value"], deck["nextReviews"]) == ("deck", [])
    assert home["fields"]["Front"]["value"] == "home"  # some Ankis tell the next reviews of such a card
    assert note == typed == {}
    assert api.warnings == without("card", damaged["type"], "note type")  # the last of them
    due = api("cardsInfo", cards=list(damaged.values()), include=["due"])
    assert [set(info) for info in due] == [{"due"}] * 5  # for which no note is needed
    assert api.warnings is None


def test_the_other_cards_are_found(api: Api, damaged: dict[str, int]) -> None:
    found = api("findCards", query="", noteFields=["Front"])
    fronts = {info["cardId"]: info["fields"]["Front"]["value"] for info in found}
    assert fronts == {damaged[front]: front for front in ("whole", "deck", "home")}
    assert "is gone" in str(api.warnings)
    assert {info.get("cardId") for info in api("findCardsInfo", query="")} == {*fronts, None}
    assert set(api("findCards", query="")) >= set(fronts)
    with pytest.raises(ApiFailure) as failed:
        api("cardsDetails", cards=list(damaged.values()), noteFields=["Front"])
    assert failed.value.text == without("card", damaged["note"], "note")


def test_the_other_notes_are_described(api: Api, damaged: dict[str, int]) -> None:
    notes = api("cardsToNotes", cards=[damaged["whole"], damaged["type"]])
    api("addTags", notes=notes, tags="kept")
    whole, typed = api("notesInfo", notes=notes)
    assert (whole["fields"]["Front"]["value"], typed) == ("whole", {})
    assert api.warnings == without("note", notes[1], "note type")
    assert api("getNoteTags", note=notes[1]) == ["kept"]
    for action, more in (
        ("updateNoteFields", {"fields": {"Front": "x"}}),
        ("updateNote", {"tags": ["x"]}),
        ("updateNoteModel", {"modelName": "Basic", "fields": {"Front": "x"}}),
    ):
        with pytest.raises(ApiFailure) as failed:
            api(action, note={"id": notes[1], **more})
        assert failed.value.text == without("note", notes[1], "note type")


@pytest.mark.parametrize("front", ["deck", "home"])
def test_a_card_whose_deck_is_gone_is_told_and_nothing_changes(
    api: Api, damaged: dict[str, int], front: str
) -> None:
    cards = [damaged["whole"], damaged[front]]
    api("createDeck", deck="before")
    scheduling = "col.db.all('select id, type, queue, due, reps from cards')"
    before = api.look(scheduling)
    requests: list[tuple[str, dict[str, Any]]] = [
        ("relearnCards", {"cards": cards}),
        ("setDueDate", {"cards": cards, "days": "3"}),
        ("gradeNow", {"cards": cards, "ease": 3}),
        ("answerCards", {"answers": [{"cardId": card, "ease": 3} for card in cards]}),
    ]
    for action, params in requests:
        with pytest.raises(ApiFailure) as failed:
            api(action, **params)
        assert failed.value.text == without("card", damaged[front], "deck")
        assert api.look(scheduling) == before
        assert api.look("col.undo_status().undo") == "AnkiConnect: create deck"


def test_a_card_without_a_way_home_is_told(api: Api) -> None:
    (card,) = add_cards(api.server, "a")
    filtered = api.look("col.decks.new_filtered('Cram')")
    api.look(f"col.db.execute('update cards set did = {filtered} where id = {card}')")
    with pytest.raises(ApiFailure) as failed:
        api("relearnCards", cards=[card])
    assert failed.value.text == without("card", card, "deck")
