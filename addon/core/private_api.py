"""Pieces of Anki that are not made for add-ons. Its next version can rename them or do without.

A module that uses such a piece imports it where it uses it, and declares it:

    private("aqt.reviewer", "Reviewer._showAnswer", "guiShowAnswer")

So a missing piece costs these actions and nothing else, and the log tells so when the server starts.
"""

from __future__ import annotations

import dis
import importlib
import inspect
import logging
import re
from dataclasses import dataclass
from typing import Any, Optional

log = logging.getLogger("ankiconnect")

_IMPORT = re.compile(r"cannot import name '(\w+)' from '((?:anki|aqt)\b[\w.]*)'")
_MODULE = re.compile(r"No module named '((?:anki|aqt)\b[\w.]*)'")
_ATTRIBUTE = re.compile(r"has no attribute '(\w+)'")


@dataclass(frozen=True)
class Piece:
    module: str
    name: str  # with its class, if it is a member of one
    actions: tuple[str, ...]
    otherwise: str  # what is lost beyond these actions

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def own_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def costs(self) -> str:
        """What does not work without it."""
        failing = f"no {', '.join(self.actions)}" if self.actions else ""
        return "; ".join(filter(None, (failing, self.otherwise)))

    def is_there(self) -> bool:
        try:
            owner: Any = importlib.import_module(self.module)
        except ImportError:
            return False
        *classes, own_name = self.name.split(".")
        for name in classes:
            owner = getattr(owner, name, None)
        return hasattr(owner, own_name) or own_name in _set_by_init(owner)


pieces: list[Piece] = []


def private(module: str, names: str, actions: str = "", *, otherwise: str = "") -> None:
    """Declare pieces of a module of Anki, with spaces between their names.

    `actions`, written likewise, fail without any of them; `otherwise` tells what else that costs.
    """
    pieces.extend(Piece(module, name, tuple(actions.split()), otherwise) for name in names.split())


def report_missing(*packages: str) -> None:
    """Log which declared pieces of these packages are missing, and what that costs."""
    for piece in pieces:
        if piece.module.partition(".")[0] in packages and not piece.is_there():
            log.warning("this Anki lacks %s: %s", piece, piece.costs)


def missing_in(error: BaseException) -> Optional[str]:
    """The piece of Anki that `error` is about, if it tells of a missing one."""
    text = str(error)
    if isinstance(error, ImportError):
        name, module = _IMPORT.search(text), _MODULE.search(text)
        return f"{name[2]}.{name[1]}" if name else module and module[1]
    attribute = _ATTRIBUTE.search(text) if isinstance(error, AttributeError) else None
    known = [piece for piece in pieces if attribute and piece.own_name == attribute[1]]
    return str(known[0]) if known else None


def _set_by_init(owner: Any) -> set[str]:
    """The attributes that instances of a class get when they are made."""
    made = getattr(owner, "__init__", None)
    instructions = dis.get_instructions(made) if inspect.isfunction(made) else ()
    return {step.argval for step in instructions if step.opname == "STORE_ATTR"}
