"""The reference of all actions, from their declarations and from examples that were run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anki import buildinfo

from addon.actions import Action, Kind, registry
from addon.routes.schema_text import as_json, meaning, members, parameters, type_of

from .examples import Example, contract

_HEAD = """# API reference

Made by `make docs` from the declarations of the actions. Every reply below is what the example got when
it was run on Anki {version}.

Every action can be called in two ways. Both give `{"result": ..., "error": null}`, or for a failure
`{"result": null, "error": "what is wrong"}`:

- `POST /` with `{"action": "deckNames", "version": 6, "params": {}}`. The HTTP status is always 200. At
  version 4 and below, which is also meant where `version` is missing, a success is the bare result.
- `POST /deckNames` with the parameters as a JSON object. Actions that only read also take `GET`, with the
  parameters in the query: `/cardsInfo?cards=1700000000101&cards=1700000000102`. The HTTP status tells what
  went wrong: 400 for bad parameters, 401 for a missing key, 404 for something unknown, 409 for a conflict,
  501 where Anki's window is missing, 502 for a sync server that fails, 503 while no collection is open.

A running server describes itself in [OpenAPI](https://www.openapis.org) at `GET /openapi.json`, for tools
that make clients or forms from that.

Ids are 64-bit integers, and strings of their digits are taken too. A parameter that is null counts as not
given. Members that are not listed here are ignored inside of objects, and refused as parameters. Names of
note types, fields, templates, decks, presets, tags and media files mean the same whether letters and their
marks are composed or not (NFC, NFD), sent or stored; replies have them as they are stored.

`GET /healthz` gives 200 and `{"alive":true}` as long as the process serves. `GET /readyz` gives 200 and
`{"ready":true}`, or 503 and `{"ready":false}` while no collection is open. Neither takes a key or waits for
the collection.
"""

_ERRORS = """
## Errors of every action

| what is wrong | error |
| --- | --- |
"""

_CANNOT_UNDO = """
## What can't be undone

All other writes are one entry in Anki's Edit menu each, a whole batch included. Neighbours in a `multi`
that need only the collection are one entry together. What needs more than that, such as `storeMediaFile` or
an action of Anki's windows, divides those before it from those after it.

"""

_GROUPS = {
    "note": "Notes",
    "card": "Cards",
    "deck": "Decks",
    "model": "Note types",
    "media": "Media",
    "stats": "Statistics",
    "graphical": "Anki's windows",
    "misc": "Everything else",
}
_MAX_LINE = 100
_MAX_LINES = 40


@dataclass
class Recording:
    """What the examples got when they were run."""

    replies: Mapping[str, tuple[Example, Any]]  # by action
    errors: Mapping[str, list[str]]  # texts by action
    common_errors: list[tuple[str, str]]  # what is wrong, and the text


def reference(recording: Recording) -> str:
    groups: dict[str, list[Action]] = {group: [] for group in _GROUPS}
    for entry in sorted(contract()["actions"], key=lambda entry: entry["name"].lower()):
        if entry["name"] in registry:
            groups[entry["group"]].append(registry[entry["name"]])
    parts = [_HEAD.replace("{version}", buildinfo.version)]
    for group, title in _GROUPS.items():
        links = ", ".join(_link(action) for action in groups[group])
        parts.append(f"\n**{title}:** {links}\n")
    parts.append(_ERRORS)
    parts += [f"| {what} | `{text}` |\n" for what, text in recording.common_errors]
    parts.append(_CANNOT_UNDO)
    parts += [
        f"- {_link(action)}: {action.summary}\n"
        for actions in groups.values()
        for action in actions
        if action.kind is Kind.WRITE and not action.undoable and action.name != "multi"
    ]
    for group, title in _GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [_section(action, recording) for action in groups[group]]
    return "".join(parts)


def _link(action: Action) -> str:
    return f"[`{action.name}`](#{action.name.lower()})"


def _section(action: Action, recording: Recording) -> str:
    lines = [f"\n### {action.name}\n", action.summary]
    if action.description:
        lines += ["", action.description]
    lines += ["", f"{_kind(action)} {_url(action)}", ""]
    if action.parameters:
        lines += ["**Parameters**", "", *parameters(action), ""]
    result = action.result_schema()
    inner = [line for part in members(result) for line in part]
    lines.append(f"**Result:** {type_of(result)}{meaning(result)}")
    lines += ["", *inner] if inner else []
    errors = recording.errors.get(action.name, [])
    if errors:
        lines += ["", "**Errors**", "", *(f"- `{text}`" for text in errors)]
    if action.name in recording.replies:
        example, reply = recording.replies[action.name]
        body = {"action": action.name, "version": 6, "params": example.params}
        lines += ["", "```json", *_pretty(body), "```", "", "```json", *_pretty(reply), "```"]
    return "\n".join(lines) + "\n"


def _kind(action: Action) -> str:
    if action.kind is Kind.READ:
        return "Reads."
    if action.kind is Kind.GUI:
        return "Drives Anki's windows."
    if action.undoable:
        return f"Writes; Anki's Edit menu takes it back as *AnkiConnect: {action.undo}*."
    return "Writes; can't be undone." if action.name != "multi" else "Writes what its actions write."


def _url(action: Action) -> str:
    method = "GET or POST" if action.kind is Kind.READ else "POST"
    return f"`{method} /{action.name}`"


def _pretty(value: Any) -> list[str]:
    """JSON in lines: what fits stays on one line."""
    lines = _expanded(value, 0)
    return lines if len(lines) <= _MAX_LINES else [*lines[:_MAX_LINES], "…"]


def _expanded(value: Any, depth: int) -> list[str]:
    line = as_json(value)
    if len(line) + 2 * depth <= _MAX_LINE or not isinstance(value, (dict, list)) or not value:
        return ["  " * depth + line]
    if isinstance(value, dict):
        parts = [(f"{as_json(name)}: ", member) for name, member in value.items()]
    else:
        parts = [("", element) for element in value]
    lines = ["  " * depth + ("{" if isinstance(value, dict) else "[")]
    for number, (name, member) in enumerate(parts, 1):
        first, *rest = _expanded(member, depth + 1)
        lines += ["  " * (depth + 1) + name + first.lstrip(), *rest]
        lines[-1] += "," if number < len(parts) else ""
    lines.append("  " * depth + ("}" if isinstance(value, dict) else "]"))
    return lines
