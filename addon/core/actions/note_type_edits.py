"""Changing note types: templates, fields, style.

Adding, removing and moving fields or templates changes the collection's schema: the next sync must be a
full one. Each change is one undo entry all the same.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Optional, cast

from anki.collection import Collection

from ..collection.templates import compose_references, rehearse
from ..errors import ApiError, BadParams, Conflict, NotFound
from ..registry import ANY_NOTE, write
from ..schema.codecs import Alias, ErrorText, Json, Name, composed
from ..undo import UndoStep
from .note_types import (
    KINDS,
    NoteType,
    NoteTypeName,
    Template,
    check_characters,
    check_new_name,
    is_same_name,
    require_note_type,
)

TemplateName = Annotated[Name, "name of a card template, in its case"]
FieldName = Annotated[Name, "name of a field, in its case"]
Position = Annotated[
    int, "zero-based; too large means last, negative ones count from the end as in list insertion"
]


def _editable(col: Collection, name: str) -> NoteType:
    """A copy of the note type: Anki's own is shared by all that read it."""
    return copy.deepcopy(require_note_type(col, name))


def _save(col: Collection, undo_step: UndoStep, note_type: NoteType) -> None:
    if note_type == col.models.get(note_type["id"]):
        return
    compose_references(note_type)
    rehearse(note_type)
    undo_step(col.models.update_dict, note_type)


def _find(note_type: NoteType, part: str, name: str) -> dict[str, Any]:
    """The template or field of that name. Raises NotFound."""
    for found in note_type[part]:
        if composed(found["name"]) == name:
            return cast(dict[str, Any], found)
    raise NotFound(f"{KINDS[part]} was not found in {note_type['name']}: {name}")


def _check_renamed(note_type: NoteType, part: str, new: str, old: str) -> None:
    """Raise for a name that is taken, or that Anki would change."""
    if any(is_same_name(other["name"], new) for other in note_type[part] if composed(other["name"]) != old):
        raise Conflict(f"{KINDS[part]} already exists in {note_type['name']}: {new}")
    check_characters(part, new)


@dataclass(frozen=True)
class SidesUpdate:
    front: Annotated[Optional[str], Alias("Front"), "new front; empty means unchanged"] = None
    back: Annotated[Optional[str], Alias("Back"), "new back; empty means unchanged"] = None


@dataclass(frozen=True)
class TemplatesUpdate:
    name: NoteTypeName
    templates: Annotated[dict[Name, SidesUpdate], "sides by template name; unknown names are ignored"]


@write("updateModelTemplates", undo="update card templates", touches_notes=ANY_NOTE)
def update_templates(col: Collection, undo_step: UndoStep, model: TemplatesUpdate) -> None:
    """Change the given sides of the given templates."""
    note_type = _editable(col, model.name)
    for template in note_type["tmpls"]:
        sides = model.templates.get(composed(template["name"]), SidesUpdate())
        template["qfmt"] = sides.front or template["qfmt"]
        template["afmt"] = sides.back or template["afmt"]
    _save(col, undo_step, note_type)


@dataclass(frozen=True)
class StylingUpdate:
    name: NoteTypeName
    css: str


@write("updateModelStyling", undo="update styling", touches_notes=ANY_NOTE)
def update_styling(col: Collection, undo_step: UndoStep, model: StylingUpdate) -> None:
    """Replace the style sheet of a note type."""
    note_type = _editable(col, model.name)
    note_type["css"] = model.css
    _save(col, undo_step, note_type)


def _unwrapped(params: Mapping[str, Json]) -> Mapping[str, Json]:
    """Some clients put everything into one member `model`, and call findText fieldText."""
    model = params.get("model")
    if len(params) != 1 or not isinstance(model, dict):
        return params
    return {("findText" if name == "fieldText" else name): value for name, value in model.items()}


@write(
    "findAndReplaceInModels",
    undo="find and replace in note types",
    touches_notes=ANY_NOTE,
    preprocess=_unwrapped,
)
def find_and_replace(
    col: Collection,
    undo_step: UndoStep,
    model_name: Annotated[Optional[Name], "note type to look in; empty or null for all"],
    find_text: Annotated[str, "text to look for, in its case"],
    replace_text: str,
    front: Annotated[bool, "look in front templates"] = True,
    back: Annotated[bool, "look in back templates"] = True,
    css: Annotated[bool, "look in styles"] = True,
) -> Annotated[int, "number of note types that contained the text"]:
    """Replace a text in templates and styles, literally."""
    if not find_text:
        raise BadParams("findText should not be empty")
    names = [model_name] if model_name else [entry.name for entry in col.models.all_names_and_ids()]
    changed = []
    for name in names:
        note_type = _editable(col, name)
        parts = [(note_type, "css")] if css else []
        for template in note_type["tmpls"]:
            parts += [(template, "qfmt")] if front else []
            parts += [(template, "afmt")] if back else []
        containing = [(holder, part) for holder, part in parts if find_text in holder[part]]
        for holder, part in containing:
            holder[part] = holder[part].replace(find_text, replace_text)
        if containing:
            changed.append(note_type)
    for note_type in changed:
        _save(col, undo_step, note_type)
    return len(changed)


# Templates


@write("modelTemplateRename", undo="rename card template", touches_notes=ANY_NOTE)
def rename_template(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    old_template_name: TemplateName,
    new_template_name: Annotated[Name, "a name that no other template has"],
) -> None:
    """Rename a card template."""
    note_type = _editable(col, model_name)
    template = _find(note_type, "tmpls", old_template_name)
    _check_renamed(note_type, "tmpls", new_template_name, old_template_name)
    template["name"] = new_template_name
    _save(col, undo_step, note_type)


@write("modelTemplateReposition", undo="move card template", touches_notes=ANY_NOTE)
def reposition_template(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    template_name: TemplateName,
    index: Position,
) -> None:
    """Move a card template. Needs a full sync afterwards."""
    note_type = _editable(col, model_name)
    _move(note_type["tmpls"], _find(note_type, "tmpls", template_name), index)
    _save(col, undo_step, note_type)


@dataclass(frozen=True)
class NamedTemplate(Template):
    name: Annotated[Name, Alias("Name"), "name of the template"] = ""


@write("modelTemplateAdd", undo="add card template", touches_notes=ANY_NOTE)
def add_template(
    col: Collection, undo_step: UndoStep, model_name: NoteTypeName, template: NamedTemplate
) -> None:
    """Append a card template and generate its cards, or replace the sides of the one of that name.

    A new one needs a full sync afterwards.
    """
    if not template.name:
        raise BadParams("template.Name: 'Name' is a required property")
    note_type = _editable(col, model_name)
    known = [t for t in note_type["tmpls"] if composed(t["name"]) == template.name]
    target = known[0] if known else col.models.new_template(template.name)
    target["qfmt"], target["afmt"] = template.front, template.back
    if not known:
        check_new_name(note_type, "tmpls", template.name)
        col.models.add_template(note_type, target)
    _save(col, undo_step, note_type)


@write("modelTemplateRemove", undo="remove card template", touches_notes=ANY_NOTE)
def remove_template(
    col: Collection, undo_step: UndoStep, model_name: NoteTypeName, template_name: TemplateName
) -> None:
    """Delete a card template with its cards; the last one cannot go. Needs a full sync afterwards."""
    note_type = _editable(col, model_name)
    template = _find(note_type, "tmpls", template_name)
    if len(note_type["tmpls"]) == 1:
        raise ApiError("must have 1 template")
    col.models.remove_template(note_type, template)
    _save(col, undo_step, note_type)


# Fields


@write("modelFieldRename", undo="rename field", touches_notes=ANY_NOTE)
def rename_field(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    old_field_name: FieldName,
    new_field_name: Annotated[Name, "a name that no other field has"],
) -> None:
    """Rename a field, in the templates too."""
    note_type = _editable(col, model_name)
    field = _find(note_type, "flds", old_field_name)
    _check_renamed(note_type, "flds", new_field_name, old_field_name)
    if not new_field_name:
        raise BadParams("newFieldName should not be empty")
    col.models.rename_field(note_type, field, new_field_name)
    undo_step(col.models.update_dict, note_type)


@write("modelFieldReposition", undo="move field", touches_notes=ANY_NOTE)
def reposition_field(
    col: Collection, undo_step: UndoStep, model_name: NoteTypeName, field_name: FieldName, index: Position
) -> None:
    """Move a field, with its content in all notes. Needs a full sync afterwards."""
    note_type = _editable(col, model_name)
    _move(note_type["flds"], _find(note_type, "flds", field_name), index)
    _save(col, undo_step, note_type)


@write("modelFieldAdd", undo="add field", touches_notes=ANY_NOTE)
def add_field(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    field_name: Annotated[Name, "name of the new field"],
    index: Annotated[Optional[int], "where it goes; last unless given"] = None,
) -> None:
    """Append an empty field, or put it at a position. Needs a full sync afterwards.

    A field of that name, in whatever case, is not an error and is moved if an index is given.
    """
    note_type = _editable(col, model_name)
    known = [f for f in note_type["flds"] if is_same_name(f["name"], field_name)]
    if not known:
        check_new_name(note_type, "flds", field_name)
        known = [col.models.new_field(field_name)]
        col.models.add_field(note_type, known[0])
    if index is not None:
        _move(note_type["flds"], known[0], index)
    _save(col, undo_step, note_type)


@write("modelFieldRemove", undo="remove field", touches_notes=ANY_NOTE)
def remove_field(
    col: Collection, undo_step: UndoStep, model_name: NoteTypeName, field_name: FieldName
) -> None:
    """Delete a field with its content in all notes; the last one cannot go.

    Needs a full sync afterwards.
    """
    note_type = _editable(col, model_name)
    field = _find(note_type, "flds", field_name)
    if len(note_type["flds"]) == 1:
        raise ApiError("1 field required")
    col.models.remove_field(note_type, field)
    undo_step(col.models.update_dict, note_type)


@write("modelFieldSetFont", undo="set field font", touches_notes=ANY_NOTE)
def set_font(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    field_name: FieldName,
    font: Annotated[str, ErrorText("font should be a string: {value}"), "font of the editor"],
) -> None:
    """Set the font in which the editor shows a field."""
    _set(col, undo_step, model_name, field_name, "font", font)


@write("modelFieldSetFontSize", undo="set field font size", touches_notes=ANY_NOTE)
def set_font_size(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    field_name: FieldName,
    font_size: Annotated[int, ErrorText("fontSize should be an integer: {value}"), "0 to 65535"],
) -> None:
    """Set the size in which the editor shows a field."""
    if not 0 <= font_size <= 65535:
        raise BadParams(f"fontSize should be an integer: {font_size} is not from 0 to 65535")
    _set(col, undo_step, model_name, field_name, "size", font_size)


@write("modelFieldSetDescription", undo="set field description", touches_notes=ANY_NOTE)
def set_description(
    col: Collection,
    undo_step: UndoStep,
    model_name: NoteTypeName,
    field_name: FieldName,
    description: Annotated[
        str, ErrorText("description should be a string: {value}"), "text that an empty field shows"
    ],
) -> Annotated[bool, "true when saved"]:
    """Set the text that the editor shows while a field is empty."""
    _set(col, undo_step, model_name, field_name, "description", description)
    return True


def _set(
    col: Collection, undo_step: UndoStep, model_name: str, field_name: str, member: str, value: Any
) -> None:
    note_type = _editable(col, model_name)
    _find(note_type, "flds", field_name)[member] = value
    _save(col, undo_step, note_type)


def _move(parts: list[dict[str, Any]], part: dict[str, Any], index: int) -> None:
    parts.remove(part)
    parts.insert(index, part)
