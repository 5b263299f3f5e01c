"""Every action is declared as the contract says: names, order, defaults and kinds of its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from addon.actions import Action, registry

CONTRACT = yaml.safe_load(
    (Path(__file__).parent / "contract" / "actions.yaml").read_text("utf-8").partition("\n---\n")[2]
)
ENTRIES: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in CONTRACT["actions"]}

# Where a better reading than the contract's own was chosen, and why.
OTHER_DEFAULTS = {
    ("cloneDeckConfigId", "cloneFrom"): "the contract's default is the string 1, which is read as the id 1",
}


def described(action: Action) -> list[tuple[str, bool]]:
    return [(parameter.wire, parameter.required) for parameter in action.parameters]


@pytest.mark.parametrize("name", registry)
def test_every_action_is_in_the_contract(name: str) -> None:
    assert name in ENTRIES


@pytest.mark.parametrize("name", registry)
def test_parameters_have_the_contracts_names_and_order(name: str) -> None:
    # What only forks or we accept comes after the contract's own parameters.
    wanted = [(param["name"], param["required"]) for param in ENTRIES[name]["params"]]
    assert described(registry[name])[: len(wanted)] == wanted
    assert not any(required for _, required in described(registry[name])[len(wanted) :])


@pytest.mark.parametrize("name", registry)
def test_parameters_have_the_contracts_defaults(name: str) -> None:
    declared = {parameter.wire: parameter for parameter in registry[name].parameters}
    for param in ENTRIES[name]["params"]:
        if "default" in param and (name, param["name"]) not in OTHER_DEFAULTS:
            assert declared[param["name"]].default == param["default"]


@pytest.mark.parametrize("name", registry)
def test_kinds_are_the_contracts(name: str) -> None:
    assert registry[name].kind.value == ENTRIES[name]["kind"]


def test_retired_actions_are_unsupported() -> None:
    assert not {entry["name"] for entry in CONTRACT["retired_actions"]} & set(registry)
