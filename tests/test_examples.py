"""The contract's examples, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from addon.actions import Kind, registry
from tools.examples import HOME, Example, examples

from .conftest import HeadlessServer, LiveServer, Server, run_example

EXAMPLES = [example for example in examples() if example.action in registry and not example.elsewhere]


@pytest.fixture(scope="session")
def template(example_collection: Path) -> Path:
    return example_collection


def fits(example: Any, result: Any, *, shape_only: bool) -> bool:
    """Whether a result is that of the example; ids and times need only be ids and times."""
    if type(example) is not type(result):
        return False
    if isinstance(example, dict):
        if shape_only and all(name.isdigit() for name in example):
            return True
        wanted = example.keys() - {"..."}
        return (wanted <= result.keys() if shape_only else wanted == result.keys()) and all(
            fits(example[name], result[name], shape_only=shape_only) for name in wanted
        )
    if isinstance(example, list):
        return (shape_only or len(result) == len(example)) and all(
            fits(a, b, shape_only=shape_only) for a, b in zip(example, result)
        )
    if isinstance(example, int) and example >= 1_600_000_000:
        return bool(result >= 1_600_000_000)
    return shape_only or bool(example == result)


def check(server: Server, example: Example, home: Path) -> None:
    reply = run_example(server, example.with_text(HOME, str(home)))
    assert reply["error"] is None
    assert fits(example.result, reply["result"], shape_only=example.shape_only), reply["result"]


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if registry[e.action].kind is not Kind.GUI], ids=str
)
def test_an_example_holds_headless(headless: HeadlessServer, example: Example, tmp_path: Path) -> None:
    check(headless, example, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_holds_in_anki(anki: LiveServer, example: Example, tmp_path: Path) -> None:
    check(anki, example, tmp_path)
