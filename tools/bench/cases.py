"""What is measured: requests, and the same work done straight on a collection in Python."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from anki.cards import CardId
from anki.collection import AddNoteRequest, Collection
from anki.decks import DeckId
from anki.models import NotetypeDict
from anki.notes import NoteId

Params = dict[str, Any]
MANY = 1000
_PAST_UNDO_STEPS = 40  # Anki keeps 30, and until it has them each takes up new memory
_NOTE_TYPE = "Basic (and reversed card)"
_MEDIA_MIB = 20
_ENCODED_MEDIA = base64.b64encode(b"\x00\x7f\xff\x42" * (_MEDIA_MIB * 1024 * 1024 // 4)).decode()


@dataclass
class Case:
    title: str
    action: str
    params: Callable[[int], Params]  # of the n-th request
    direct: Callable[[Collection, int], object]  # as a script does it that uses Anki's own calls
    rounds: int = 10
    target_ms: Optional[float] = None
    target_ratio: Optional[float] = None
    barest: Optional[Callable[[Collection, int], object]] = None  # the fewest queries that would do
    target_mib: Optional[int] = None  # by which Anki's memory may rise


def cases(notes: Sequence[NoteId], cards: Sequence[CardId]) -> list[Case]:
    """The cases for a collection that holds these notes and cards; each wants up to MANY of them.

    Those that only read come first, while the collections that are compared still hold the same.
    """
    some_notes, some_cards = list(notes[:MANY]), list(cards[:MANY])
    more_notes = list(notes[: 10 * MANY])
    compact = ["cardId", "fields", "deckName", "modelName", "interval", "note", "queue", "due", "mod"]
    return [
        Case("deckNames", "deckNames", lambda n: {}, _deck_names, 300, target_ms=1),
        Case("canAddNotes 100", "canAddNotes", _candidates, _check, 30, 8, 1.5, _check_barely),
        Case(
            "canAddNotesWithErrorDetail 100, in a deck",
            "canAddNotesWithErrorDetail",
            lambda n: _candidates(n, duplicateScope="deck"),
            _check,
            30,
            8,
            1.5,
            _check_barely,
        ),
        _notes_info(some_notes, 20),
        _notes_info(more_notes, 200),
        Case(
            f"cardsInfo {MANY}, whole",
            "cardsInfo",
            lambda n: {"cards": some_cards},
            lambda col, n: [_render(col, card) for card in some_cards],
            target_ratio=1.5,
            barest=lambda col, n: [(_render(col, card), _next_reviews(col, card)) for card in some_cards],
        ),
        Case(
            f"cardsInfo {MANY}, include",
            "cardsInfo",
            lambda n: {"cards": some_cards, "include": compact},
            lambda col, n: [_described(col, card) for card in some_cards],
            20,
            target_ms=20,
            barest=lambda col, n: _rows(
                col,
                "select c.id, n.flds, c.did, c.ivl, c.nid, c.queue, c.due, c.mod from cards c "
                "join notes n on n.id = c.nid where c.id in ({})",
                some_cards,
            ),
        ),
        Case("findNotes, a deck", "findNotes", lambda n: {"query": _deck(n)}, _find, 30, target_ratio=1.2),
        Case(
            "multi of 64 findNotes",
            "multi",
            lambda n: {
                "actions": [{"action": "findNotes", "params": {"query": q}} for q in _queries(n)],
            },
            lambda col, n: [col.find_notes(query) for query in _queries(n)],
            3,
            target_ratio=1.2,
        ),
        _of_cards("areDue", "id, type, queue, due", some_cards),
        _of_cards("getIntervals", "id, ivl", some_cards),
        _of_cards("areSuspended", "id, queue", some_cards),
        _of_cards("getDecks", "id, did", some_cards),
        _of_cards("cardsToNotes", "id, nid", some_cards),
        Case(
            f"addTags {MANY}, removed again",
            "addTags",
            lambda n: {"notes": some_notes, "tags": "new", "add": n % 2 == 0},
            lambda col, n: (col.tags.bulk_remove if n % 2 else col.tags.bulk_add)(some_notes, "new"),
            rounds=_PAST_UNDO_STEPS,
            target_ms=30,
            target_ratio=1.5,
        ),
        Case(
            f"suspend {MANY}, unsuspend {MANY}",
            "suspend",
            lambda n: {"cards": some_cards, "suspend": n % 2 == 0},
            lambda col, n: (col.sched.unsuspend_cards if n % 2 else col.sched.suspend_cards)(some_cards),
            rounds=_PAST_UNDO_STEPS,
            target_ms=30,
            target_ratio=1.5,
        ),
        Case(
            f"changeDeck {MANY}",
            "changeDeck",
            lambda n: {"cards": some_cards, "deck": f"Other {n % 2}"},
            _change_deck(some_cards),
            rounds=_PAST_UNDO_STEPS,
            target_ms=30,
            target_ratio=1.5,
        ),
        Case("addNote", "addNote", lambda n: {"note": _note(f"one {n}")}, _add_note, 50, target_ms=4),
        Case(
            f"addNotes {MANY}",
            "addNotes",
            lambda n: {"notes": [_note(f"batch {n} {i}") for i in range(MANY)]},
            _add_notes,
            target_ms=200,
            target_ratio=1.5,
        ),
        Case(
            "storeMediaFile 20 MB",
            "storeMediaFile",
            lambda n: {"filename": f"bench{n % 2}.bin", "data": _encoded(n)},
            lambda col, n: col.media.write_data(f"bench{n % 2}.bin", base64.b64decode(_encoded(n))),
            4,
            target_ms=500,
            target_mib=4 * _MEDIA_MIB,
        ),
    ]


def growth_cases(notes: Sequence[NoteId], cards: Sequence[CardId]) -> list[Case]:
    """The cases whose cost is followed while the collection grows."""
    wanted = ("addNote", "canAddNotes 100", f"notesInfo {MANY}")
    by_title = {case.title: case for case in cases(notes, cards)}
    return [by_title[title] for title in wanted]


def _note(front: str, **options: Any) -> Params:
    return {
        "deckName": "Deck 0",
        "modelName": _NOTE_TYPE,
        "fields": {"Front": front, "Back": "What it means, in a <b>few</b> words."},
        "tags": ["bench"],
        "options": options,
    }


def _candidates(n: int, **options: Any) -> Params:
    return {"notes": [_note(f"word number {n * 100 + i * 7}", **options) for i in range(100)]}


def _deck_names(col: Collection, n: int) -> list[str]:
    return [deck.name for deck in col.decks.all_names_and_ids()]


def _note_type(col: Collection) -> NotetypeDict:
    note_type = col.models.by_name(_NOTE_TYPE)
    assert note_type
    return note_type


def _drafts(col: Collection, given: list[Params]) -> list[AddNoteRequest]:
    note_type = _note_type(col)
    deck = col.decks.id_for_name(given[0]["deckName"])
    assert deck
    requests = []
    for entry in given:
        note = col.new_note(note_type)
        note.fields, note.tags = list(entry["fields"].values()), entry["tags"]
        requests.append(AddNoteRequest(note, deck))
    return requests


def _add_note(col: Collection, n: int) -> None:
    (request,) = _drafts(col, [_note(f"one {n}")])
    col.add_note(request.note, request.deck_id)


def _add_notes(col: Collection, n: int) -> None:
    col.add_notes(_drafts(col, [_note(f"batch {n} {i}") for i in range(MANY)]))


def _check(col: Collection, n: int) -> object:
    """Anki's own check of each note."""
    return [draft.note.fields_check() for draft in _drafts(col, _candidates(n)["notes"])]


def _check_barely(col: Collection, n: int) -> object:
    """Notes made ready to be added, and those with the same first fields, by Anki's checksum."""
    drafts = _drafts(col, _candidates(n)["notes"])
    fronts = [draft.note.fields[0] for draft in drafts]
    checksums = [int(hashlib.sha1(front.encode()).hexdigest()[:8], 16) for front in fronts]
    return _rows(col, "select id, mid, flds from notes where csum in ({})", checksums)


def _notes_info(notes: Sequence[NoteId], target_ms: float) -> Case:
    def direct(col: Collection, n: int) -> object:
        described = []
        for note_id in notes:
            note = col.get_note(note_id)
            note_type = note.note_type()
            assert note_type
            described.append(
                (note.id, note.mod, note.tags, dict(note.items()), note_type["name"], list(note.card_ids()))
            )
        return described

    def barest(col: Collection, n: int) -> object:
        cards: dict[int, list[int]] = {}
        for note, card in _rows(col, "select nid, id from cards where nid in ({})", notes):
            cards.setdefault(note, []).append(card)
        names = [field["name"] for field in _note_type(col)["flds"]]
        found = _rows(col, "select id, mod, tags, flds from notes where id in ({})", notes)
        return [
            (note, mod, tags.split(), dict(zip(names, fields.split("\x1f"))), cards[note])
            for note, mod, tags, fields in found
        ]

    title = f"notesInfo {len(notes)}"
    return Case(title, "notesInfo", lambda n: {"notes": notes}, direct, 12, target_ms, 1.5, barest)


def _of_cards(action: str, columns: str, cards: Sequence[CardId]) -> Case:
    def barest(col: Collection, n: int) -> object:
        return _rows(col, f"select {columns} from cards where id in ({{}})", cards)

    return Case(
        f"{action} {len(cards)}",
        action,
        lambda n: {"cards": cards},
        lambda col, n: [col.get_card(card) for card in cards],
        20,
        target_ms=8,
        barest=barest,
    )


def _rows(col: Collection, statement: str, ids: Sequence[int]) -> list[Any]:
    assert col.db
    return col.db.all(statement.format(",".join(map(str, ids))))


def _render(col: Collection, card_id: CardId) -> tuple[str, str]:
    card = col.get_card(card_id)
    return card.question(), card.answer()


def _next_reviews(col: Collection, card_id: CardId) -> Sequence[str]:
    """Part of the reply too. Anki has no way to ask this of many cards at once."""
    states = col._backend.get_scheduling_states(card_id)
    return col._backend.describe_next_states(states)


def _described(col: Collection, card_id: CardId) -> object:
    card = col.get_card(card_id)
    note = card.note()
    note_type = note.note_type()
    assert note_type
    deck = col.decks.name(card.did)
    return dict(note.items()), deck, note_type["name"], card.ivl, card.queue, card.due, card.mod


def _deck(n: int) -> str:
    return f'deck:"Deck {n % 10}"'


def _queries(n: int) -> list[str]:
    return [_deck(n + i) for i in range(64)]


def _find(col: Collection, n: int) -> object:
    return col.find_notes(_deck(n))


def _change_deck(cards: Sequence[CardId]) -> Callable[[Collection, int], object]:
    def direct(col: Collection, n: int) -> object:
        return col.set_deck(cards, DeckId(col.decks.id(f"Other {n % 2}") or 1))

    return direct


def _encoded(n: int) -> str:
    # A little different each time, or Anki would find that it has the file. Six bytes are eight letters.
    return base64.b64encode(n.to_bytes(6, "big")).decode() + _ENCODED_MEDIA
