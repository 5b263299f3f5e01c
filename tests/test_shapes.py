"""What is read from type hints, beyond what each action shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Optional

import pytest

from addon.actions import registry
from addon.core.schema.codecs import Alias, Constraint, ErrorText, Invalid, Range, codec_for, property_of
from addon.routes.openapi import document

Inner = Annotated[int, Alias("innerName"), ErrorText("inner"), Range(0, 10), "inner"]


@dataclass(frozen=True)
class Even(Constraint):
    def check(self, value: int) -> None:
        if value % 2:
            raise Invalid("odd")


def test_what_stands_outside_counts() -> None:
    member = property_of("name", Annotated[Inner, Alias("outerName"), ErrorText("outer"), "outer"])
    assert (member.wire, member.description) == ("outerName", "outer")
    assert member.schema()["description"] == member.codec.schema()["description"] == "outer"
    with pytest.raises(Invalid, match="^outer$"):
        member.codec.convert("x")
    assert property_of("name", Annotated[Inner, Even()]).wire == "innerName"


@pytest.mark.parametrize("hint", [Annotated[Inner, Even()], Annotated[Optional[Inner], Even()]])
def test_all_limits_count(hint: Any) -> None:
    shape = codec_for(hint)
    assert shape.convert(4) == 4
    for wrong, told in ((12, "12 is not from 0 to 10"), (5, "odd")):
        with pytest.raises(Invalid, match=told):
            shape.convert(wrong)
    with pytest.raises(Invalid, match="odd"):
        codec_for(list[hint]).convert([2, 5])


@pytest.mark.parametrize(
    ("action", "parameter", "description"),
    [
        ("guiSelectNote", "note", "a card id, despite the name"),
        ("cloneDeckConfigId", "cloneFrom", "preset to copy"),
        ("cardsInfo", "fields", "further members wanted, such as prop:r"),
    ],
)
def test_a_parameter_is_described_by_its_own_action(action: str, parameter: str, description: str) -> None:
    (member,) = (member for member in registry[action].parameters if member.wire == parameter)
    assert member.schema()["description"] == description
    params = document()["components"]["schemas"][f"{action}Params"]
    assert params["properties"][parameter]["description"] == description
