"""A collection whose media are kept elsewhere than beside it. Anki offers no way to name another folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from anki._backend import RustBackend
from anki.collection import Collection
from anki.media import media_paths_from_col_path

from ..errors import AnkiLacks

if TYPE_CHECKING:
    from anki.generic_pb2 import Empty as EmptyMessage


def opened_with_media(path: Path, media: Path) -> Collection:
    """The collection at `path`. Raises AnkiLacks if this Anki can't be told of the folder."""
    media.mkdir(parents=True, exist_ok=True)
    beside = Path(media_paths_from_col_path(str(path))[0])
    was_there = beside.exists()
    col = Collection(str(path), _MediaElsewhere(media.resolve()))
    # Anki makes the folder that goes with the collection's name.
    col.media._dir = str(media.resolve())
    if col.media.dir() != str(media.resolve()):
        col.close()
        raise AnkiLacks("anki.media.MediaManager._dir")
    if not was_there:
        with contextlib.suppress(OSError):
            beside.rmdir()
    return col


class _MediaElsewhere(RustBackend):
    """Anki's backend, which is told of another media folder whenever it opens the collection."""

    def __init__(self, media: Path) -> None:
        super().__init__()
        self._media = os.fspath(media)

    def open_collection(
        self, *, collection_path: str, media_folder_path: str, media_db_path: str
    ) -> EmptyMessage:
        return super().open_collection(
            collection_path=collection_path,
            media_folder_path=self._media,
            media_db_path=f"{self._media}.db2",
        )
