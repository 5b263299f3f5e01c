"""Note types, which the wire calls models: names, fields, creation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Optional

from anki.collection import Collection
from anki.consts import MODEL_CLOZE
from anki.models import NotetypeId

from ..collection.fields import field_names
from ..collection.names import find_note_type
from ..collection.templates import compose_references, rehearse
from ..errors import BadParams, Conflict, NoteTypeNotFound
from ..registry import ANY_NOTE, read, write
from ..schema.codecs import Alias, Coerce, Name, composed, short_repr
from ..undo import UndoStep

NoteTypeName = Annotated[Name, "name of a note type, in whatever case"]
NoteType = dict[str, Any]


@read("modelNames")
def note_type_names(col: Collection) -> list[str]:
    """List the names of all note types, in Anki's order."""
    return [note_type.name for note_type in col.models.all_names_and_ids()]


@read("modelFieldNames")
def note_type_field_names(col: Collection, model_name: NoteTypeName) -> list[str]:
    """List the field names of a note type, in field order."""
    return field_names(require_note_type(col, model_name))


@dataclass(frozen=True)
class Template:
    """A card template as sent by clients."""

    front: Annotated[str, Alias("Front"), "template of the front side"]
    back: Annotated[str, Alias("Back"), "template of the back side"]
    name: Annotated[Optional[Name], Alias("Name"), "`Card` and its position unless given"] = None


@dataclass(frozen=True)
class NewField:
    name: Name
    description: Annotated[str, "text that the empty field shows"] = ""
    collapsed: Annotated[bool, "whether the editor shows it collapsed"] = False


NewFieldOrName = Annotated[
    NewField, Coerce(lambda sent: {"name": sent} if type(sent) is str else sent, {"type": "string"})
]


@write("createModel", undo="create note type", touches_notes=ANY_NOTE)
def create_note_type(
    col: Collection,
    undo_step: UndoStep,
    model_name: Annotated[Name, "name of the new note type"],
    in_order_fields: Annotated[list[NewFieldOrName], "in order"],
    card_templates: Annotated[list[Template], "at least one"],
    css: Annotated[Optional[str], "style of the cards; Anki's own unless given"] = None,
    is_cloze: Annotated[bool, "make a cloze note type"] = False,
) -> Annotated[dict[str, Any], "the stored note type in Anki's own layout, with its new id"]:
    """Create a note type.

    Anki's rules apply: every front shows at least one field, and two fronts differ. Quotes are dropped from
    the note type's name, and a repeated name of a field or template gets a + appended. Refused are names
    that differ only in case, and those with what Anki would drop: in a field's name `:`, `{`, `}`, `"`, at
    its start `#`, `/`, `^` and spaces, at its end spaces; in a template's name `"`.
    """
    if not in_order_fields:
        raise BadParams("Must provide at least one field for inOrderFields")
    if not card_templates:
        raise BadParams("Must provide at least one card for cardTemplates")
    model_name = model_name.replace('"', "")  # as Anki will store it, and rename it if it is taken
    if find_note_type(col, model_name):
        raise Conflict("Model name already exists")
    if not model_name:
        raise BadParams("Empty notetype name")
    models = col.models
    note_type = models.new(model_name)
    if is_cloze:
        note_type["type"] = MODEL_CLOZE
    if css is not None:
        note_type["css"] = css
    for wanted in in_order_fields:
        check_new_name(note_type, "flds", wanted.name)
        field = models.new_field(wanted.name)
        field["description"], field["collapsed"] = wanted.description, wanted.collapsed
        models.add_field(note_type, field)
    for position, template in enumerate(card_templates, 1):
        name = template.name or f"Card {position}"
        check_new_name(note_type, "tmpls", name)
        added = models.new_template(name)
        added["qfmt"], added["afmt"] = template.front, template.back
        models.add_template(note_type, added)
    compose_references(note_type)
    rehearse(note_type)
    created = models.get(NotetypeId(undo_step(models.add_dict, note_type).id))
    assert created
    return created


KINDS = {"tmpls": "template", "flds": "field"}
# What Anki drops from names: it means something in templates. As `fix_name` in rslib.
_DROPPED = {
    "flds": (
        re.compile(r'[:{}"]|\A(?:[#/^]|[^\S\x1c-\x1f])|[^\S\x1c-\x1f]\Z'),
        """`:`, `{`, `}`, `"`, at the start `#`, `/`, `^` and spaces, at the end spaces""",
    ),
    "tmpls": (re.compile('"'), '`"`'),
}


def check_characters(part: str, name: str) -> None:
    """Raise BadParams for a name of a field or template that Anki would change without a word."""
    dropped, listed = _DROPPED[part]
    if dropped.search(name):
        raise BadParams(f"{short_repr(name)} can't be the name of a {KINDS[part]}: Anki drops {listed}")


def check_new_name(note_type: NoteType, part: str, name: str) -> None:
    """Raise for a name of one more field or template that Anki would change without a word."""
    check_characters(part, name)
    for other in note_type[part]:
        if other["name"] != name and is_same_name(other["name"], name):
            raise Conflict(
                f"{short_repr(name)} can't be the name of a {KINDS[part]}: "
                f"it differs from {short_repr(other['name'])} only in case"
            )


def is_same_name(one: str, other: str) -> bool:
    """Whether Anki takes two names of fields or templates for the same."""
    return composed(one).casefold() == composed(other).casefold()


def require_note_type(col: Collection, name: str) -> NoteType:
    """The note type called `name`, in whatever case. Raises NoteTypeNotFound."""
    note_type_id = find_note_type(col, name)
    note_type = col.models.get(note_type_id) if note_type_id else None
    if note_type is None:
        raise NoteTypeNotFound(name)
    return note_type
