"""What a full sync replaces: which side may go, and the backup of it."""

from __future__ import annotations

from typing import Annotated, Literal, Optional, TypedDict

from anki.collection import Collection
from anki.sync import SyncOutput

from ..backups import Backups

Mode = Literal["upload", "download"]
Side = Literal["local", "server"]

POSSIBLE = {  # the modes that each status of a needed full sync allows
    SyncOutput.FULL_SYNC: ("upload", "download"),
    SyncOutput.FULL_DOWNLOAD: ("download",),
    SyncOutput.FULL_UPLOAD: ("upload",),
}


class Replaced(TypedDict):
    side: Annotated[Side, "whose collection was replaced"]
    notes: int
    cards: int
    reviews: int
    backup: Annotated[Optional[str], "file that holds it, null if it was empty"]


def backed_up(side: Side, col: Collection, backups: Backups) -> Replaced:
    """Back up the collection of that side, and tell what it holds. Raises BackupFailed."""
    backup = backups.make(col)
    assert col.db
    notes, cards, reviews = (
        col.db.scalar(f"select count() from {table}") for table in ("notes", "cards", "revlog")
    )
    return {
        "side": side,
        "notes": notes,
        "cards": cards,
        "reviews": reviews,
        "backup": str(backup),
    }
