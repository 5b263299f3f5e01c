"""Anki packages (.apkg): export and import."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from anki.collection import Collection

from ..collection.names import deck_ids
from ..context import RequestContext
from ..errors import ApiError, BadParams, Conflict, reason
from ..file_access import package_to_read, package_to_write
from ..private_api import private
from ..registry import ANY_NOTE, write
from ..undo import UndoStep
from .deck_info import ExactDeckName

if TYPE_CHECKING:
    from anki.collection import DeckIdLimit

private("anki.collection", "DeckIdLimit", "exportPackage")
private("anki.collection", "ImportAnkiPackageRequest", "importPackage")

PackagePath = Annotated[
    str,
    "file on the machine that Anki runs on; relative to the media folder unless absolute; for web pages "
    "and other machines in the profile's folder or one of the setting `webFileFolders`",
]

_PACKAGE = "package.apkg"
_UNFINISHED = ".unfinished-"
_LEFT_SECONDS = 600
_END_OF_DIRECTORY = b"PK\5\6"
_CONTENTS = {"collection.anki2", "collection.anki21", "collection.anki21b"}


@write("exportPackage")
def export_package(
    col: Collection,
    context: RequestContext,
    deck: ExactDeckName,
    path: PackagePath,
    include_sched: Annotated[bool, "with scheduling and presets"] = False,
) -> Annotated[bool, "false if there is no such deck"]:
    """Write a deck with its subdecks and media to a package, replacing an existing one.

    A file that is no package (.apkg) is not replaced. Names that Anki's import takes for those of a whole
    collection, which would replace everything, are refused: `*.colpkg`, `collection.apkg`,
    `backup-*.apkg`.
    """
    from anki.collection import DeckIdLimit

    ids = deck_ids(col)
    if deck not in ids:
        return False
    target = package_to_write(col, context, path)
    _check_media_can_be_read(col.media.dir())
    with _written_beside(target) as out_path:
        _export(col, out_path, DeckIdLimit(ids[deck]), include_sched)
    return True


def _export(col: Collection, out_path: str, limit: DeckIdLimit, include_sched: bool) -> None:
    try:
        from anki.collection import ExportAnkiPackageOptions
    except ImportError:  # Anki 23.10
        col.export_anki_package(  # type: ignore[call-arg]
            out_path=out_path,
            limit=limit,
            with_scheduling=include_sched,
            with_media=True,
            legacy_support=True,
        )
    else:
        options = ExportAnkiPackageOptions(
            with_scheduling=include_sched,
            with_deck_configs=include_sched,
            with_media=True,
            legacy=True,
        )
        col.export_anki_package(out_path=out_path, options=options, limit=limit)


def _check_media_can_be_read(folder: str) -> None:
    """Raise Conflict if there is a device, which may never end, or a pipe, which may never begin."""
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_file() and not entry.is_dir() and os.path.exists(entry.path):
                raise Conflict(f"{entry.name!r} in the media folder is no file, but a pipe or a device")


@contextmanager
def _written_beside(target: str) -> Iterator[str]:
    """A path for the package until it is whole. Raises ApiError.

    Anki writes into a file of any name beside that path. So the path is in a folder of its own: if the
    process is killed, a later export into the same place removes what is left there.
    """
    folder = os.path.dirname(target)
    try:
        _remove_left(folder)
        beside = tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder)
        whole = os.path.join(beside, _PACKAGE)
        try:
            yield whole
            os.replace(whole, target)
        finally:
            _remove(beside)
    except OSError as error:
        raise ApiError(f"Failed to create file in '{folder}': {reason(error)}") from None


def _remove_left(folder: str) -> None:
    """Remove what killed exports have left in a folder: what is ours and has not been touched for long."""
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(_UNFINISHED) and _is_left(entry)]
    for beside in left:
        with contextlib.suppress(OSError):  # with something else in it, it stays
            _remove(beside)


def _is_left(beside: os.DirEntry[str]) -> bool:
    state = beside.stat(follow_symlinks=False)
    if not stat.S_ISDIR(state.st_mode) or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
        return False
    with os.scandir(beside.path) as entries:
        touched = [state.st_mtime, *(entry.stat(follow_symlinks=False).st_mtime for entry in entries)]
    return max(touched) < time.time() - _LEFT_SECONDS


def _remove(beside: str) -> None:
    """Remove a folder with what Anki writes there. Anything else stays, and then it is an error."""
    for name in os.listdir(beside):
        if name == _PACKAGE or name.startswith(".tmp"):
            os.unlink(os.path.join(beside, name))
    os.rmdir(beside)


def _check_is_package(path: str) -> None:
    """Raise BadParams for a file that is no package. When Anki fails at one, it clears the undo history."""
    try:
        with zipfile.ZipFile(path) as archive:
            is_package = not _CONTENTS.isdisjoint(archive.namelist())
    except zipfile.BadZipFile:
        is_package = _has_directory(path)  # Anki passes over more of what is around it
    except Exception:  # what Python can't read may be nothing to Anki
        return
    if not is_package:
        raise BadParams(f"not a package of Anki, or only a part of one: {path}")


def _has_directory(path: str) -> bool:
    """Whether the list of contents that ends each archive is there."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.rfind(_END_OF_DIRECTORY) >= 0


@write("importPackage", touches_notes=ANY_NOTE)
def import_package(
    col: Collection, undo_step: UndoStep, context: RequestContext, path: PackagePath
) -> Annotated[bool, "true when imported"]:
    """Import a package with its scheduling and presets, merging note types."""
    from anki.collection import ImportAnkiPackageRequest

    package = package_to_read(col, context, path)
    _check_is_package(package)
    request = ImportAnkiPackageRequest(package_path=package)
    request.options.merge_notetypes = True
    request.options.with_scheduling = True
    if hasattr(request.options, "with_deck_configs"):  # from Anki 24.06 on; before, presets come along
        request.options.with_deck_configs = True
    undo_step(col.import_anki_package, request)
    return True
