"""The protocol of `POST /`: requests in, replies out, as JSON values. Versions are told apart here.

A request is `{"action", "version", "params", "key"}`; a reply is the bare result at version 4 and
below, `{"result", "error"}` above, and for a failure the latter at every version.
"""

from __future__ import annotations

import dataclasses
import hmac
import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Callable, Optional

from anki.collection import Collection

from .actions import Action, Lane, registry, write
from .call import Call, Host
from .errors import ApiError, BadParams, KeyRefused, UnsupportedAction, as_api_error
from .rules import OPEN_TO_ALL, check_allowed
from .shapes import Json, show
from .undo import Edit

API_VERSION = 6
BANNER = f"AnkiConnect v.{API_VERSION}"
VERSION_WHEN_MISSING = 4
_LAST_BARE_VERSION = 4
_DEEPEST_MULTI = 20


@dataclass
class Request:
    """One action, looked up, with its checked arguments and its surroundings."""

    action: Action
    arguments: dict[str, Any]
    call: Call

    def prepare(self) -> None:
        """What the action does on the HTTP thread before it takes its lane."""
        if self.action.before:
            self.action.before(self.call, **self.arguments)

    def run(self) -> Json:
        """Run the action on its lane and return its result. Raises ApiError."""
        self.prepare()
        host = self.call.host
        if self.action.lane is Lane.COLLECTION:
            return visit_collection(host, [self])[0].get()
        if self.action.lane is Lane.WINDOW:
            return host.on_window(lambda: self.action.call(self.arguments, self.call))
        return self.action.call(self.arguments, self.call)


class Outcome:
    """A result, or the error that stands in its place."""

    def __init__(self, work: Callable[[], Json]) -> None:
        self.result: Json = None
        self.error: Optional[ApiError] = None
        try:
            self.result = work()
        except Exception as error:
            self.error = as_api_error(error)

    def get(self) -> Json:
        if self.error:
            raise self.error
        return self.result


class Message:
    """A request object that has been read: the request that it is, or what is wrong with it."""

    def __init__(self, message: Json, call: Call) -> None:
        self.call = call
        self.version = VERSION_WHEN_MISSING
        self.request: Optional[Request] = None
        self.checked = Outcome(lambda: self._check(message))

    def _check(self, message: Json) -> None:
        self.version = check_message(message)
        if not self.call.depth:  # the key of a multi counts for all of it
            check_key(message.get("key"), message["action"], self.call)
        # Handed over, not kept: they can hold whole files, which are not needed as text for long.
        params = message.pop("params", None)
        self.request = look_up(message["action"], params or {}, self.call.at_version(self.version))

    @property
    def on_collection(self) -> bool:
        return self.request is not None and self.request.action.lane is Lane.COLLECTION

    def run(self) -> Json:
        self.checked.get()
        assert self.request
        return self.request.run()

    def answer(self) -> Json:
        """Run it. The reply has the shape that its version selects. Never raises."""
        return self.reply(Outcome(self.run))

    def reply(self, outcome: Outcome) -> Json:
        is_bare = self.version <= _LAST_BARE_VERSION
        if outcome.error:
            self.call.failed[type(outcome.error).__name__] += 1
            return None if is_bare and self.call.settings.apiNullErrors else failure(outcome.error)
        return outcome.result if is_bare else success(outcome.result)


def success(result: Json) -> Json:
    return {"result": result, "error": None}


def failure(error: Exception) -> Json:
    return {"result": None, "error": str(error)}


def check_message(message: Json) -> int:
    """The version of a request object. Raises BadParams, in the words of a schema validator."""
    if type(message) is not dict:
        raise BadParams(f"{show(message)} is not of type 'object'")
    if "action" not in message:
        raise BadParams("'action' is a required property")
    action = message["action"]
    if type(action) is not str:
        raise BadParams(f"{show(action)} is not of type 'string'")
    if not action:
        raise BadParams("'' should be non-empty")
    version = message.get("version", VERSION_WHEN_MISSING)
    if type(version) is float and version.is_integer():
        version = int(version)
    if type(version) is not int:
        raise BadParams(f"{show(version)} is not of type 'integer'")
    params = message.get("params")
    if params is not None and type(params) is not dict:
        raise BadParams(f"{show(params)} is not of type 'object'")
    return version


def check_key(key: Json, action: str, call: Call) -> None:
    """Raise KeyRefused unless `key` opens the API or the action needs none."""
    wanted = call.settings.key
    if wanted is None or action == OPEN_TO_ALL:
        return
    # As bytes: of text, only ASCII is compared in constant time. Half a surrogate pair is a wrong key.
    given = key.encode("utf-8", "surrogatepass") if type(key) is str else b""
    if not hmac.compare_digest(given, wanted.encode("utf-8", "surrogatepass")):
        raise KeyRefused()


def look_up(name: str, params: dict[str, Json], call: Call) -> Request:
    """The request for the action `name`. Raises what is wrong with it, such as BadParams."""
    action = registry.get(name)
    if action is None:
        raise UnsupportedAction()
    call.performed[name] += 1
    check_allowed(action, call)
    return Request(action, action.bind(params), call)


def visit_collection(host: Host, requests: list[Request]) -> list[Outcome]:
    """Run requests one after the other in one visit to the collection's lane."""
    edited = [request.action.edited_notes(request.arguments) for request in requests]
    notes = None if None in edited else set().union(*filter(None, edited))
    with host.editing(notes) if notes != set() else nullcontext():
        return host.on_collection(lambda col: run_on_collection(col, requests))


def run_on_collection(col: Collection, requests: list[Request]) -> list[Outcome]:
    """Run requests one after the other where the collection is, under one undo entry."""
    names = {request.action.undo for request in requests if request.action.undoable}
    host = requests[0].call.host
    edit = Edit(col, names.pop() if len(names) == 1 else "several changes", host.will_change)
    outcomes = [
        Outcome(lambda r=request: r.action.call(r.arguments, r.call, col, edit))  # type: ignore[misc]
        for request in requests
    ]
    if edit.used:
        host.changed(edit.changes)
    return outcomes


@write("multi")
def multi(
    call: Call,
    actions: Annotated[
        list[Any], "request objects, each with its own action, version (4 if missing) and params"
    ],
) -> Annotated[list[Any], "one reply per request, in order, each of the shape its version selects"]:
    """Perform several actions in one request.

    They run strictly one after the other. One that fails does not stop the others and does not fail
    the call. Neighbours that need only the collection run in one go and leave one undo entry.
    """
    if call.depth == _DEEPEST_MULTI:
        raise BadParams(f"multi should be nested {_DEEPEST_MULTI} deep at most")
    inner = dataclasses.replace(call, depth=call.depth + 1)
    with call.reading():
        parts = [Message(action, inner) for action in actions]
    return list(_answers(parts, call))


def _answers(parts: list[Message], call: Call) -> Iterator[Json]:
    for together, group in itertools.groupby(parts, key=lambda part: part.on_collection):
        if together:
            yield from _answer_together(list(group), call)
        else:
            for part in group:
                yield part.answer()


def _answer_together(parts: list[Message], call: Call) -> list[Json]:
    """Answer neighbours that need only the collection in one visit to its lane."""
    outcomes: dict[int, Outcome] = {}
    ready: list[Request] = []
    for index, part in enumerate(parts):
        assert part.request
        prepared = Outcome(part.request.prepare)
        if prepared.error:
            outcomes[index] = prepared
        else:
            ready.append(part.request)
    if ready:
        visit = Outcome(lambda: visit_collection(call.host, ready))
        done = iter(visit.result or [visit] * len(ready))
        for index in range(len(parts)):
            if index not in outcomes:
                outcomes[index] = next(done)
    return [part.reply(outcomes[index]) for index, part in enumerate(parts)]
