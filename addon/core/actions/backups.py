"""Backups on request."""

from __future__ import annotations

from typing import Annotated

from anki.collection import Collection

from ..context import RequestContext
from ..registry import write


@write("createBackup")
def create_backup(col: Collection, context: RequestContext) -> Annotated[str, "path of the file"]:
    """Back up the collection, without media, into the profile's backup folder.

    The file is complete when the reply comes. If nothing has changed since the last backup, that one will
    do. Anki's own rules say how long it is kept, and Anki's *File > Import* brings it back. Without Anki's
    window the folder is `backups`, beside the collection.
    """
    return str(context.runtime.backups.make(col))
