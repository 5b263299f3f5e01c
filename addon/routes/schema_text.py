"""Schemas in words: a bullet for each member, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..core.registry import Action
from ..core.schema.codecs import Schema


def parameters(action: Action) -> list[str]:
    """A bullet for each parameter and, indented, for what its objects hold."""
    lines: list[str] = []
    for parameter in action.parameters:
        note = "required" if parameter.required else f"default {as_json(parameter.default)}"
        lines += _described(parameter.wire, parameter.schema(), note, 0)
    return lines


def members(schema: Schema, depth: int = 0) -> Iterator[list[str]]:
    """The bullets of the objects inside."""
    for inner in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        if isinstance(inner, dict):
            yield from members(inner, depth)
    shown: dict[tuple[str, ...], str] = {}
    for name, member in schema.get("properties", {}).items():
        note = "required" if name in schema.get("required", ()) else "optional"
        line, *inner = _described(name, member, note, depth)
        if len(inner) > 1 and tuple(inner) in shown:
            yield [f"{line}; members as in `{shown[tuple(inner)]}`"]
        else:
            shown[tuple(inner)] = name
            yield [line, *inner]


def _described(name: str, schema: Schema, note: str, depth: int) -> list[str]:
    line = f"{'  ' * depth}- `{name}` {type_of(schema)}, {note}{meaning(schema)}"
    return [line, *(inner for part in members(schema, depth + 1) for inner in part)]


def type_of(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(option) for option in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(as_json(value) for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"array of {type_of(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_of(schema['additionalProperties'])}"
    return str(kind)


def meaning(schema: Schema) -> str:
    described = schema.get("description") or schema.get("items", {}).get("description")
    return f": {described}" if described else ""


def as_json(value: Any) -> str:
    """A default that is an object of ours is shown as an empty one."""
    return json.dumps(value, ensure_ascii=False, default=lambda _other: {})
