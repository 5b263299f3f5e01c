"""The collections that the benchmark runs on, made once and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from anki.collection import AddNoteRequest, Collection
from anki.decks import DeckId

NOTES_PER_DECK = 5000
_BATCH = 5000


def made(folder: Path, notes: int) -> Path:
    """A collection of so many notes, each with two cards, half of which have been scheduled."""
    path = folder / f"{notes}.anki2"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / "unfinished.anki2"
        for stale in folder.glob("unfinished*"):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        _make(unfinished, notes)
        unfinished.rename(path)
    return path


def copied(source: Path, target: Path, *, analyzed: bool) -> Path:
    """A copy, with SQLite's statistics or, as Anki leaves a collection, without."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    if analyzed:
        col = Collection(str(target))
        assert col.db
        col.db.execute("analyze")
        col.close()
    return target


def _make(path: Path, count: int) -> None:
    col = Collection(str(path))
    note_type = col.models.by_name("Basic (and reversed card)")
    assert note_type
    for start in range(0, count, _BATCH):
        deck = DeckId(col.decks.id(f"Deck {start // NOTES_PER_DECK}") or 1)
        requests = []
        for number in range(start, min(start + _BATCH, count)):
            note = col.new_note(note_type)
            note.fields = [f"word number {number}", f"The meaning of {number}, in <b>some</b> words. " * 3]
            note.tags = ["bench", f"tag{number % 50}"]
            requests.append(AddNoteRequest(note, deck))
        col.add_notes(requests)
    cards = list(col.find_cards(""))
    col.sched.set_due_date(cards[: len(cards) // 2], "1-100")
    col.close()
