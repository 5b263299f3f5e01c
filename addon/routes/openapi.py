"""`GET /openapi.json`: the API described in OpenAPI 3.1, from the declarations of the actions."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Blueprint, Response

from ..core.dispatch import API_VERSION, VERSION_WHEN_MISSING
from ..core.registry import Action, Kind, registry
from ..core.schema.codecs import Property, Schema
from ..core.version import PROGRAM_VERSION

bp = Blueprint("openapi", __name__)

_ABOUT = (
    f"This is version {API_VERSION} of the API. Each action has a URL of its own; `POST /` takes any of "
    "them as action JSON. Ids may also be sent as strings of their digits, and a parameter that is null "
    "counts as not given."
)
_REFUSALS = {
    400: "a parameter is missing, unknown or of no use",
    401: "the API key is missing or wrong",
    403: "not from here",
    404: "something named does not exist",
    408: "the request did not arrive in time",
    409: "a duplicate, or something is in the way",
    413: "the request is too large",
    414: "the URL is too long: longer parameters are for POST",
    415: "the body is compressed",
    431: "the head of the request is too large",
    501: "the action needs Anki's window, and there is none",
    502: "the sync server fails",
    503: "no collection is open, or the client is the slowest of too many",
}
_ONLY_GUI = 501
_SIMPLE = {"string", "integer", "number", "boolean"}
_JSON = "application/json"
_LICENSE = "GPL-3.0-or-later"


@bp.get("/openapi.json")
def show() -> Response:
    return Response(_text(), mimetype=_JSON)


@cache
def _text() -> str:
    return json.dumps(document(), separators=(",", ":"))


def document() -> dict[str, Any]:
    paths: dict[str, Any] = {"/": {"post": _any_action()}}
    for name, action in sorted(registry.items()):
        paths[f"/{name}"] = {"post": _posted(action)}
        if action.kind is Kind.READ:
            paths[f"/{name}"]["get"] = _asked(action)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AnkiConnect",
            "version": PROGRAM_VERSION,
            "description": _ABOUT,
            "license": {"name": _LICENSE, "identifier": _LICENSE},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Failure": _failure(), **_requests()},
            "responses": {str(status): _refusal(text) for status, text in _REFUSALS.items()},
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "query": {"type": "apiKey", "in": "query", "name": "key"},
            },
        },
        # Any of them, where a key is set; none otherwise.
        "security": [{}, {"header": []}, {"bearer": []}, {"query": []}],
    }


def _requests() -> dict[str, Schema]:
    """The parameters of each action, and the action JSON that carries them."""
    schemas: dict[str, Schema] = {}
    for name, action in sorted(registry.items()):
        schemas[f"{name}Params"] = action.params_schema()
        schemas[f"{name}Message"] = _message(action)
    return schemas


def _message(action: Action) -> Schema:
    needs_params = any(parameter.required for parameter in action.parameters)
    return {
        "type": "object",
        "properties": {
            "action": {"const": action.name},
            # Not as `default`: generators then take it for required, or send it.
            "version": {"type": "integer", "description": f"{VERSION_WHEN_MISSING} if missing"},
            "params": _schema(f"{action.name}Params"),
            "key": {"type": "string"},
        },
        "required": ["action", "params"] if needs_params else ["action"],
    }


def _schema(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _any_action() -> dict[str, Any]:
    messages = {name: _schema(f"{name}Message") for name in sorted(registry)}
    message = {
        "oneOf": list(messages.values()),
        "discriminator": {
            "propertyName": "action",
            "mapping": {name: schema["$ref"] for name, schema in messages.items()},
        },
    }
    return {
        "operationId": "call",
        "summary": "Perform any action.",
        "description": "The status is 200 even for an error. Below version 5 a result comes bare.",
        "requestBody": {"required": True, "content": {_JSON: {"schema": message}}},
        "responses": _responses(_json({}, "the reply, of the shape that the version selects")),
    }


def _posted(action: Action) -> dict[str, Any]:
    required = any(parameter.required for parameter in action.parameters)
    body = {"required": required, "content": {_JSON: {"schema": _schema(f"{action.name}Params")}}}
    return {**_operation(action, action.name), **({"requestBody": body} if action.parameters else {})}


def _asked(action: Action) -> dict[str, Any]:
    parameters = [_in_query(parameter) for parameter in action.parameters]
    # Not `get_`: generators take get_version and getVersion, an action, for one name.
    return {**_operation(action, f"read_{action.name}"), "parameters": parameters}


def _operation(action: Action, operation_id: str) -> dict[str, Any]:
    result = {
        "type": "object",
        "properties": {"result": action.result_schema(), "error": {"type": "null"}},
        "required": ["result", "error"],
        "additionalProperties": False,
    }
    # Where Python strips docstrings, the name has to do.
    described = {"description": action.description} if action.description else {}
    return {
        "operationId": operation_id,
        "summary": action.summary or action.name,
        **described,
        "tags": [action.kind.value],
        "responses": _responses(_json(result, "done"), gui=action.kind is Kind.GUI),
    }


def _responses(success: dict[str, Any], *, gui: bool = True) -> dict[str, Any]:
    refusals = [status for status in _REFUSALS if gui or status != _ONLY_GUI]
    return {"200": success, **{str(s): {"$ref": f"#/components/responses/{s}"} for s in refusals}}


def _json(schema: Schema, description: str) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _refusal(description: str) -> dict[str, Any]:
    return _json(_schema("Failure"), description)


def _failure() -> Schema:
    return {
        "type": "object",
        "properties": {"result": {"type": "null"}, "error": {"type": "string", "minLength": 1}},
        "required": ["result", "error"],
        "additionalProperties": False,
    }


def _in_query(parameter: Property) -> dict[str, Any]:
    schema = parameter.schema()
    described = {"description": schema.pop("description")} if "description" in schema else {}
    plain = _without_null(schema)
    # A list of simple values is a name given several times; what is not simple is sent as JSON.
    how = {"schema": plain} if _is_flat(plain) else {"content": {_JSON: {"schema": schema}}}
    return {"name": parameter.wire, "in": "query", "required": parameter.required, **described, **how}


def _without_null(schema: Schema) -> Schema:
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return _without_null(options[0]) if len(options) == 1 else schema


def _is_flat(schema: Schema) -> bool:
    if "enum" in schema or "const" in schema or schema.get("type") in _SIMPLE:
        return True
    items = schema.get("items", {})
    return schema.get("type") == "array" and items.get("type") != "array" and _is_flat(items)
