"""Cards found and described. Of a description, only what is asked for is computed."""

from __future__ import annotations

import json
import time
from collections.abc import Container, Iterable
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Callable,
    Literal,
    NamedTuple,
    Optional,
    TypedDict,
    Union,
    cast,
)

from anki.cards import CardId as AnkiCardId
from anki.collection import Collection
from anki.decks import DeckId
from anki.errors import NotFoundError
from anki.models import NotetypeDict, NotetypeId

from ..collection.fields import FieldValue, field_names
from ..collection.ids import CardId, CardIds, NoteId
from ..collection.queries import Empty, Query, rows
from ..context import RequestContext
from ..errors import CardNotFound, Damaged, without_frames, without_isolates
from ..private_api import private
from ..registry import read
from ..schema.codecs import Alias, Coerce, ErrorText, Name, composed
from .cards import columns

if TYPE_CHECKING:
    from anki.scheduler.v3 import Scheduler
    from typing_extensions import TypeAlias

private(
    "anki._backend",
    "RustBackend.get_scheduling_states",
    "guiCurrentCard",
    otherwise="no nextReviews in cardsInfo and findCardsInfo",
)

# Members with a colon in their names.
_Memory = TypedDict(
    "_Memory",
    {
        "prop:r": Annotated[
            Optional[float], "probability of recall, 0 to 1; only if named in `include` or `fields`"
        ],
        "prop:s": Annotated[Optional[float], "stability in days; only if named in `include` or `fields`"],
        "prop:d": Annotated[Optional[float], "difficulty, 1 to 10; only if named in `include` or `fields`"],
    },
    total=False,
)


class CardInfo(_Memory, total=False):
    cardId: CardId
    fields: dict[str, FieldValue]
    fieldOrder: Annotated[int, "same as ord"]
    question: Annotated[str, "rendered front, style element first"]
    answer: Annotated[str, "rendered back, style element first"]
    modelName: str
    ord: Annotated[int, "template index, or cloze number minus one"]
    deckName: Annotated[str, "the deck the card is in now"]
    css: str
    factor: Annotated[int, "ease factor in permille, 0 if never reviewed"]
    interval: Annotated[int, "days; 0 for new and first-time learning cards"]
    note: NoteId
    type: Annotated[int, "0 new, 1 learning, 2 review, 3 relearning"]
    queue: Annotated[
        int,
        "-3 buried by user, -2 buried sibling, -1 suspended, 0 new, 1 learning, 2 review, "
        "3 day learning, 4 preview",
    ]
    due: Annotated[
        int, "new: position; learning: epoch seconds; otherwise days since the collection was made"
    ]
    reps: Annotated[int, "number of reviews"]
    lapses: Annotated[int, "number of times forgotten"]
    left: Annotated[int, "learning steps left, as packed by Anki"]
    mod: Annotated[int, "modification time in seconds"]
    nextReviews: Annotated[
        list[str], "what each answer button would give, such as <10m; empty for a card whose deck is gone"
    ]
    flags: Annotated[int, "0 none, 1 to 7 a colour"]


class CardDetails(_Memory, total=False):
    cardId: CardId
    fields: dict[str, FieldValue]
    due: int
    queue: int
    type: int
    interval: int
    reps: int


class _Row(NamedTuple):
    """What the collection's table holds of a card, under its column names."""

    id: int
    nid: int
    did: int
    ord: int
    mod: int
    type: int
    queue: int
    due: int
    ivl: int
    factor: int
    reps: int
    lapses: int
    left: int
    flags: int
    data: str


class _Batch:
    """The cards of one call, and what their members are made of, fetched for all cards at once."""

    def __init__(self, col: Collection, cards: Iterable[int], note_fields: Optional[list[str]]) -> None:
        self._col = col
        self._shown = None if note_fields is None else {name.lower() for name in note_fields}
        self._deck_names: dict[int, str] = {}
        self._sides: dict[int, tuple[str, str]] = {}
        self.rows = {card: _Row(card, *row) for card, row in columns(col, cards, *_Row._fields[1:]).items()}

    @cached_property
    def _notes(self) -> dict[int, tuple[int, str]]:
        """Note type and joined fields of each note."""
        notes = {row.nid for row in self.rows.values()}
        found = rows(self._col, "select id, mid, flds from notes where id in ({})", notes)
        return {note: (note_type, fields) for note, note_type, fields in found}

    @cached_property
    def _recall(self) -> dict[int, Optional[float]]:
        """The probability of recalling each card, from Anki's own SQL function."""
        assert self._col.db
        function = "extract_fsrs_retrievability"
        # Later versions of Anki take more arguments than earlier ones, of the same beginning.
        count = self._col.db.scalar("select narg from pragma_function_list where name = ?", function)
        now = (self._col.sched.today, self._col.sched.day_cutoff, int(time.time()))
        arguments = ("data", "case odue when 0 then due else odue end", "ivl", *map(str, now))[:count]
        return {
            card: recall
            for card, (recall,) in columns(
                self._col, self.rows, f"{function}({', '.join(arguments)})"
            ).items()
        }

    def note_type(self, row: _Row) -> NotetypeDict:
        """Raises Damaged if there is none."""
        if row.nid not in self._notes:
            raise Damaged(f"card {row.id}", "note")
        note_type = self._col.models.get(NotetypeId(self._notes[row.nid][0]))
        if note_type is None:
            raise Damaged(f"card {row.id}", "note type")
        return note_type

    def fields(self, row: _Row) -> dict[str, FieldValue]:
        names = field_names(self.note_type(row))
        values = self._notes[row.nid][1].split("\x1f")
        return {
            name: {"value": value, "order": order}
            for order, (name, value) in enumerate(zip(names, values))
            if self._shown is None or composed(name).lower() in self._shown
        }

    def deck_name(self, row: _Row) -> str:
        if row.did not in self._deck_names:
            self._deck_names[row.did] = self._col.decks.name(DeckId(row.did))
        return self._deck_names[row.did]

    def sides(self, row: _Row) -> tuple[str, str]:
        """Question and answer; the reason in their place for a card whose template is gone."""
        if row.id not in self._sides:
            try:
                card = self._col.get_card(AnkiCardId(row.id))
                self._sides[row.id] = card.question(), card.answer()
            except Exception as error:
                # One broken card must not hide the others of a batch.
                told = without_isolates(str(error))
                self._sides[row.id] = told, told
        return self._sides[row.id]

    def next_reviews(self, row: _Row) -> list[str]:
        try:
            return next_reviews(self._col, row.id)
        except NotFoundError:  # its deck
            return []

    def memory(self, row: _Row, variable: str) -> Optional[float]:
        """A variable of FSRS that Anki keeps with the card."""
        kept: Optional[float] = json.loads(row.data or "{}").get(variable)
        return kept

    def recall(self, row: _Row) -> Optional[float]:
        return self._recall[row.id]


# How each member is made, in the order of replies.
_MEMBERS: dict[str, Callable[[_Batch, _Row], Any]] = {
    "cardId": lambda batch, row: row.id,
    "fields": lambda batch, row: batch.fields(row),
    "fieldOrder": lambda batch, row: row.ord,
    "question": lambda batch, row: batch.sides(row)[0],
    "answer": lambda batch, row: batch.sides(row)[1],
    "modelName": lambda batch, row: batch.note_type(row)["name"],
    "ord": lambda batch, row: row.ord,
    "deckName": lambda batch, row: batch.deck_name(row),
    "css": lambda batch, row: batch.note_type(row)["css"],
    "factor": lambda batch, row: row.factor,
    "interval": lambda batch, row: row.ivl,
    "note": lambda batch, row: row.nid,
    "type": lambda batch, row: row.type,
    "queue": lambda batch, row: row.queue,
    "due": lambda batch, row: row.due,
    "reps": lambda batch, row: row.reps,
    "lapses": lambda batch, row: row.lapses,
    "left": lambda batch, row: row.left,
    "mod": lambda batch, row: row.mod,
    "nextReviews": lambda batch, row: batch.next_reviews(row),
    "flags": lambda batch, row: row.flags,
    "prop:r": lambda batch, row: batch.recall(row),
    "prop:s": lambda batch, row: batch.memory(row, "s"),
    "prop:d": lambda batch, row: batch.memory(row, "d"),
}


def _describe(
    col: Collection, cards: Iterable[int], wanted: Container[str], note_fields: Optional[list[str]]
) -> tuple[dict[int, Any], dict[int, Damaged]]:
    """By card id, the wanted members of each card that exists, and why others have none."""
    batch = _Batch(col, cards, note_fields)
    chosen = [(name, make) for name, make in _MEMBERS.items() if name in wanted]
    described: dict[int, Any] = {}
    damaged: dict[int, Damaged] = {}
    for card, row in batch.rows.items():
        try:
            described[card] = {name: make(batch, row) for name, make in chosen}
        except Damaged as error:
            damaged[card] = without_frames(error)
    return described, damaged


def next_reviews(col: Collection, card: int) -> list[str]:
    """What each answer button would give."""
    scheduler = cast("Scheduler", col.sched)  # the type allows for the oldest one, long gone
    states = col._backend.get_scheduling_states(card)
    return [without_isolates(text) for text in scheduler.describe_next_states(states)]


_DETAILS = ("due", "queue", "type", "interval", "reps", "prop:r", "prop:s", "prop:d")
_NOT_COMPACT = ("question", "answer", "modelName", "css", "left", "nextReviews")

if TYPE_CHECKING:
    _MemberName: TypeAlias = str
    _DetailName: TypeAlias = str
else:
    _MemberName = Literal[tuple(_MEMBERS)]
    _DetailName = Annotated[Literal[_DETAILS], ErrorText("unsupported field requested: {value}")]


def _list(name: str) -> ErrorText:
    return ErrorText(f"{name} should be a list: {{value}}", inside=False)


Details = Annotated[Optional[list[_DetailName]], _list("fields"), "the details wanted"]
NoteFields = Annotated[Optional[list[Name]], _list("noteFields"), "the only note fields wanted"]
Include = Annotated[Optional[list[_MemberName]], "the only members wanted"]
Mode = Annotated[
    Literal["ALL", "COMPACT", "FIELDS_ONLY"],
    Coerce(lambda value: value.upper() if type(value) is str else value, {"type": "string"}),
    Alias("retrieved_info_mode"),
    f"COMPACT drops {', '.join(_NOT_COMPACT)}; FIELDS_ONLY keeps cardId and fields; in any case of letters",
]


@read("findCards")
def find_cards(
    col: Collection,
    context: RequestContext,
    query: Query = None,
    fields: Details = None,
    note_fields: NoteFields = None,
) -> list[Union[CardId, CardDetails]]:
    """Find cards with Anki's search syntax.

    Returns ids in no promised order: all cards for an empty query, none for a missing one. With
    `fields` or `noteFields` it returns what cardsDetails returns for them. A card whose note is gone has no
    `fields`: it is left out then, and the header X-AnkiConnect-Warning tells.
    """
    found = [] if query is None else list(col.find_cards(query))
    details, damaged = _details(col, found, fields, note_fields)
    context.warnings.extend(map(str, damaged.values()))
    return [details[card] for card in found if card in details]


@read("cardsDetails")
def cards_details(
    col: Collection,
    cards: Annotated[CardIds, _list("cards")],
    fields: Details = None,
    note_fields: NoteFields = None,
) -> list[Union[CardId, CardDetails]]:
    """Tell chosen details of cards, in order; just their ids when none is chosen.

    The `prop:` ones are null for a card without a memory state, which only FSRS gives it. An unknown
    card fails the call.
    """
    details, damaged = _details(col, cards, fields, note_fields)
    for card in cards:
        if card not in details:
            raise damaged.get(card) or CardNotFound(card)
    return [details[card] for card in cards]


def _details(
    col: Collection, cards: CardIds, fields: Optional[list[str]], note_fields: Optional[list[str]]
) -> tuple[dict[int, Any], dict[int, Damaged]]:
    if fields is None and note_fields is None:
        return {card: card for card in columns(col, cards, "id")}, {}
    wanted = {"cardId", *(fields or ()), *(() if note_fields is None else ("fields",))}
    return _describe(col, cards, wanted, note_fields)


@read("findCardsInfo")
def find_cards_info(
    col: Collection, context: RequestContext, query: Query = None, include: Include = None
) -> list[Union[CardInfo, Empty]]:
    """Find cards and describe them: findCards and cardsInfo in one.

    `include` also gives the `prop:` members, which don't come by themselves.
    """
    found = [] if query is None else list(col.find_cards(query))
    return cards_info(col, context, found, include=include)


@read("cardsInfo")
def cards_info(
    col: Collection,
    context: RequestContext,
    cards: CardIds,
    fields: Annotated[Details, "further members wanted, such as prop:r"] = None,
    note_fields: NoteFields = None,
    retrieved_info_mode: Mode = "ALL",
    include: Include = None,
) -> list[Union[CardInfo, Empty]]:
    """Describe cards: both sides rendered, fields, scheduling state.

    One entry per id, in order; `{}` for an unknown id, and for a card whose note is gone if that would be
    needed: the header X-AnkiConnect-Warning tells.
    """
    if include is not None:
        wanted = set(include)
    elif retrieved_info_mode == "FIELDS_ONLY":
        wanted = {"cardId", "fields"}
    else:
        without = _NOT_COMPACT if retrieved_info_mode == "COMPACT" else ()
        wanted = set(_MEMBERS).difference(_Memory.__annotations__, without)
    described, damaged = _describe(col, cards, wanted.union(fields or ()), note_fields)
    context.warnings.extend(map(str, damaged.values()))
    return [described.get(card) or Empty() for card in cards]
