"""The house keeps its shape: who may import whom, and generated files that are current."""

from __future__ import annotations

import ast
import graphlib
import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from addon.actions import Kind, registry
from addon.core.settings import Settings
from addon.settings_sources import load
from tools.docs import ARCHITECTURE, settings_files, with_table_of_actions

ADDON = Path(__file__).parent.parent / "addon"
MODULES = sorted(path.relative_to(ADDON) for path in ADDON.rglob("*.py"))
STANDARD = getattr(sys, "stdlib_module_names", None)  # from Python 3.10 on
ALLOWED = {"aqt", "orjson", "anki", "flask", "werkzeug", "requests"}


def run_time_nodes(module: Path) -> Iterator[ast.AST]:
    """The syntax tree of a module, without what is for the type checker only."""
    tree = ast.parse((ADDON / module).read_text("utf-8"))
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    return (node for node in ast.walk(tree) if id(node) not in skipped)


def imports(module: Path, *, at_run_time: bool = False) -> Iterator[tuple[int, str]]:
    """Level and name of each import; with `at_run_time`, without those for the type checker."""
    tree = ast.parse((ADDON / module).read_text("utf-8"))
    for node in run_time_nodes(module) if at_run_time else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.skipif(STANDARD is None, reason="Python 3.9 does not know its own modules")
@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_what_anki_ships_is_imported(module: Path) -> None:
    tops = {name.partition(".")[0] for level, name in imports(module, at_run_time=True) if not level}
    assert STANDARD is not None
    assert tops - STANDARD <= ALLOWED


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_package_imports_itself_relatively(module: Path) -> None:
    assert not [name for level, name in imports(module) if not level and name.startswith("addon")]


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] != "gui"], ids=str)
def test_only_gui_imports_aqt(module: Path) -> None:
    assert not [name for level, name in imports(module) if not level and name.startswith("aqt")]


@pytest.mark.parametrize(
    "module", sorted(Path(__file__).parent.glob("*.py")), ids=lambda path: str(path.name)
)
def test_the_process_of_the_tests_has_no_aqt(module: Path) -> None:
    """It changes how Python opens TLS connections, and the tests of the headless server run there."""
    assert not [name for level, name in imports(module) if not level and name.startswith("aqt")]


# What the modules of each folder may import from the package. The other modules stand above all folders.
MAY_IMPORT = {
    "core": {"core"},
    "http": {"http", "core"},
    "routes": {"routes", "core", "http", "actions"},
}


def name_of(module: Path) -> str:
    """`core.actions.decks` for that file, `core.actions` for the folder."""
    parts = module.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(module) for module in MODULES}


def imported_modules(module: Path) -> set[str]:
    """The modules of the package that one imports, wherever it does, but not those for the type checker."""
    folder = module.parts[:-1]
    found = set()
    for level, name, members in relative_imports(module):
        start = [*folder[: len(folder) - level + 1], *filter(None, [name])]
        found |= {".".join([*start, member]) for member in members} & NAMES or {".".join(start)}
    return found - {name_of(module)}


def relative_imports(module: Path) -> Iterator[tuple[int, str, list[str]]]:
    for node in run_time_nodes(module):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.level, node.module or "", [alias.name for alias in node.names]


@pytest.mark.parametrize("module", [m for m in MODULES if m.parts[0] in MAY_IMPORT], ids=str)
def test_dependencies_point_one_way(module: Path) -> None:
    folder = module.parts[0]
    assert {name.partition(".")[0] for name in imported_modules(module)} <= MAY_IMPORT[folder]
    if folder in ("core", "http"):
        assert not [name for _level, name in imports(module) if name.partition(".")[0] == "flask"]
    if folder == "core":
        assert not [name for _level, name in imports(module) if name.partition(".")[0] == "werkzeug"]


def test_the_table_of_actions_is_current() -> None:
    text = ARCHITECTURE.read_text("utf-8")
    assert text == with_table_of_actions(text), "make docs"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name_of(module): imported_modules(module) for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_actions_load_without_aqt_and_without_docstrings() -> None:
    program = (
        "import sys; sys.modules['aqt'] = None\n"
        "from addon.actions import registry\n"
        "assert registry['version'].function.__doc__ is None\n"
        "for action in registry.values(): action.params_schema(), action.result_schema(), action.bind\n"
    )
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program], cwd=ADDON.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", settings_files(), ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    assert path.read_text("utf-8") == settings_files()[path], "run `make docs`"


@pytest.mark.parametrize("action", registry.values(), ids=lambda action: action.name)
def test_every_action_has_a_summary_and_valid_schemas(action: typing.Any) -> None:
    assert action.summary.endswith((".", ":"))
    for schema in (action.params_schema(), action.result_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_reads_declare_no_edit() -> None:
    reading = [action for action in registry.values() if action.kind is Kind.READ]
    assert not [action.name for action in reading if "undo_step" in action.injected.values()]


def test_settings_come_from_the_configuration_and_the_environment() -> None:
    settings = load({"webBindPort": 1234, "unknown": 5}, {"ANKICONNECT_BIND_ADDRESS": "::1"})
    assert (settings.webBindPort, settings.webBindAddress) == (1234, "::1")
    assert load({"webBindPort": 1}, {"ANKICONNECT_BIND_PORT": "2"}).webBindPort == 2


def test_a_setting_of_the_wrong_type_is_named() -> None:
    with pytest.raises(ValueError, match="setting webBindPort: 'x' is not of type 'integer'"):
        load({"webBindPort": "x"}, {})


def test_the_key_is_not_shown() -> None:
    assert "abc" not in repr(Settings(apiKey="abc"))


def test_the_manifest_is_what_anki_reads() -> None:
    manifest = json.loads((ADDON / "manifest.json").read_text("utf-8"))
    assert manifest["package"] == "ankiconnect"
    assert all(part.isdigit() for part in manifest["human_version"].split("."))


def test_every_test_that_the_documents_name_exists() -> None:
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    text = (ADDON.parent / "docs" / "security.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) > 40
    assert sorted(named - defined) == []
