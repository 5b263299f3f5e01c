"""All actions: importing this module fills the registry.

The modules of `gui` are imported too, since a server without a window must know their actions to say
that they need one; they import aqt only when an action runs.
"""

from __future__ import annotations

from .core.actions import (  # noqa: F401  imported for what they declare
    add_notes,
    answers,
    api,
    backups,
    card_info,
    card_scheduling,
    cards,
    collection,
    deck_info,
    decks,
    media,
    note_type_edits,
    note_type_info,
    note_types,
    notes,
    packages,
    presets,
    review_log,
    sync,
    tags,
    update_notes,
)
from .core.registry import Action, Kind, registry
from .gui.actions import add_cards, browser, edit_note, import_file, profiles, reviewer, screens, upgrade  # noqa: F401

__all__ = ["Action", "Kind", "registry"]
