"""Anki packages (.apkg): export and import."""

from __future__ import annotations

from typing import Annotated

from anki.collection import Collection

from .actions import ANY_NOTE, write
from .call import Call
from .deck_details import ExactDeckName
from .files import package_to_read, package_to_write
from .pieces import private
from .undo import Edit

private("anki.collection", "DeckIdLimit", "exportPackage")
private("anki.collection", "ImportAnkiPackageRequest", "importPackage")

PackagePath = Annotated[
    str,
    "file on the machine that Anki runs on; relative to the media folder unless absolute; for web pages "
    "and other machines in the profile's folder or one of the setting `webFileFolders`",
]


@write("exportPackage")
def export_package(
    col: Collection,
    call: Call,
    deck: ExactDeckName,
    path: PackagePath,
    include_sched: Annotated[bool, "with scheduling and presets"] = False,
) -> Annotated[bool, "false if there is no such deck"]:
    """Write a deck with its subdecks and media to a package, replacing an existing one.

    A file that is no package (.apkg) is not replaced.
    """
    from anki.collection import DeckIdLimit

    ids = {entry.name: entry.id for entry in col.decks.all_names_and_ids()}
    if deck not in ids:
        return False
    target = package_to_write(col, call, path)
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


@write("importPackage", edits=ANY_NOTE)
def import_package(
    col: Collection, edit: Edit, call: Call, path: PackagePath
) -> Annotated[bool, "true when imported"]:
    """Import a package with its scheduling and presets, merging note types."""
    from anki.collection import ImportAnkiPackageRequest

    request = ImportAnkiPackageRequest(package_path=package_to_read(col, call, path))
    request.options.merge_notetypes = True
    request.options.with_scheduling = True
    if hasattr(request.options, "with_deck_configs"):  # from Anki 24.06 on; before, presets come along
        request.options.with_deck_configs = True
    edit(col.import_anki_package, request)
    return True
