"""Adding notes, with their media, and the check before it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Optional, TypedDict, Union

from anki.collection import AddNoteRequest, Collection
from anki.decks import DeckId as AnkiDeckId
from anki.notes import Note
from anki.notes import NoteId as AnkiNoteId

from ..collection import duplicates
from ..collection.clozes import ClozeCheck
from ..collection.duplicates import DuplicateState, NoteToCheck, Scope
from ..collection.fields import field_positions, ignored, without_dropped
from ..collection.ids import NoteId
from ..collection.names import find_deck
from ..collection.overrides import is_replaced
from ..context import RequestContext
from ..errors import ApiError, BadParams, Conflict, without_frames
from ..media import attachments
from ..media.attachments import WithMedia
from ..registry import read, write
from ..schema.codecs import SPACE_SEPARATED, TAG_DEPTH, ErrorText, Name
from ..undo import UndoStep
from .decks import require_deck
from .media import MediaTransaction, StoredFile, load_all
from .note_types import NoteType, require_note_type
from .notes import existing_notes

log = logging.getLogger("ankiconnect")

DUPLICATE = "cannot create note because it is a duplicate"
EMPTY = "cannot create note because it is empty"
UNKNOWN_REASON = "cannot create note for unknown reason"  # such as misplaced clozes


def _must_be_boolean(option: str) -> ErrorText:
    return ErrorText(f'option parameter "{option}" must be boolean')


@dataclass(frozen=True)
class DuplicateScopeOptions:
    deck_name: Annotated[
        Optional[Name], "deck to look in; the note's own unless given. Unknown: never a duplicate"
    ] = None
    check_children: Annotated[
        bool, _must_be_boolean("duplicateScopeOptions.checkChildren"), "look in subdecks too"
    ] = False
    check_all_models: Annotated[
        bool, _must_be_boolean("duplicateScopeOptions.checkAllModels"), "compare all note types"
    ] = False


@dataclass(frozen=True)
class NoteOptions:
    allow_duplicate: Annotated[
        bool, _must_be_boolean("allowDuplicate"), "add even a duplicate, though never an empty note"
    ] = False
    duplicate_scope: Annotated[
        Optional[str], "`deck`: only cards in one deck count; anything else: everywhere"
    ] = None
    duplicate_scope_options: DuplicateScopeOptions = DuplicateScopeOptions()
    allow_empty_cards: Annotated[
        bool,
        _must_be_boolean("allowEmptyCards"),
        "add even a note whose clozes are missing or misplaced",
    ] = False


FieldValues = Annotated[dict[Name, str], "HTML by field name, in whatever case; unknown names are ignored"]
Tags = Annotated[list[Name], SPACE_SEPARATED, TAG_DEPTH, "tags; Anki splits each at spaces"]


@dataclass(frozen=True)
class _Placed:
    deck_name: Annotated[Name, "existing deck, in whatever case"]
    model_name: Annotated[Name, "existing note type, in whatever case"]


@dataclass(frozen=True)
class NoteContent(WithMedia, _Placed):
    """A note that is not in the collection."""

    fields: FieldValues = field(default_factory=dict)
    tags: Tags = field(default_factory=list)


@dataclass(frozen=True)
class _Filled(_Placed):
    fields: FieldValues


@dataclass(frozen=True)
class NewNote(WithMedia, _Filled):
    """A candidate note."""

    tags: Tags = field(default_factory=list)
    options: NoteOptions = NoteOptions()


# A note that may be malformed: it is then refused on its own, not with the whole call.
TriedNote = Union[NewNote, BadParams]


def _load_media(context: RequestContext, note: NewNote) -> None:
    load_all(note.attachments, context)


def _load_media_of_all(context: RequestContext, notes: list[TriedNote]) -> None:
    load_all((a for note in notes if isinstance(note, NewNote) for a in note.attachments), context)


@write("addNote", prepare=_load_media)
def add_note(col: Collection, undo_step: UndoStep, context: RequestContext, note: NewNote) -> NoteId:
    """Add a note and return its id.

    Media is stored and its markup appended to the fields that it lists; without such a list it is only
    stored (at version 4 and below it goes into the first field). A download that fails costs the file,
    not the note: the header X-AnkiConnect-Warning tells. A note is refused when its first field is
    empty, and as a duplicate when another note of its type has the same first field, compared without
    HTML; `options` change where that is looked for. A refused note leaves nothing behind. Fields that the
    note type does not have are ignored, and the header tells which it has.

    A cloze note without a cloze is refused with "cannot create note for unknown reason". So is a note with
    a cloze in another note type, or in a field that makes no cards of clozes. `allowEmptyCards` adds such a
    note, and the header warns. Other add-ons that wrap `Collection.add_note` see each note.
    """
    (draft,) = _add(col, undo_step, context, [note], skip_invalid=False)
    _warn_of_unknown_fields([draft], context)
    if draft.refusal:
        raise draft.refusal
    return draft.note_id


@write("addNotes", prepare=_load_media_of_all)
def add_notes(
    col: Collection, undo_step: UndoStep, context: RequestContext, notes: list[TriedNote]
) -> list[Optional[NoteId]]:
    """Add notes in order and return their ids; a later note can be a duplicate of an earlier one.

    All or nothing: if any note is refused, none is added and the error lists the reasons. At version 4
    and below the others are added, and null stands for each that was refused. See addNote.
    """
    skip_invalid = context.version <= 4
    drafts = _add(col, undo_step, context, notes, skip_invalid=skip_invalid)
    refused = [
        (index, draft.refusal) for index, draft in enumerate(drafts) if draft.refusal and not skip_invalid
    ]
    # The error text is the list and nothing else, since clients compare it; places go here.
    context.warnings.extend(f"notes[{index}]: {refusal}" for index, refusal in refused)
    _warn_of_unknown_fields(drafts, context)
    if refused:
        raise Conflict(str([str(refusal) for _index, refusal in refused]))
    return [None if draft.refusal else draft.note_id for draft in drafts]


@read("canAddNote")
def can_add_note(col: Collection, note: TriedNote) -> bool:
    """Tell whether addNote would accept a note. See canAddNotes."""
    return can_add_notes(col, [note])[0]


@read("canAddNotes")
def can_add_notes(col: Collection, notes: list[TriedNote]) -> list[bool]:
    """Tell for each note, in order, whether addNote would accept it.

    Each is judged against the collection, not against the others. Media is neither fetched nor stored.
    """
    return [state["canAdd"] for state in can_add_notes_with_reasons(col, notes)]


class _Verdict(TypedDict):
    canAdd: bool


class CanAddDetail(_Verdict, total=False):
    error: Annotated[str, "present when canAdd is false: what addNote would fail with"]


@read("canAddNoteWithErrorDetail")
def can_add_note_with_reason(col: Collection, note: TriedNote) -> CanAddDetail:
    """Tell whether addNote would accept a note, and if not, why."""
    return can_add_notes_with_reasons(col, [note])[0]


@read("canAddNotesWithErrorDetail")
def can_add_notes_with_reasons(col: Collection, notes: list[TriedNote]) -> list[CanAddDetail]:
    """Tell for each note, in order, whether addNote would accept it, and if not, why."""
    drafts = _drafts(col, notes)
    _check_drafts(col, drafts, within_batch=False)
    return [
        {"canAdd": False, "error": str(draft.refusal)} if draft.refusal else {"canAdd": True}
        for draft in drafts
    ]


@dataclass(eq=False)
class _Draft:
    """A note on its way into the collection, or the reason why it won't get there."""

    source: Union[NewNote, BadParams]
    refusal: Optional[ApiError] = None
    note_type: NoteType = field(init=False)
    deck_id: AnkiDeckId = field(init=False)
    fields: list[str] = field(init=False)
    tags: list[str] = field(init=False)
    unknown_fields: tuple[str, ...] = ()
    scope: Scope = field(init=False)
    media: Optional[list[StoredFile]] = None
    cloze_problem: Optional[str] = None  # what the note "has"
    note: Note = field(init=False)  # once the draft is accepted

    @property
    def note_id(self) -> AnkiNoteId:
        return self.note.id

    @property
    def allows_empty_cards(self) -> bool:
        return isinstance(self.source, NewNote) and self.source.options.allow_empty_cards


def _drafts(col: Collection, notes: Sequence[TriedNote]) -> list[_Draft]:
    """Each note with its note type and deck found and its fields filled, or refused."""
    find_note_type = functools.cache(partial(require_note_type, col))
    find_positions = functools.cache(lambda name: field_positions(find_note_type(name)))
    deck_for_notes = functools.cache(partial(_deck_for_notes, col))
    find_scope = functools.cache(partial(_scope, col))
    drafts = []
    for source in notes:
        if isinstance(source, BadParams):
            drafts.append(_Draft(source, refusal=source))
            continue
        draft = _Draft(source, source.refusal)
        drafts.append(draft)
        try:
            draft.note_type = find_note_type(source.model_name)
            draft.deck_id = deck_for_notes(source.deck_name)
        except ApiError as error:
            draft.refusal = without_frames(error)
        if draft.refusal:
            continue
        draft.fields = [""] * len(draft.note_type["flds"])
        draft.unknown_fields = _fill(draft.fields, find_positions(source.model_name), source.fields)
        draft.tags = [tag for given in source.tags for tag in given.split()]
        draft.scope = find_scope(source.options, draft.deck_id)
    return drafts


def _deck_for_notes(col: Collection, name: str) -> AnkiDeckId:
    deck_id = require_deck(col, name)
    if col.decks.is_filtered(deck_id):
        # Anki would silently put the cards into Default.
        raise Conflict(f"notes can't be added to a filtered deck: {name}")
    return deck_id


def _fill(fields: list[str], positions: dict[str, int], texts: dict[str, str]) -> tuple[str, ...]:
    """Put the texts where they belong, and return the names of fields that don't exist."""
    unknown = []
    for name, text in texts.items():
        position = positions.get(name.lower())
        if position is None:
            unknown.append(name)
        else:
            fields[position] = without_dropped(text)
    return tuple(unknown)


def _warn_of_unknown_fields(drafts: Iterable[_Draft], context: RequestContext) -> None:
    """Once for all notes of a type that name the same ones. The log has the first."""
    unknown = {(d.note_type["id"], d.unknown_fields): d for d in drafts if d.unknown_fields}
    texts = [ignored(draft.note_type, draft.unknown_fields) for draft in unknown.values()]
    context.warnings.extend(texts)
    for text in texts[:1]:
        log.warning("%s", text)


def _scope(col: Collection, options: NoteOptions, deck_id: AnkiDeckId) -> Scope:
    within = options.duplicate_scope_options
    decks: Optional[frozenset[int]] = None
    if options.duplicate_scope == "deck":
        root = find_deck(col, within.deck_name) if within.deck_name else deck_id
        if not root:
            decks = frozenset()
        elif within.check_children:
            decks = frozenset(col.decks.deck_and_child_ids(root))
        else:
            decks = frozenset((root,))
    return Scope(options.allow_duplicate, decks, within.check_all_models)


def _check_drafts(col: Collection, drafts: Iterable[_Draft], *, within_batch: bool) -> None:
    """Refuse drafts whose clozes are missing or misplaced, and those that are empty or duplicates."""
    cloze_check = ClozeCheck(col)
    open_drafts = []
    for draft in drafts:
        if draft.refusal:
            continue
        draft.cloze_problem = cloze_check.problem(draft.note_type, draft.fields)
        if draft.cloze_problem and not draft.allows_empty_cards:
            draft.refusal = BadParams(UNKNOWN_REASON)
        else:
            open_drafts.append(draft)
    candidates = [
        NoteToCheck(draft.note_type["id"], draft.fields[0], draft.deck_id, draft.scope)
        for draft in open_drafts
    ]
    for draft, state in zip(open_drafts, duplicates.check(col, candidates, within_batch=within_batch)):
        if state is DuplicateState.EMPTY:
            draft.refusal = BadParams(EMPTY)
        elif state is DuplicateState.DUPLICATE:
            draft.refusal = Conflict(DUPLICATE)


def _add(
    col: Collection,
    undo_step: UndoStep,
    context: RequestContext,
    notes: Sequence[TriedNote],
    *,
    skip_invalid: bool,
) -> list[_Draft]:
    """Add the notes, or none of them if one is refused and not `skip_invalid`."""
    drafts = _drafts(col, notes)
    transaction = MediaTransaction(col)
    try:
        # Markup in the first field takes part in the check, so such media is stored before it; all
        # other media only for notes that have passed.
        for draft in drafts:
            if not draft.refusal and _marks_first_field(draft, context):
                _store_media(draft, transaction, context)
        _check_drafts(col, drafts, within_batch=True)
        accepted = [draft for draft in drafts if not draft.refusal]
        if len(accepted) < len(drafts) and not skip_invalid:
            accepted = []
        if len(accepted) < len(drafts):
            transaction.rollback(keep=[file for draft in accepted for file in draft.media or ()])
        for draft in accepted:
            if draft.media is None:
                _store_media(draft, transaction, context)
            draft.note = _as_note(col, draft)
        if accepted:
            _put(col, undo_step, accepted)
    except BaseException:
        transaction.rollback()
        raise
    for draft in accepted:
        if draft.cloze_problem:
            context.warnings.append(f"note {draft.note.id} {draft.cloze_problem}")
    return drafts


def _put(col: Collection, undo_step: UndoStep, drafts: Sequence[_Draft]) -> None:
    """Add the notes, or none. Add-ons that have wrapped `add_note` to see every new note see each."""
    if is_replaced(col.add_note):
        try:
            undo_step.all_or_none(partial(_put_one, col, draft) for draft in drafts)
        except Exception:
            _remove_left(col, drafts)
            raise
    elif len(drafts) == 1:
        undo_step(col.add_note, drafts[0].note, drafts[0].deck_id)
    else:
        undo_step(col.add_notes, [AddNoteRequest(draft.note, draft.deck_id) for draft in drafts])


def _put_one(col: Collection, draft: _Draft) -> object:
    result = col.add_note(draft.note, draft.deck_id)
    if not draft.note.id:  # a wrapper did not go on to Anki's own method
        raise Conflict(UNKNOWN_REASON)
    return result


def _remove_left(col: Collection, drafts: Sequence[_Draft]) -> None:
    """Remove those of the notes that undo has left, since the history was cleared meanwhile."""
    left = existing_notes(col, [draft.note_id for draft in drafts])
    if left:
        col.remove_notes(left)


def _marks_first_field(draft: _Draft, context: RequestContext) -> bool:
    assert isinstance(draft.source, NewNote)
    return attachments.marks_first_field(draft.source, draft.note_type, context)


def _store_media(draft: _Draft, transaction: MediaTransaction, context: RequestContext) -> None:
    assert isinstance(draft.source, NewNote)
    draft.media = attachments.store_all(draft.source, draft.fields, draft.note_type, transaction, context)


def _as_note(col: Collection, draft: _Draft) -> Note:
    note = col.new_note(draft.note_type)
    note.fields, note.tags = draft.fields, draft.tags
    return note


def compose(col: Collection, context: RequestContext, content: NoteContent) -> tuple[Note, AnkiDeckId]:
    """The note that `content` describes, not added, and its deck; its media is stored.

    Raises ApiError for an unknown note type or deck, or media that can't be had.
    """
    (draft,) = _drafts(col, [NewNote(**vars(content))])
    if draft.refusal:
        raise draft.refusal
    _warn_of_unknown_fields([draft], context)
    transaction = MediaTransaction(col)
    try:
        _store_media(draft, transaction, context)
    except BaseException:
        transaction.rollback()
        raise
    return _as_note(col, draft), draft.deck_id
