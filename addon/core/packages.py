"""Anki packages (.apkg): export and import."""

from __future__ import annotations

import os
from typing import Annotated

from anki.collection import Collection, DeckIdLimit, ImportAnkiPackageRequest

from .actions import write
from .deck_details import ExactDeckName
from .errors import BadParams
from .shapes import show
from .undo import Edit

PackagePath = Annotated[
    str, "file on the machine that Anki runs on; relative to the media folder unless absolute"
]


def _resolved(col: Collection, path: str) -> str:
    if "\0" in path:
        raise BadParams(f"path: {show(path)} holds a NUL character, which no path can")
    return os.path.abspath(os.path.join(col.media.dir(), os.path.expanduser(path)))


@write("exportPackage")
def export_package(
    col: Collection,
    deck: ExactDeckName,
    path: PackagePath,
    include_sched: Annotated[bool, "with scheduling and presets"] = False,
) -> Annotated[bool, "false if there is no such deck"]:
    """Write a deck with its subdecks and media to a package, replacing an existing file."""
    ids = {entry.name: entry.id for entry in col.decks.all_names_and_ids()}
    if deck not in ids:
        return False
    target = _resolved(col, path)
    limit = DeckIdLimit(ids[deck])  # type: ignore[arg-type]
    try:
        from anki.collection import ExportAnkiPackageOptions
    except ImportError:  # Anki 23.10
        col.export_anki_package(  # type: ignore[call-arg]
            out_path=target,
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
        col.export_anki_package(out_path=target, options=options, limit=limit)
    return True


@write("importPackage")
def import_package(col: Collection, edit: Edit, path: PackagePath) -> Annotated[bool, "true when imported"]:
    """Import a package with its scheduling and presets, merging note types."""
    source = _resolved(col, path)
    if not os.path.isfile(source):
        # Checked here, since an import that fails inside Anki clears the undo history.
        raise BadParams(f"Failed to open '{source}': there is no such file")
    request = ImportAnkiPackageRequest(package_path=source)
    request.options.merge_notetypes = True
    request.options.with_scheduling = True
    if hasattr(request.options, "with_deck_configs"):  # from Anki 24.06 on; before, presets come along
        request.options.with_deck_configs = True
    edit(col.import_anki_package, request)
    return True
