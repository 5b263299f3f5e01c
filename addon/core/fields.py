"""The fields of a note, as results show them and as requests name them."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from anki.notes import Note


class FieldValue(TypedDict):
    value: Annotated[str, "HTML source of the field"]
    order: Annotated[int, "zero-based position in the note type"]


def field_names(note_type: dict[str, Any]) -> list[str]:
    return [field["name"] for field in note_type["flds"]]


def field_values(note: Note) -> dict[str, FieldValue]:
    """Each field of `note` by name, in field order."""
    return {name: {"value": value, "order": order} for order, (name, value) in enumerate(note.items())}


def field_positions(note_type: dict[str, Any]) -> dict[str, int]:
    """Position of each field by its name in lower case: clients don't agree on the case."""
    return {name.lower(): order for order, name in enumerate(field_names(note_type))}
