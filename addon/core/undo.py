"""One undo entry per write, and the sum of what it changed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Optional, TypeVar

from anki.collection import Collection, OpChanges
from anki.errors import InvalidInput

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class UndoStep:
    """Runs a write's operations so that the user sees one entry in the Edit menu.

    The entry is opened by the first operation, so a write that finds nothing to do leaves no trace,
    and every operation is merged into it at once: Anki keeps 30 undo steps, and an entry further back
    can no longer be merged into. Operations that Anki cannot undo clear the history; the next one
    then opens a new entry.

    An operation that changes nothing still costs the user what waits under Redo, so callers filter
    first where they can. `will_change` is called once, before the first operation.
    """

    def __init__(self, col: Collection, name: str, will_change: Callable[[], None] = lambda: None) -> None:
        self.changes = OpChanges()
        self.used = False
        self._col = col
        self._name = f"AnkiConnect: {name}"
        self._entry: Optional[int] = None
        self._will_change: Optional[Callable[[], None]] = will_change

    def __call__(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._will_change:
            self._will_change()
            self._will_change = None
        opened = self._entry is None
        if opened:
            self._entry = self._col.add_custom_undo_entry(self._name)
        try:
            result = operation(*args, **kwargs)
        except Exception:
            if opened:
                self._drop_entry_if_empty()
                self._entry = None  # a failure can have cleared the history, and the entry with it
            raise
        # What Anki counts need not be all that changed: removing an empty deck counts no cards.
        if opened and getattr(result, "count", None) == 0 and self._drop_entry_if_empty():
            return result
        self.used = True
        assert self._entry is not None
        self._entry = self._merge(self._entry, result)
        return result

    def all_or_none(self, operations: Iterable[Callable[[], object]]) -> None:
        """Run operations one after the other; if one fails, what they did is taken back.

        Not taken back is what came before an operation that cleared the history.
        """
        self(self._run_all, operations)

    def _run_all(self, operations: Iterable[Callable[[], object]]) -> None:
        # An entry on top of this edit's own can be undone without it.
        entry = self._col.add_custom_undo_entry(self._name)
        try:
            for operation in operations:
                merged = self._merge(entry, operation())
                entry = self._col.add_custom_undo_entry(self._name) if merged is None else merged
        except Exception:
            with suppress(InvalidInput):  # the history was cleared
                self._col.merge_undo_entries(entry)
                self._undo()
            raise

    def _merge(self, entry: int, result: object) -> Optional[int]:
        """Merge what was done into an entry. Returns the entry, None if it went with a cleared history."""
        changes = getattr(result, "changes", result)
        kept: Optional[int] = entry
        try:
            changes = self._col.merge_undo_entries(entry)
        except InvalidInput:
            kept = None
        if isinstance(changes, OpChanges):
            self.changes.MergeFrom(changes)
        return kept

    def _drop_entry_if_empty(self) -> bool:
        """Take back the entry if its first operation left nothing on top of it to undo."""
        if self._col.undo_status().undo != self._name:
            return False
        self._undo()
        self._entry = None
        return True

    def _undo(self) -> None:
        """Undo the topmost entry for good."""
        self._col.undo()
        # It now waits under Redo. An operation that has nothing to do drops it.
        self._col.update_cards([])
