"""The contract's examples, run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from addon.actions import Kind, registry
from tools.examples import HOME, Example, examples

from .compare import comparable
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


def reply_of(server: Server, example: Example, home: Path) -> Any:
    """The reply, comparable with that of the other host."""
    home.mkdir()
    media = server.look("col.media.dir()")
    profile = server.send("GET", "/getActiveProfile").json["result"]
    reply = run_example(server, example.with_text(HOME, str(home)))
    assert reply["error"] is None
    assert fits(example.result, reply["result"], shape_only=example.shape_only), reply["result"]
    folder = str(Path(media).parent)
    return comparable(reply, {media: "media", folder: "folder", profile: "profile", str(home): HOME})


def needs_window(example: Example) -> bool:
    return registry[example.action].kind is Kind.GUI and example.action != "requestPermission"


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not needs_window(e)], ids=str)
def test_an_example_holds_in_anki_and_headless_with_the_same_reply(
    headless: HeadlessServer, anki: LiveServer, example: Example, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    without_window = reply_of(headless, example, home)
    shutil.rmtree(home)
    assert reply_of(anki, example, home) == without_window


@pytest.mark.parametrize("example", [e for e in EXAMPLES if needs_window(e)], ids=str)
def test_an_example_of_the_window_holds_in_anki(anki: LiveServer, example: Example, tmp_path: Path) -> None:
    reply_of(anki, example, tmp_path / "home")


def test_every_action_that_needs_no_window_has_an_example() -> None:
    needing_none = {name for name, action in registry.items() if action.kind is not Kind.GUI}
    assert needing_none <= {example.action for example in examples()}
