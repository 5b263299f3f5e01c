"""Card templates, as they are checked before a note type is stored."""

from __future__ import annotations

import copy
import re
from typing import Any

from anki.collection import Collection
from anki.consts import MODEL_STD
from anki.errors import CardTypeError

from ..errors import ApiError, BadParams, plain
from ..schema.codecs import composed
from .temp_collection import scratch_collection

_REFERENCE = re.compile(r"{{[^{}]*}}|<%[^<%]*%>")


def compose_references(note_type: dict[str, Any]) -> None:
    """Compose the names of fields in templates, as those of the fields themselves are."""
    for template in note_type["tmpls"]:
        for side in ("qfmt", "afmt"):
            template[side] = _REFERENCE.sub(lambda found: composed(found[0]), template[side])


_MAX_TEMPLATE = 200
# Comments, and what begins or ends a condition, in either kind of brackets.
_SECTION = re.compile(r"<!--(.*?)-->|({{|<%)\s*([#^/])", re.DOTALL)
_OPENING = re.compile(r"(?:{{|<%)\s*[#^]")


def _check_depth(template: str) -> None:
    """Raise BadParams for conditions in conditions without end, of which Anki's whole process dies.

    What ends in a comment, or in the other kind of brackets, may end nothing.
    """
    depth = {"{{": 0, "<%": 0}
    for comment, kind, mark in _SECTION.findall(template):
        if not kind:
            inside = len(_OPENING.findall(comment))
            depth = {kind: count + inside for kind, count in depth.items()}
        else:
            depth[kind] = max(0, depth[kind] - 1) if mark == "/" else depth[kind] + 1
        if max(depth.values()) > _MAX_TEMPLATE:
            raise BadParams(f"conditions in a template should be nested {_MAX_TEMPLATE} deep at most")


def rehearse(note_type: dict[str, Any]) -> None:
    """Raise what Anki has against a note type, such as a broken template, without a trace."""
    for template in note_type["tmpls"]:
        _check_depth(template["qfmt"])
        _check_depth(template["afmt"])
    with scratch_collection() as scratch:
        try:
            scratch.models.add_dict({**copy.deepcopy(note_type), "id": 0})
        except CardTypeError as error:
            told = str(error)
            preview = scratch.tr.card_templates_see_preview()
            reason = _reason(scratch, note_type) if preview in told else ""
            raise ApiError(plain(told.replace(preview, reason) if reason else told)) from None


def _reason(scratch: Collection, note_type: dict[str, Any]) -> str:
    """What the preview in Anki's editor of templates tells of the first side that is broken."""
    front = f"{{{{{note_type['flds'][0]['name']}}}}}"
    sound = {**scratch.models.new_template("sound"), "qfmt": front}
    changed = {"id": 0, "name": "sound", "type": MODEL_STD, "tmpls": [sound]}
    scratch.models.add_dict({**copy.deepcopy(note_type), **changed})
    with_sound = scratch.models.by_name("sound")
    assert with_sound
    note = scratch.new_note(with_sound)
    note.fields[0] = "x"  # without a front, Anki makes no back
    problems = (
        scratch.tr.card_template_rendering_front_side_problem(),
        scratch.tr.card_template_rendering_back_side_problem(),
    )
    for template in note_type["tmpls"]:
        for side in ("qfmt", "afmt"):
            tried = {**sound, side: template[side]}
            card = note.ephemeral_card(custom_note_type=with_sound, custom_template=tried)
            text = card.render_output().question_text
            if text.startswith(problems):
                return text.partition("<br><a ")[0]  # a link to Anki's manual
    return ""
