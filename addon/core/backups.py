"""Backups, made by Anki and thinned out by its rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Optional

from anki.collection import Collection
from anki.errors import AnkiException

from .errors import BackupFailed, plain

_FILES = "backup-*.colpkg"
_FILE_OF_NOW = "backup-%Y-%m-%d-%H.%M.%S.colpkg"  # as Anki names it

_AUTOMATIC_PER_HOUR = 6


class Backups:
    """The backups of a runtime's collections. `folder` is that of the open one, and may not exist yet."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self.folder = folder
        self._latest: Optional[tuple[str, int, Path]] = None  # collection, its state, file
        self._left: Optional[tuple[str, int]] = None  # the state that the last guarded deletion left

    def make(self, col: Collection) -> Path:
        """The file of a backup that holds the collection as it is; made now unless there is one.

        It is complete when this returns, which takes about 0.1 s for 30 MB. Raises BackupFailed.
        """
        state = (col.path, col.mod)
        if self._latest is None or self._latest[:2] != state or not self._latest[2].exists():
            self._latest = (*state, self._make(col))
        return self._latest[2]

    def _make(self, col: Collection) -> Path:
        try:
            folder = self.folder()
            folder.mkdir(exist_ok=True)
            while (folder / time.strftime(_FILE_OF_NOW)).exists():
                time.sleep(0.02)  # Anki would replace it
            # It makes none if one of its own holds the same.
            col.create_backup(backup_folder=str(folder), force=True, wait_for_completion=True)
            # Not by name, which is the local time: once a year that goes back by an hour.
            return max(folder.glob(_FILES), key=lambda file: file.stat().st_mtime)
        except (OSError, AnkiException) as error:
            raise BackupFailed(plain(str(error))) from None
        except ValueError:
            raise BackupFailed(f"somebody has removed the files from {folder}") from None

    def _made_lately(self) -> int:
        """How many backups of the last hour there are, whoever made them."""
        hour_ago = time.time() - 3600
        return sum(file.stat().st_mtime > hour_ago for file in self.folder().glob(_FILES))

    @contextmanager
    def before_deletion(self, col: Collection, *, is_large: bool) -> Iterator[None]:
        """Back up the collection before the deletion in the `with` block, if it is a large one.

        A series of deletions with nothing else in between needs one backup, the first one's. Anki
        keeps all backups of two days, so while there are six of the last hour, no more are added; undo
        covers the rest.
        """
        covered = self._left == (col.path, col.mod)
        if is_large and not covered and self._made_lately() < _AUTOMATIC_PER_HOUR:
            self.make(col)
            covered = True
        yield
        self._left = (col.path, col.mod) if covered else None
