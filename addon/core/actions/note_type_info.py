"""What a note type is made of: fields, templates, style."""

from __future__ import annotations

import re
from typing import Annotated, TypedDict

from anki.collection import Collection
from anki.models import NotetypeId

from ..collection.fields import field_names
from ..collection.ids import ModelId
from ..errors import NoteTypeNotFound
from ..registry import read
from .note_types import NoteType, NoteTypeName, require_note_type

Layout = Annotated[NoteType, "note type in Anki's own layout"]


@read("modelNamesAndIds")
def names_and_ids(col: Collection) -> dict[str, ModelId]:
    """Return the id of each note type by its name."""
    return {entry.name: NotetypeId(entry.id) for entry in col.models.all_names_and_ids()}


@read("modelNameFromId")
def name_from_id(col: Collection, model_id: ModelId) -> str:
    """Return the name of a note type."""
    return str(_by_id(col, model_id)["name"])


@read("findModelsById")
def find_by_id(col: Collection, model_ids: list[ModelId]) -> list[Layout]:
    """Return complete note types, in order. One unknown id fails the call."""
    return [_by_id(col, note_type_id) for note_type_id in model_ids]


@read("findModelsByName")
def find_by_name(col: Collection, model_names: list[NoteTypeName]) -> list[Layout]:
    """Return complete note types, in order. One unknown name fails the call."""
    return [require_note_type(col, name) for name in model_names]


@read("modelFieldDescriptions")
def field_descriptions(
    col: Collection, model_name: NoteTypeName
) -> Annotated[list[str], "one per field, in field order; empty if unset"]:
    """List the texts that the editor shows in empty fields."""
    return [field.get("description", "") for field in require_note_type(col, model_name)["flds"]]


class Font(TypedDict):
    font: str
    size: Annotated[int, "as used by the editor"]


@read("modelFieldFonts")
def field_fonts(col: Collection, model_name: NoteTypeName) -> dict[str, Font]:
    """Return the editor's font of each field by its name; the style of cards is another matter."""
    fields = require_note_type(col, model_name)["flds"]
    return {field["name"]: {"font": field["font"], "size": field["size"]} for field in fields}


@read("modelFieldsOnTemplates")
def fields_on_templates(
    col: Collection, model_name: NoteTypeName
) -> dict[str, Annotated[list[list[str]], "fields on the front, and fields only on the back"]]:
    """Tell which fields each template shows, by its name, in order of appearance, repetitions kept."""
    note_type = require_note_type(col, model_name)
    names = field_names(note_type)
    shown = {}
    for template in note_type["tmpls"]:
        front = _fields_in(template["qfmt"], names)
        back = [name for name in _fields_in(template["afmt"], names) if name not in front]
        shown[template["name"]] = [front, back]
    return shown


# {{filter:other:Field}}; sections begin with #, ^ or /.
_REPLACEMENT = re.compile(r"\{\{([^{}#^/][^{}]*)\}\}")


def _fields_in(template: str, names: list[str]) -> list[str]:
    found = (tag.rpartition(":")[2].strip() for tag in _REPLACEMENT.findall(template))
    return [name for name in found if name in names]


class Sides(TypedDict):
    Front: str
    Back: str


@read("modelTemplates")
def templates(col: Collection, model_name: NoteTypeName) -> dict[str, Sides]:
    """Return both sides of each card template by its name, in template order."""
    listed = require_note_type(col, model_name)["tmpls"]
    return {template["name"]: {"Front": template["qfmt"], "Back": template["afmt"]} for template in listed}


class Styling(TypedDict):
    css: str


@read("modelStyling")
def styling(col: Collection, model_name: NoteTypeName) -> Styling:
    """Return the style that all cards of a note type share."""
    return {"css": require_note_type(col, model_name)["css"]}


def _by_id(col: Collection, note_type_id: NotetypeId) -> NoteType:
    note_type = col.models.get(note_type_id)
    if note_type is None:
        raise NoteTypeNotFound(str(note_type_id))
    return note_type
