"""The protocol of `POST /`: requests in, replies out, as JSON values. Versions are told apart here.

A request is `{"action", "version", "params", "key"}`; a reply is the bare result at version 4 and
below, `{"result", "error"}` above, and for a failure the latter at every version.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from anki.collection import Collection

from .context import RequestContext, Runtime
from .envelope import failure, success
from .errors import (
    ApiError,
    BackendPanic,
    BadParams,
    InternalError,
    KeyRefused,
    Unavailable,
    UnsupportedAction,
    as_api_error,
)
from .policy import OPEN_TO_ALL, check_allowed
from .registry import Action, RunsOn, registry
from .schema.codecs import Json, short_repr
from .undo import UndoStep

API_VERSION = 6
BANNER = f"AnkiConnect v.{API_VERSION}"
VERSION_WHEN_MISSING = 4
_LAST_BARE_VERSION = 4


@dataclass
class BoundAction:
    """One action, looked up, with its checked arguments and its surroundings."""

    action: Action
    arguments: dict[str, Any]
    context: RequestContext

    def prepare(self) -> None:
        """What the action does on the HTTP thread before it runs."""
        if self.action.prepare:
            self.action.prepare(self.context, **self.arguments)

    def run(self) -> Result:
        """Run the action on its thread."""
        if self.action.runs_on is RunsOn.COLLECTION:
            return run_batch([self])[0]
        return attempt(self._run_elsewhere, self.context.runtime)

    def _run_elsewhere(self) -> Json:
        self.prepare()
        if self.action.runs_on is RunsOn.MAIN_THREAD:
            return self.context.run_on_main(lambda: self.action.invoke(self.arguments, self.context))
        return self.action.invoke(self.arguments, self.context)


@dataclass(frozen=True)
class Result:
    """A result, or the error that stands in its place."""

    result: Json = None
    error: Optional[ApiError] = None


def attempt(work: Callable[[], Json], runtime: Runtime) -> Result:
    """The outcome of `work`. Never raises, not even for a panic inside Anki, of which `runtime` is told."""
    try:
        return Result(work())
    except BaseException as error:
        known = as_api_error(error)
    if isinstance(known, BackendPanic):
        runtime.panicked()
    return Result(error=known)


class RpcMessage:
    """A request object that has been read: the request that it is, or what is wrong with it."""

    def __init__(self, message: Json, context: RequestContext, key: Optional[str] = None) -> None:
        """`key` came outside the message, whose own goes first."""
        self.context = context
        self.version = VERSION_WHEN_MISSING
        self.request: Optional[BoundAction] = None
        self.refusal = attempt(lambda: self._check(message, key), context.runtime).error

    def _check(self, message: Json, key: Optional[str]) -> None:
        self.version = check_message(message)
        if not self.context.depth:  # the key of a multi counts for all of it
            check_key(message.get("key") or key, message["action"], self.context)
        # Handed over, not kept: they can hold whole files, which are not needed as text for long.
        params = message.pop("params", None)
        self.request = resolve(message["action"], params or {}, self.context.with_version(self.version))

    @property
    def needs_collection(self) -> bool:
        return self.request is not None and self.request.action.runs_on is RunsOn.COLLECTION

    def answer(self) -> Json:
        """Run it. The reply has the shape that its version selects. Never raises."""
        return self.reply(self.request.run() if self.request else Result(error=self.refusal))

    def reply(self, outcome: Result) -> Json:
        is_bare = self.version <= _LAST_BARE_VERSION
        if outcome.error:
            self.context.failed[type(outcome.error).__name__] += 1
            return None if is_bare and self.context.settings.apiNullErrors else failure(str(outcome.error))
        return outcome.result if is_bare else success(outcome.result)


def check_message(message: Json) -> int:
    """The version of a request object. Raises BadParams, in the words of a schema validator."""
    if type(message) is not dict:
        raise BadParams(f"{short_repr(message)} is not of type 'object'")
    if "action" not in message:
        raise BadParams("'action' is a required property")
    action = message["action"]
    if type(action) is not str:
        raise BadParams(f"{short_repr(action)} is not of type 'string'")
    if not action:
        raise BadParams("'' should be non-empty")
    version = message.get("version", VERSION_WHEN_MISSING)
    if type(version) is float and version.is_integer():
        version = int(version)
    if type(version) is not int:
        raise BadParams(f"{short_repr(version)} is not of type 'integer'")
    params = message.get("params")
    if params is not None and type(params) is not dict:
        raise BadParams(f"{short_repr(params)} is not of type 'object'")
    return version


def check_key(key: Json, action: str, context: RequestContext) -> None:
    """Raise KeyRefused unless `key` opens the API or the action needs none."""
    if action != OPEN_TO_ALL and not is_key(key, context):
        raise KeyRefused()


def is_key(key: Json, context: RequestContext) -> bool:
    """Whether `key` opens the API; any does where none is set."""
    wanted = context.settings.key
    if wanted is None:
        return True
    # As bytes: of text, only ASCII is compared in constant time. Half a surrogate pair is a wrong key.
    given = key.encode("utf-8", "surrogatepass") if type(key) is str else b""
    return hmac.compare_digest(given, wanted.encode("utf-8", "surrogatepass"))


def resolve(name: str, params: dict[str, Json], context: RequestContext) -> BoundAction:
    """The request for the action `name`. Raises what is wrong with it, such as BadParams."""
    action = registry.get(name)
    if action is None:
        raise UnsupportedAction()
    context.performed[name] += 1
    check_allowed(action, context)
    return BoundAction(action, action.bind(params), context)


def run_batch(requests: list[BoundAction]) -> list[Result]:
    """Run requests of one sender one after the other, in one visit to the collection's thread."""
    runtime = requests[0].context.runtime
    outcomes = [attempt(request.prepare, runtime) for request in requests]
    ready = [request for request, outcome in zip(requests, outcomes) if not outcome.error]
    visit = attempt(lambda: _visit(ready), runtime) if ready else Result([])
    done = iter(visit.result or [visit] * len(ready))
    return [outcome if outcome.error else next(done) for outcome in outcomes]


def _visit(requests: list[BoundAction]) -> list[Result]:
    context = requests[0].context
    edited = [request.action.touched_notes(request.arguments) for request in requests]
    notes = None if None in edited else set().union(*filter(None, edited))
    with context.runtime.sync_editors(notes) if notes != set() else nullcontext():
        return context.run_on_collection(lambda col: perform_all(col, requests))


def perform_all(col: Collection, requests: list[BoundAction]) -> list[Result]:
    """Run requests one after the other where the collection is, under one undo entry.

    When the collection is about to be closed, those that are left are refused.
    """
    names = {request.action.undo for request in requests if request.action.undoable}
    runtime = requests[0].context.runtime
    undo_step = UndoStep(col, names.pop() if len(names) == 1 else "several changes", runtime.will_change)
    outcomes: list[Result] = []
    for request in requests:
        if outcomes and runtime.is_closing():
            outcomes.append(Result(error=Unavailable()))
        else:
            work = partial(request.action.invoke, request.arguments, request.context, col, undo_step)
            outcome = attempt(work, runtime)
            if isinstance(outcome.error, InternalError) and col.db is None:
                outcome = Result(error=Unavailable())  # it was closed in the middle
            outcomes.append(outcome)
    if undo_step.used:
        runtime.notify_changes(undo_step.changes)
    return outcomes


def answers(parts: list[RpcMessage]) -> Iterator[Json]:
    """The replies to messages of one sender, in order. Neighbours on the collection share one visit."""
    for together, group in itertools.groupby(parts, key=lambda part: part.needs_collection):
        if together:
            neighbours = list(group)
            requests = [part.request for part in neighbours if part.request]
            outcomes = run_batch(requests)
            yield from (part.reply(outcome) for part, outcome in zip(neighbours, outcomes))
        else:
            for part in group:
                yield part.answer()
