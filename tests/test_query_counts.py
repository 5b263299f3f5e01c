"""Batches ask the collection as often for many cards or notes as for few."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from anki._backend import RustBackend

from .conftest import HeadlessServer, basic

Params = Callable[[list[int], list[int]], dict[str, Any]]

REPLACEMENT = {"tag_to_replace": "old", "replace_with_tag": "new"}

# The parameters for some notes and their cards.
BATCHES: dict[str, Params] = {
    "notesInfo": lambda notes, cards: {"notes": notes},
    "notesModTime": lambda notes, cards: {"notes": notes},
    "cardsModTime": lambda notes, cards: {"cards": cards},
    "cardsDetails": lambda notes, cards: {
        "cards": cards,
        "fields": ["due", "prop:r"],
        "noteFields": ["Front"],
    },
    "cardsInfo": lambda notes, cards: {"cards": cards, "retrieved_info_mode": "COMPACT"},
    "areDue": lambda notes, cards: {"cards": cards},
    "getIntervals": lambda notes, cards: {"cards": cards, "complete": True},
    "areSuspended": lambda notes, cards: {"cards": cards},
    "getDecks": lambda notes, cards: {"cards": cards},
    "cardsToNotes": lambda notes, cards: {"cards": cards},
    "getEaseFactors": lambda notes, cards: {"cards": cards},
    "getReviewsOfCards": lambda notes, cards: {"cards": cards},
    "addTags": lambda notes, cards: {"notes": notes, "tags": "new other"},
    "removeTags": lambda notes, cards: {"notes": notes, "tags": "old"},
    "replaceTags": lambda notes, cards: {
        "notes": notes,
        "tag_to_replace": "old",
        "replace_with_tag": "new",
    },
    "replaceTagsInAllNotes": lambda notes, cards: {"tag_to_replace": "old", "replace_with_tag": "new"},
    "suspend": lambda notes, cards: {"cards": cards},
    "changeDeck": lambda notes, cards: {"cards": cards, "deck": "New"},
    "deleteNotes": lambda notes, cards: {"notes": notes},
}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What Anki's backend was asked, as it is asked."""
    asked: list[int] = []
    original = RustBackend._run_command

    def recording(self: RustBackend, *args: Any) -> Any:
        asked.append(args[1])
        return original(self, *args)

    monkeypatch.setattr(RustBackend, "_run_command", recording)
    return asked


def send(headless: HeadlessServer, action: str, params: dict[str, Any]) -> Any:
    reply = headless.send("POST", f"/{action}", params).json
    assert reply["error"] is None
    return reply["result"]


@pytest.mark.parametrize("action", BATCHES)
def test_a_batch_asks_as_often_for_many_as_for_few(
    headless: HeadlessServer, commands: list[int], action: str
) -> None:
    counts = []
    for size in (5, 60):
        added = [basic(f"{action} {size} {n}", tags=["old"]) for n in range(size)]
        notes = send(headless, "addNotes", {"notes": added})
        cards = send(headless, "findCards", {"query": " or ".join(f"nid:{note}" for note in notes)})
        params = BATCHES[action](notes, cards)
        commands.clear()
        send(headless, action, params)
        counts.append(len(commands))
        headless.look("col.decks.remove([deck.id for deck in col.decks.all_names_and_ids()])")
    few, many = counts
    assert many == few


def test_many_decks_are_removed_at_once(headless: HeadlessServer, commands: list[int]) -> None:
    counts = []
    for size in (2, 20):
        names = [f"Deck {n}" for n in range(size)]
        for name in names:
            send(headless, "createDeck", {"deck": name})
        commands.clear()
        send(headless, "deleteDecks", {"decks": names, "cardsToo": True})
        counts.append(len(commands))
    few, many = counts
    assert many == few


def test_ankis_own_check_is_left_out_where_clozes_are_in_place(
    headless: HeadlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    original = RustBackend.note_fields_check

    def recording(self: RustBackend, note: Any) -> Any:
        checked.append(note.fields[0])
        return original(self, note)

    monkeypatch.setattr(RustBackend, "note_fields_check", recording)
    cloze = {**basic(""), "modelName": "Cloze", "fields": {"Text": "{{c1::a}}"}}
    notes = [basic("a"), cloze, basic("{{b}}"), {**cloze, "fields": {"Text": "none"}}, basic("{{c1::d}}")]
    send(headless, "canAddNotes", {"notes": notes})
    # Up to Anki 25.02 it is asked which fields take clozes.
    assert [front for front in checked if front != "{{c1::text}}"] == ["none", "{{c1::d}}"]
