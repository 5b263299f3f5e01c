"""`python -m tests.holding`: the server without a window, with an action that holds the collection."""

from __future__ import annotations

import sys
from pathlib import Path

from anki.collection import Collection

from addon.core.registry import write
from addon.core.undo import UndoStep

from .program import HELD


@write("hold")
def hold(col: Collection, edit: UndoStep, pipe: str) -> str:
    """Keep the collection until the pipe is closed, make a deck, and return what came through the pipe."""
    written = Path(pipe).read_text()
    edit(col.decks.add_normal_deck_with_name, HELD)
    return written


if __name__ == "__main__":
    from addon.__main__ import main

    sys.exit(main())
