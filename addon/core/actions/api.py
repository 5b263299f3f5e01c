"""What concerns the API itself: its version, its actions, who may use it."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal, Optional, TypedDict, Union

from ..context import RequestContext
from ..dispatch import API_VERSION, RpcMessage, answers
from ..errors import BadParams
from ..origins import canonical
from ..policy import refusal
from ..registry import RunsOn, gui, read, registry, write
from ..schema.codecs import ErrorText

_BAD_SCOPES = "scopes has invalid value"
_BAD_ACTIONS = "actions has invalid value"
_MAX_MULTI = 20


@read("version")
def version() -> Annotated[int, "highest API version supported"]:
    """Return the version of the API: the cheapest way to test the connection.

    Answered whatever Anki is doing, with or without an open profile.
    """
    return API_VERSION


class Granted(TypedDict):
    permission: Literal["granted"]
    requireApikey: Annotated[bool, "whether requests must carry a key; an old spelling"]
    requireApiKey: Annotated[bool, "whether requests must carry a key"]
    version: int


class Denied(TypedDict):
    permission: Literal["denied"]


@gui("requestPermission", runs_on=RunsOn.HTTP_THREAD)
def request_permission(context: RequestContext) -> Union[Granted, Denied]:
    """Ask whether the requesting origin may use the API.

    Needs no key and may be called from any origin. For an unknown origin Anki asks the person, and the
    reply waits for the answer; a yes is kept in the settings, and so is the wish to ignore that origin from
    now on. After a no, that origin is denied without a question for 10 minutes, and after three until Anki
    quits. Five noes to any origins within 10 minutes end all questions for 10 minutes, 15 end them until
    Anki quits. Without a window, unknown origins are denied.
    """
    if not context.allowed and not _is_granted_now(context):
        return {"permission": "denied"}
    needs_key = context.settings.key is not None
    return {
        "permission": "granted",
        "requireApikey": needs_key,
        "requireApiKey": needs_key,
        "version": API_VERSION,
    }


def _is_granted_now(context: RequestContext) -> bool:
    ignored = map(canonical, context.settings.ignoreOriginList)
    return canonical(context.origin) not in ignored and context.runtime.ask_permission(context.origin)


class _ReflectedScopes(TypedDict):
    scopes: Annotated[list[str], "those of the given scopes that are known"]


class Reflection(_ReflectedScopes, total=False):
    actions: Annotated[list[str], "present when the scope `actions` was asked for"]


@read("apiReflect")
def api_reflect(
    context: RequestContext,
    scopes: Annotated[
        Optional[list[Any]], ErrorText(_BAD_SCOPES), "the only one known is `actions`"
    ] = None,
    actions: Annotated[
        Optional[list[Any]], ErrorText(_BAD_ACTIONS), "names to look for, instead of all"
    ] = None,
) -> Reflection:
    """List the actions that may be called: all of them, sorted, or those of the given names.

    Those that the settings forbid are left out.
    """
    if scopes is None:
        raise BadParams(_BAD_SCOPES)
    reflection: Reflection = {"scopes": [scope for scope in scopes if scope == "actions"]}
    if "actions" in scopes:
        allowed = {name for name, action in registry.items() if not refusal(action, context.settings)}
        if actions is None:
            reflection["actions"] = sorted(allowed)
        else:
            reflection["actions"] = [n for n in actions if isinstance(n, str) and n in allowed]
    return reflection


@write("multi")
def multi(
    context: RequestContext,
    actions: Annotated[
        list[Any], "request objects, each with its own action, version (4 if missing) and params"
    ],
) -> Annotated[list[Any], "one reply per request, in order, each of the shape its version selects"]:
    """Perform several actions in one request.

    They run strictly one after the other. One that fails does not stop the others and does not fail
    the call. Neighbours that need only the collection run in one go and leave one undo entry.
    """
    if context.depth == _MAX_MULTI:
        raise BadParams(f"multi should be nested {_MAX_MULTI} deep at most")
    inner = dataclasses.replace(context, depth=context.depth + 1)
    with context.parse_lock():
        parts = [RpcMessage(action, inner) for action in actions]
    return list(answers(parts))
