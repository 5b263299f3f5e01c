"""All actions: importing this module fills the registry.

The modules of `gui` are imported too, since a server without a window must know their actions to say
that they need one; they import aqt only when an action runs.
"""

from __future__ import annotations

from .core import (  # noqa: F401  imported for what they declare
    backups,
    card_info,
    card_states,
    cards,
    deck_details,
    decks,
    media,
    misc,
    new_notes,
    note_type_details,
    note_type_edits,
    note_types,
    note_updates,
    notes,
    overview,
    packages,
    presets,
    protocol,
    reviews,
    statistics,
    sync,
    tags,
)
from .core.actions import Action, Kind, registry
from .gui import adding, browsing, editing, importing, profiles, reviewing, screens, upgrading  # noqa: F401

__all__ = ["Action", "Kind", "registry"]
