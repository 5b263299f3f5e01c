"""The declaration of actions: one typed function each, registered under its wire name.

    @write("createDeck")
    def create_deck(col: Collection, edit: Edit, deck: DeckName) -> DeckId:
        ...

Everything else is read from that: checking of parameters, schemas, the URL, whether GET is allowed,
the name of the undo entry, and where the function runs:

    kind `gui`                    on the thread of Anki's window
    a parameter of type Collection   on the collection's thread
    neither                       on the HTTP thread itself, whatever Anki is doing

Parameters of the types Collection, Edit and Call are filled in by the server, the others come from the
wire.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import typing
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Callable, Optional, TypeVar

from anki.collection import Collection

from .context import RequestContext
from .errors import BadParams
from .schema.codecs import (
    Invalid,
    Json,
    Property,
    Schema,
    codec_for,
    properties_schema,
    property_of,
    short_repr,
)
from .undo import UndoStep

F = TypeVar("F", bound=Callable[..., Any])
Preprocess = Callable[[Mapping[str, Json]], Mapping[str, Json]]


class Kind(enum.Enum):
    READ = "read"
    WRITE = "write"
    GUI = "gui"


class RunsOn(enum.Enum):
    HTTP_THREAD = "HTTP thread"
    COLLECTION = "collection thread"
    MAIN_THREAD = "main thread"


ANY_NOTE = "any note"
# By the names that hints have in the source: to read hints as types takes long, and waits for a request.
_INJECTED = {"Collection": "col", "UndoStep": "undo_step", "RequestContext": "context"}


@dataclasses.dataclass(frozen=True)
class Action:
    name: str
    kind: Kind
    runs_on: RunsOn
    function: Callable[..., Any]
    injected: Mapping[str, str]  # parameter name -> what fills it: col, edit or call
    undo: str
    prepare: Optional[Callable[..., None]]
    preprocess: Optional[Preprocess]
    touches_notes: Optional[str]

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.function, include_extras=True)

    @cached_property
    def parameters(self) -> tuple[Property, ...]:
        """Those that come from the wire."""
        return tuple(
            property_of(
                parameter.name,
                self._hints[parameter.name],
                dataclasses.MISSING if parameter.default is parameter.empty else parameter.default,
            )
            for parameter in inspect.signature(self.function).parameters.values()
            if parameter.name not in self.injected
        )

    @cached_property
    def wire_names(self) -> frozenset[str]:
        return frozenset(parameter.wire for parameter in self.parameters)

    @property
    def result(self) -> Any:
        """The type hint of what comes back."""
        return self._hints["return"]

    def touched_notes(self, arguments: Mapping[str, Any]) -> Optional[set[int]]:
        """The notes whose fields or tags a person may be editing as well; None: it can be any."""
        if self.touches_notes is None:
            return set()
        if self.touches_notes == ANY_NOTE:
            return None
        given = arguments[self.touches_notes]
        return set(given) if isinstance(given, list) else {getattr(given, "id", given)}

    @property
    def undoable(self) -> bool:
        """Whether Anki's Edit menu takes back what it changes."""
        return "undo_step" in self.injected.values()

    @property
    def summary(self) -> str:
        """The first line of the docstring; empty where Python runs with docstrings stripped."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()

    def bind(self, params: Mapping[str, Json]) -> dict[str, Any]:
        """The arguments that `params` stand for. Raises BadParams in words that clients know."""
        if self.preprocess:
            params = self.preprocess(params)
        if not params.keys() <= self.wire_names:
            unknown = next(name for name in params if name not in self.wire_names)
            raise BadParams(
                f"AnkiConnect.{self.name}() got an unexpected keyword argument {short_repr(unknown)}"
            )
        missing = [p.wire for p in self.parameters if p.required and p.wire not in params]
        if missing:
            raise BadParams(_missing(self.name, missing))
        arguments: dict[str, Any] = {}
        for parameter in self.parameters:
            value = params.get(parameter.wire)
            if value is None and not parameter.required:
                continue  # null means not given
            try:
                arguments[parameter.name] = parameter.codec.convert(value)
            except Invalid as error:
                error.path.append(parameter.wire)
                raise error.as_bad_params() from None
        return arguments

    def invoke(
        self,
        arguments: Mapping[str, Any],
        context: RequestContext,
        col: Optional[Collection] = None,
        undo_step: Optional[UndoStep] = None,
    ) -> Json:
        """Run the function where the caller stands, which must be the thread that the action runs on."""
        fill = {"col": col, "undo_step": undo_step, "context": context}
        return self.function(**{name: fill[what] for name, what in self.injected.items()}, **arguments)

    def params_schema(self) -> Schema:
        return {**properties_schema(self.parameters), "additionalProperties": False}

    def result_schema(self) -> Schema:
        return codec_for(self.result).schema()


def _missing(action: str, names: list[str]) -> str:
    """Python's own words for missing arguments, which clients look for."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) == 1:
        listed = quoted[0]
    elif len(quoted) == 2:
        listed = " and ".join(quoted)
    else:
        listed = ", ".join(quoted[:-1]) + f", and {quoted[-1]}"
    plural = "s" if len(names) > 1 else ""
    return f"AnkiConnect.{action}() missing {len(names)} required positional argument{plural}: {listed}"


registry: dict[str, Action] = {}


def read(name: str) -> Callable[[F], F]:
    """Declare an action without effect on collection, media, settings or files."""
    return _declare(name, Kind.READ)


def write(
    name: str,
    *,
    undo: str = "",
    prepare: Optional[Callable[..., None]] = None,
    preprocess: Optional[Preprocess] = None,
    touches_notes: Optional[str] = None,
) -> Callable[[F], F]:
    """Declare an action that may change something.

    `undo` names its entry in the Edit menu, the words of the wire name unless given. `prepare` is
    called with the same arguments on the HTTP thread first, for what takes long without needing the
    collection. `preprocess` puts the parameters that some clients send into the declared form.
    `touches_notes` is the parameter that holds the notes whose fields or tags change, by id, or `ANY_NOTE`:
    what a person has typed into these is saved first.
    """
    return _declare(
        name, Kind.WRITE, undo=undo, prepare=prepare, preprocess=preprocess, touches_notes=touches_notes
    )


def gui(name: str, *, runs_on: RunsOn = RunsOn.MAIN_THREAD) -> Callable[[F], F]:
    """Declare an action that drives or inspects Anki's windows.

    With `RunsOn.HTTP_THREAD` the function stays on the HTTP thread and hops to the window itself, so that
    it can wait for a person or for the network.
    """
    return _declare(name, Kind.GUI, runs_on=runs_on)


def _declare(
    name: str,
    kind: Kind,
    *,
    runs_on: Optional[RunsOn] = None,
    undo: str = "",
    prepare: Optional[Callable[..., None]] = None,
    preprocess: Optional[Preprocess] = None,
    touches_notes: Optional[str] = None,
) -> Callable[[F], F]:
    def register(function: F) -> F:
        hints = function.__annotations__
        injected = {parameter: _INJECTED[hint] for parameter, hint in hints.items() if hint in _INJECTED}
        if name in registry:
            raise ValueError(f"the action {name} is declared twice")
        registry[name] = Action(
            name=name,
            kind=kind,
            runs_on=runs_on or (RunsOn.COLLECTION if "col" in injected.values() else RunsOn.HTTP_THREAD),
            function=function,
            injected=injected,
            undo=undo or _words(name),
            prepare=prepare,
            preprocess=preprocess,
            touches_notes=touches_notes,
        )
        return function

    return register


def _words(name: str) -> str:
    """`addNotes` -> `add notes`"""
    return re.sub(r"(?<=[a-z])([A-Z])", r" \1", name).lower()
