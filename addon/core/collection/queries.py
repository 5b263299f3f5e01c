"""Looking things up: the query parameter, and one statement for many ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Optional, TypedDict

from anki.collection import Collection

from ..schema.codecs import Constraint, Invalid

_MAX_BRACKETS = 100
_NO_BRACKETS = re.compile(r'\\.|"(?:\\.|[^"\\])*"', re.DOTALL)  # escaped, or in quotes


class SearchDepth(Constraint):
    """Anki reads brackets by recursion, and its whole process dies when the stack is full."""

    def check(self, query: str) -> None:
        if query.count("(") <= _MAX_BRACKETS:
            return
        depth = 0
        for bracket in re.findall(r"[()]", _NO_BRACKETS.sub("", query)):
            depth = depth + 1 if bracket == "(" else max(0, depth - 1)
            if depth > _MAX_BRACKETS:
                raise Invalid(f"brackets should be nested {_MAX_BRACKETS} deep at most")


SearchText = Annotated[str, SearchDepth()]
Query = Annotated[
    Optional[SearchText], "search in Anki's syntax; an empty one finds everything, a missing one nothing"
]

# Ids are written into the SQL text, since SQLite limits the number of bound values; the length of a
# statement is limited too.
_IDS_PER_QUERY = 20_000


class Empty(TypedDict):
    """Stands for an unknown id."""


def id_lists(ids: Iterable[int]) -> Iterator[str]:
    """The distinct `ids` as comma-separated lists, each short enough for one statement."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), _IDS_PER_QUERY):
        yield ",".join(map(str, distinct[start : start + _IDS_PER_QUERY]))


def rows(col: Collection, statement: str, ids: Iterable[int]) -> Iterator[Sequence[Any]]:
    """The rows of `statement`, whose `{}` stands for a list of ids."""
    assert col.db
    for listed in id_lists(ids):
        yield from col.db.execute(statement.format(listed))
