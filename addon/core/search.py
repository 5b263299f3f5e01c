"""Looking things up: the query parameter, and one statement for many ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Optional, TypedDict

from anki.collection import Collection

Query = Annotated[
    Optional[str], "search in Anki's syntax; an empty one finds everything, a missing one nothing"
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
