"""The fields of a note, as results show them and as requests name them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypedDict

from anki.notes import Note
from anki.utils import strip_html_media

from ..schema.scalars import composed, truncated

# What a browser shows though it is no text, beside the images and sounds that Anki itself knows.
_SHOWN = re.compile(r"<(?:audio|canvas|embed|iframe|img|object|picture|source|svg|video)\b", re.IGNORECASE)
_DROPPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


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
    return {composed(name).lower(): order for order, name in enumerate(field_names(note_type))}


def ignored(note_type: dict[str, Any], names: Iterable[str]) -> str:
    """The warning of fields that are asked for by `names` and don't exist."""
    valid = ", ".join(map(truncated, field_names(note_type)))
    unknown = ", ".join(map(truncated, names))
    return f"ignored fields that {truncated(note_type['name'])} does not have: {unknown}; it has {valid}"


def without_dropped(text: str) -> str:
    """`text` as Anki stores it: without control characters, so `\\r\\n` becomes `\\n`.

    Anki looks for duplicates of the text as it came, and so finds none of what it stored itself.
    """
    return _DROPPED.sub("", text)


def has_content(field: str) -> bool:
    """Whether a field holds text or media, not only white space and markup."""
    return bool(_SHOWN.search(field) or strip_html_media(field).strip())
