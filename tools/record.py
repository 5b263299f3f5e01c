"""Runs the contract's examples and errors, for the reference."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Optional, Union

from addon.actions import Kind, registry
from tests.conftest import HeadlessServer, LiveServer, Server, run_example
from tests.live import LiveAnki

from .examples import HOME, Example, error_examples, examples, make_collection
from .reference import Recording

_COMMON = [
    Example("deckNamez", "an action that does not exist", {}, None, []),
    Example("deckNameFromId", "a parameter that is missing", {}, None, []),
    Example("deckNames", "a parameter that does not exist", {"deck": "x"}, None, []),
    Example("cardsInfo", "a value of the wrong type", {"cards": [1, "x"]}, None, []),
    Example("addNote", "a member that is missing", {"note": {"fields": {}}}, None, []),
]
# Moments later than this are those of the run; in the reference they would change each time.
_RUN = 1_750_000_000
_MAX_TEXT = 300


def record(anki: LiveAnki) -> Recording:
    """Run everything headless, but what needs windows in `anki`."""
    with _in_utc():
        return _record(anki)


def _record(anki: LiveAnki) -> Recording:
    replies: dict[str, tuple[Example, Any]] = {}
    errors: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.anki2"
        make_collection(template)
        for example in examples():
            action = registry.get(example.action)
            if action is None or example.elsewhere or example.action in replies:
                continue
            with _server(anki if action.kind is Kind.GUI else None, template) as (server, home):
                reply = run_example(server, example.with_text(HOME, str(home)))
                replies[example.action] = (example, _lasting(reply, home))
        cases = [
            case for case in error_examples() if case.action in registry and "{web}" not in str(case.params)
        ]
        # What is refused changes nothing, so that those that need the same before can share a collection.
        for (needs_window, _before), group in itertools.groupby(sorted(cases, key=_needs), _needs):
            with _server(anki if needs_window else None, template) as (server, home):
                for number, case in enumerate(group):
                    alone = case if number == 0 else dataclasses.replace(case, before=[])
                    error = run_example(server, alone)["error"]
                    errors.setdefault(case.action, []).append(_lasting(error, home))
        with _server(None, template) as (server, _home):
            common = [(case.name, run_example(server, case)["error"]) for case in _COMMON]
    return Recording(replies, errors, common)


def _needs(case: Example) -> tuple[bool, str]:
    return registry[case.action].kind is Kind.GUI, str(case.before)


@contextmanager
def _in_utc() -> Iterator[None]:
    """Some replies hold dates."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    del os.environ["TZ"]
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@contextmanager
def _server(anki: Optional[LiveAnki], template: Path) -> Iterator[tuple[Server, Path]]:
    """A server with a fresh collection, and a folder for files."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if anki is not None:
            anki.reset(template)
            server: Union[LiveServer, HeadlessServer] = LiveServer(anki)
        else:
            server = HeadlessServer(Path(shutil.copy(template, home / "collection.anki2")))
        with closing(server):
            yield server, home


def _lasting(value: Any, home: Path) -> Any:
    """A reply without what changes from run to run, shortened where it is long."""
    if isinstance(value, dict):
        return {name: _lasting(member, home) for name, member in value.items()}
    if isinstance(value, list):
        return [_lasting(element, home) for element in value]
    if isinstance(value, str):
        # Anki puts random letters behind the names of temporary files and of refused note types.
        text = re.sub(r"(?<=/\.tmp)\w+|(?<=')(\w+)-[0-9a-f]{5}(?=')", r"\1", value.replace(str(home), HOME))
        text = re.sub(r"(?<=/backup-)[-\d.]+(?=\.colpkg)", "2026-01-31-12.00.00", text)
        return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"
    if type(value) is not int or abs(value) < _RUN:
        return value
    if abs(value) > 1000 * _RUN * 10:
        return 1234567890123456789  # a random id
    return 1700000000999 if value > 1000 * _RUN else (1700000099 if value < 10 * _RUN else value)
