"""docs/api.md follows from the declarations, and its replies from the examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from anki import buildinfo

from addon.actions import Action, registry
from tools.docs import REFERENCE
from tools.record import record
from tools.reference import reference

from .live import LiveAnki

TEXT = REFERENCE.read_text("utf-8")


def test_the_reference_is_current(live_anki: LiveAnki) -> None:
    pinned = re.search(r"aqt.*==(\S+)", Path("requirements.txt").read_text("utf-8"))
    assert pinned
    if [int(part) for part in buildinfo.version.split(".")] != [int(p) for p in pinned[1].split(".")]:
        pytest.skip("the replies are those of the Anki that requirements.txt names")
    assert reference(record(live_anki)) == TEXT, "run `make docs`"


@pytest.mark.parametrize("action", registry.values(), ids=lambda action: action.name)
def test_every_action_is_told_with_its_parameters(action: Action) -> None:
    section = TEXT.split(f"\n### {action.name}\n")[1].split("\n### ")[0]
    assert action.summary in section
    for parameter in action.parameters:
        assert f"- `{parameter.wire}` " in section
