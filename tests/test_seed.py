"""The samples of the API's first specification, sent as it shows them: no version, bare results."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from .conftest import LiveServer, Server
from .web import Web

SOUND = b"ID3 not really a sound"


@pytest.fixture
def sound_url(web: Web) -> str:
    return web.serve("audiomp3.php", SOUND) + "?kanji=猫&kana=ねこ"


def ask(server: Server, action: str, params: Any = None) -> Any:
    message = {"action": action} if params is None else {"action": action, "params": params}
    return server.send("POST", "/", message).json


def note(front: str = "front content", **more: Any) -> dict[str, Any]:
    fields = {"Front": front, "Back": "back content"}
    return {"deckName": "Default", "modelName": "Basic", "fields": fields, "tags": ["yomichan"], **more}


@pytest.fixture
def cards(server: Server) -> list[int]:
    """Two cards: one new, one answered Easy and so not due."""
    notes = ask(server, "addNotes", {"notes": [note("one"), note("two")]})
    first, second = ask(server, "findCards", {"query": f"nid:{notes[0]},{notes[1]}"})
    assert ask(server, "answerCards", {"answers": [{"cardId": second, "ease": 4}]}) == [True]
    return [first, second]


def test_names(server: Server) -> None:
    assert ask(server, "version") == 6
    assert ask(server, "deckNames") == ["Default"]
    assert ask(server, "modelNames")[:2] == ["Basic", "Basic (and reversed card)"]
    assert ask(server, "modelFieldNames", {"modelName": "Basic"}) == ["Front", "Back"]


def test_multi(server: Server) -> None:
    actions = [{"action": "deckNames"}, {"action": "browse", "params": {"query": "deck:current"}}]
    unsupported = {"result": None, "error": "unsupported action"}
    assert ask(server, "multi", {"actions": actions}) == [["Default"], unsupported]


def test_a_note_with_a_sound(server: Server, sound_url: str) -> None:
    sound = {
        "url": sound_url,
        "filename": "yomichan_ねこ_猫.mp3",
        "skipHash": "7e2c2f954ef6051373ba916f000168dc",
    }
    added = ask(server, "addNote", {"note": note(audio=sound)})
    (info,) = ask(server, "notesInfo", {"notes": [added]})
    assert info["fields"]["Front"]["value"] == "front content[sound:yomichan_ねこ_猫.mp3]"
    assert ask(server, "getMediaFilesNames") == ["yomichan_ねこ_猫.mp3"]


def test_a_stub_sound_is_left_out(server: Server, sound_url: str) -> None:
    stub = {"url": sound_url, "filename": "x.mp3", "skipHash": hashlib.md5(SOUND).hexdigest()}
    added = ask(server, "addNote", {"note": note(audio=stub)})
    (info,) = ask(server, "notesInfo", {"notes": [added]})
    assert info["fields"]["Front"]["value"] == "front content"
    assert ask(server, "getMediaFilesNames") == []


def test_several_notes(server: Server) -> None:
    assert ask(server, "canAddNotes", {"notes": [note()]}) == [True]
    added, refused = ask(server, "addNotes", {"notes": [note(), note()]})
    assert refused is None
    assert ask(server, "findNotes", {"query": "deck:current"}) == [added]
    assert ask(server, "canAddNotes", {"notes": [note()]}) == [False]


def test_tags(server: Server) -> None:
    ids = ask(server, "addNotes", {"notes": [note("one"), note("two")]})
    tagging = {"notes": ids, "tags": "european-languages"}
    assert ask(server, "addTags", tagging) is None
    assert sorted(ask(server, "findNotes", {"query": "tag:european-languages"})) == sorted(ids)
    assert ask(server, "removeTags", tagging) is None
    assert ask(server, "findNotes", {"query": "tag:european-languages"}) == []


def test_suspending(server: Server, cards: list[int]) -> None:
    assert ask(server, "suspend", {"cards": cards[1:]}) is True
    assert ask(server, "areSuspended", {"cards": cards}) == [False, True]
    assert ask(server, "suspend", {"cards": cards}) is True
    assert ask(server, "suspend", {"cards": cards}) is False
    assert ask(server, "unsuspend", {"cards": cards}) is True
    assert ask(server, "unsuspend", {"cards": cards}) is False


def test_scheduling(server: Server, cards: list[int]) -> None:
    assert ask(server, "areDue", {"cards": cards}) == [True, False]
    latest = ask(server, "getIntervals", {"cards": cards})
    assert latest[0] == 0
    assert latest[1] >= 1
    complete = ask(server, "getIntervals", {"cards": cards, "complete": True})
    assert complete == [[], [latest[1]]]


def test_moving_and_deleting_decks(server: Server, cards: list[int]) -> None:
    assert ask(server, "changeDeck", {"cards": cards[:1], "deck": "Japanese::JLPT N3"}) is None
    assert ask(server, "getDecks", {"cards": cards}) == {
        "Default": cards[1:],
        "Japanese::JLPT N3": cards[:1],
    }
    assert ask(server, "deleteDecks", {"decks": ["Japanese", "Easy Spanish"]}) is None
    assert ask(server, "getDecks", {"cards": cards}) == {"Default": cards}
    ask(server, "changeDeck", {"cards": cards[:1], "deck": "Easy Spanish"})
    assert ask(server, "deleteDecks", {"decks": ["Easy Spanish"], "cardsToo": True}) is None
    assert ask(server, "findCards", {"query": ""}) == cards[1:]
    assert len(ask(server, "cardsToNotes", {"cards": cards})) == 1


def test_windows(anki: LiveServer) -> None:
    assert ask(anki, "guiAddCards") == 0
    assert ask(anki, "guiCurrentCard") is None
    assert ask(anki, "guiShowQuestion") is False
    ask(anki, "addNote", {"note": note()})
    (card,) = ask(anki, "guiBrowse", {"query": "deck:current"})
    assert ask(anki, "guiDeckOverview", {"name": "Default"}) is True
    assert ask(anki, "guiDeckReview", {"name": "Default"}) is True
    current = ask(anki, "guiCurrentCard")
    assert (current["cardId"], current["buttons"]) == (card, [1, 2, 3, 4])
    assert ask(anki, "guiShowQuestion") is True
    assert ask(anki, "guiAnswerCard", {"ease": 1}) is False
    assert ask(anki, "guiShowAnswer") is True
    assert ask(anki, "guiAnswerCard", {"ease": 1}) is True
    assert ask(anki, "guiDeckBrowser") is None
