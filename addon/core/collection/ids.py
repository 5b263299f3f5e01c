"""Ids on the wire: 64-bit integers, also accepted as strings of their digits."""

from __future__ import annotations

from typing import Annotated

import anki.cards
import anki.decks
import anki.models
import anki.notes

NoteId = Annotated[anki.notes.NoteId, "note id: its creation time in ms"]
CardId = Annotated[anki.cards.CardId, "card id: its creation time in ms"]
DeckId = Annotated[anki.decks.DeckId, "deck id; 1 is the default deck"]
ModelId = Annotated[anki.models.NotetypeId, "note type id"]

NoteIds = Annotated[list[NoteId], "note ids"]
CardIds = Annotated[list[CardId], "card ids"]
