"""Pieces of Anki that its next version may lack: the server starts, and only what needs them fails."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import addon.core.headless  # noqa: F401  declares pieces
from addon.core.private_api import Piece, pieces

from .conftest import LiveServer, Start, basic
from .live import LiveAnki
from .program import Program
from .windows import ADD, BROWSER

ADDON = Path(__file__).parent.parent / "addon"

# Takes a member of a module or class of Anki away, for good.
REMOVE = """
import importlib
def remove(module, name):
    owner = importlib.import_module(module)
    *classes, own_name = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    owners = [o for o in getattr(owner, "__mro__", [owner]) if own_name in vars(o)]
    delattr(owners[0], own_name)
"""
SERVE = REMOVE + "import sys, anki.collection\n%s\nfrom addon.__main__ import main\nsys.exit(main())"

# What needs each piece. CARD and CONFIG stand for a card and a preset.
HEADLESS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "anki._backend.RustBackend.get_scheduling_states": [("cardsInfo", {"cards": ["CARD"]})],
    "anki.collection.DeckIdLimit": [("exportPackage", {"deck": "Default", "path": "o.apkg"})],
    "anki.collection.ImportAnkiPackageRequest": [("importPackage", {"path": "o.apkg"})],
    "anki.deck_config_pb2.DeckConfig": [("cloneDeckConfigId", {"name": "new"})],
    "anki.deck_config_pb2.UpdateDeckConfigsRequest": [
        ("cloneDeckConfigId", {"name": "new"}),
        ("saveDeckConfig", {"config": "CONFIG"}),
    ],
}
# Other add-ons, and Anki itself, may use these; they have never been ours.
NEVER_NEEDED = ["anki.scheduler.dummy.DummyScheduler", "anki.sync_pb2.SyncCollectionResponse"]


def known(name: str) -> Piece:
    return next(piece for piece in pieces if str(piece) == name)


def starting_without(name: str, start: Start, *arguments: object) -> Program:
    """The program, in an Anki without a piece."""
    module = (
        next(piece.module for piece in pieces if str(piece) == name) if name not in NEVER_NEEDED else ""
    )
    module = module or name.rpartition(".")[0]
    code = SERVE % f"remove({module!r}, {name[len(module) + 1 :]!r})"
    return start(*arguments, command=[sys.executable, "-c", code])


@pytest.mark.parametrize("name", HEADLESS)
def test_the_program_serves_without_a_piece_and_only_what_needs_it_fails(
    name: str, start: Start, collection_path: Path
) -> None:
    program = starting_without(name, start, "--collection", collection_path)
    program.wait_until_it_serves()
    assert program.process.stderr
    assert f"this Anki lacks {name}: {known(name).costs}" in program.process.stderr.readline()
    program.ask("addNote", note=basic("neko"))
    (card,) = program.ask("findCards", query="")
    preset = program.ask("getDeckConfig", deck="Default")
    for action, params in HEADLESS[name]:
        text = json.dumps(params).replace('"CARD"', str(card)).replace('"CONFIG"', json.dumps(preset))
        reply = program.ask(action, **json.loads(text))
        assert reply == {"result": None, "error": f"this Anki lacks {name}"}
    assert program.ask("cardsInfo", cards=[card], include=["cardId"]) == [{"cardId": card}]


@pytest.mark.parametrize("name", NEVER_NEEDED)
def test_what_is_not_needed_is_not_missed(name: str, start: Start, collection_path: Path) -> None:
    program = starting_without(name, start, "--collection", collection_path)
    program.wait_until_it_serves()
    program.ask("addNote", note=basic("neko"))
    (card,) = program.ask("findCards", query="")
    assert len(program.ask("cardsInfo", cards=[card])[0]["nextReviews"]) == 4
    assert "lacks" not in program.stop()[2]


def test_media_do_not_go_where_nobody_asked_for(
    start: Start, collection_path: Path, tmp_path: Path
) -> None:
    """As they would if Anki kept the name of the folder elsewhere."""
    patch = "import anki.media; anki.media.MediaManager.dir = lambda self: 'elsewhere'"
    command = [sys.executable, "-c", SERVE % patch]
    media = "--media-folder", tmp_path / "media"
    code, _, told = start("--collection", collection_path, *media, command=command).end()
    assert (code, "error: this Anki lacks anki.media.MediaManager._dir" in told) == (2, True)
    start("--collection", collection_path, command=command).wait_until_it_serves()


def declared() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Module, name and actions of each piece that is declared for use inside Anki, by both names."""
    found = {}
    for path in sorted(ADDON.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "private"
                and path.stem != "headless"
            ):
                module, names, *actions = map(ast.literal_eval, node.args)
                for name in names.split():
                    found[f"{module}.{name}"] = module, name, tuple(" ".join(actions).split())
    return found


DECLARED = declared()
# Where these are kept: they are no members of a class.
INSTANCES = {
    "_model": f"{BROWSER}.table",
    "_state": f"{BROWSER}.table",
    "_v3": "mw.reviewer",
    "_refresh_needed": "mw.reviewer",
    "_last_added_note": ADD,
}
# Without these Anki itself neither opens a profile nor closes it.
NEEDED_TO_START = ("Editor", "_dialogs", "_load_scheduler", "_clear_cache", "loadProfile", "unloadProfile")
# Looked up when the edit window is opened for the first time.
OF_EDIT_WINDOW = ("aqt.editor.Editor", "aqt.editor.EditorMode", "aqt.browser.previewer.MultiCardPreviewer")
EXECUTOR = "aqt.taskman.TaskManager._collection_executor"

WITH_NOTE = {"note": basic("inu")}
ORDERED = {"query": "", "reorderCards": {"columnId": "cardDue", "order": "ascending"}}
# What needs a piece beside the actions that are declared to.
BESIDE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "anki._backend.RustBackend.get_scheduling_states": [("cardsInfo", {"cards": ["CARD"]})],
    "aqt.DialogManager._dialogs": [("guiBrowse", {"activate": False}), ("guiAddCards", WITH_NOTE)],
    "aqt.browser.table.table.Table._state": [("guiBrowse", ORDERED)],
    "aqt.browser.table.table.Table._set_sort_indicator": [("guiBrowse", ORDERED)],
    "aqt.import_export.importing.prompt_for_file_then_import": [("guiImportFile", {})],
    "aqt.import_export.importing.import_file": [("guiImportFile", {"path": "FILE"})],
    "aqt.import_export.importing.IMPORTERS": [("guiImportFile", {"path": "FILE"})],
}
# The parameters of declared actions. Those without are asked for above or below, or take a sync server
# (fullSync) or an answer (upgrade).
PARAMS: dict[str, dict[str, Any]] = {
    "guiCurrentCard": {},
    "guiAnswerCard": {"ease": 3},
    "guiShowQuestion": {},
    "guiShowAnswer": {},
    "guiSelectCard": {"card": "CARD"},
    "guiSelectNote": {"note": "CARD"},
    "guiSelectedNotes": {},
    "guiAddNoteSetData": {"note": {"fields": {"Front": "inu"}}},
    "guiCheckDatabase": {},
    "loadProfile": {"name": "Other"},
    "storeMediaFile": {"filename": "a", "data": "YQ=="},
    "exportPackage": {"deck": "Default", "path": "o.apkg"},
    "importPackage": {"path": "o.apkg"},
    "cloneDeckConfigId": {"name": "new"},
}


def invoke(server: LiveServer, action: str, params: Any = None) -> Any:
    return server.live.anki.invoke(action, **(params or {}))


def needing(name: str, card: int, file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    actions = [(action, PARAMS[action]) for action in DECLARED[name][2] if action in PARAMS]
    for action, params in (*actions, *BESIDE.get(name, ())):
        text = json.dumps(params).replace('"CARD"', str(card)).replace("FILE", str(file))
        yield action, json.loads(text)


# What is to be open where these names are part of a piece.
OPEN: list[tuple[str, str, dict[str, Any]]] = [
    ("reviewer scheduling_states", "guiDeckReview", {"name": "Default"}),
    ("reviewer", "guiShowAnswer", {}),
    ("browser.table _dialogs", "guiBrowse", {"query": ""}),
    ("addcards _dialogs", "guiAddCards", {}),
]


@pytest.fixture
def busy(anki: LiveServer, name: str) -> Iterator[LiveServer]:
    """A card, and what the piece is for: a review whose answer shows, an open Browse or Add window."""
    invoke(anki, "addNote", {"note": basic("neko")})
    for parts, action, params in OPEN:
        if any(part in name for part in parts.split()):
            assert invoke(anki, action, params)["error"] is None
    anki.live.run("'Other' in mw.pm.profiles() or mw.pm.create('Other')")
    yield anki
    anki.live.run("owner, name, piece = mw.removed; setattr(owner, name, piece)")


AWAY = """
import importlib
owner = importlib.import_module({module!r})
*classes, own_name = {name!r}.split(".")
for part in classes:
    owner = getattr(owner, part)
owners = [o for o in getattr(owner, "__mro__", [owner]) if own_name in vars(o)]
owner = owners[0] if owners else {instance}
mw.removed = owner, own_name, vars(owner)[own_name]
delattr(owner, own_name)
"""


@pytest.mark.parametrize("name", sorted({*DECLARED} - {*OF_EDIT_WINDOW, EXECUTOR}))
def test_anki_serves_without_a_piece_and_only_what_needs_it_fails(
    name: str, busy: LiveServer, tmp_path: Path
) -> None:
    module, own_name, _ = DECLARED[name]
    (card,) = invoke(busy, "findCards", {"query": ""})["result"]
    file = tmp_path / "cards.csv"
    file.write_text("a,b")
    instance = INSTANCES.get(own_name.rpartition(".")[2], "None")
    busy.live.run(AWAY.format(module=module, name=own_name, instance=instance))
    for action, params in needing(name, card, file):
        assert invoke(busy, action, params) == {"result": None, "error": f"this Anki lacks {name}"}, action
    if instance != "None":
        return  # what follows would meet Anki's own need of it
    assert invoke(busy, "addNote", {"note": basic("tori")})["error"] is None
    assert invoke(busy, "guiDeckOverview", {"name": "Default"})["result"] is True


def test_anki_serves_without_its_private_executor(anki: LiveServer) -> None:
    anki.live.run(
        "executor = mw.taskman._collection_executor\n"
        "mw.removed = mw.taskman, '_collection_executor', executor\n"
        "del mw.taskman._collection_executor\n"
        "mw.taskman.run_in_background = lambda task, *_, **__: executor.submit(task)"
    )
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]
    assert anki.send("GET", "/findNotes?query=").json["result"] == []
    anki.live.run("setattr(*mw.removed); del mw.taskman.run_in_background")


def test_anki_starts_without_any_of_them_and_the_log_tells_what_that_costs(own_anki: LiveAnki) -> None:
    gone = {
        name: (module, own_name)
        for name, (module, own_name, _) in DECLARED.items()
        if own_name.rpartition(".")[2] not in (*NEEDED_TO_START, *INSTANCES, "_collection_executor")
    }
    remover = own_anki.addon.parent / "0remover"  # Anki loads add-ons by their names
    remover.mkdir()
    # From the last one on: members before their classes.
    removals = [f"remove({module!r}, {name!r})" for module, name in sorted(gone.values(), reverse=True)]
    (remover / "__init__.py").write_text(REMOVE + "\n".join(removals))
    own_anki.start()
    own_anki.anki.wait_until_ready()
    log = own_anki.log()
    assert [name for name in gone if f"this Anki lacks {name}: " not in log] == []
    note = own_anki.anki.invoke("addNote", note=basic("neko"))["result"]
    refused = own_anki.anki.invoke("guiEditNote", note=note)["error"]
    assert refused in [f"this Anki lacks {name}" for name in OF_EDIT_WINDOW]
    assert own_anki.anki.invoke("findNotes", query="")["result"] == [note]


@pytest.mark.parametrize("name", OF_EDIT_WINDOW)
def test_without_a_piece_of_the_edit_window_nothing_else_fails(name: str, anki: LiveServer) -> None:
    note = invoke(anki, "addNote", {"note": basic("neko")})["result"]
    module, own_name, actions = DECLARED[name]
    assert actions == ("guiEditNote",)
    window = f"{anki.live.addon.name}.gui.edit_window"
    anki.live.run(f"import sys; mw.window_module = sys.modules.pop({window!r}, None)")
    anki.live.run(AWAY.format(module=module, name=own_name, instance="None"))
    try:
        assert invoke(anki, "guiEditNote", {"note": note})["error"] == f"this Anki lacks {name}"
        assert invoke(anki, "findNotes", {"query": ""})["result"] == [note]
    finally:
        anki.live.run("setattr(*mw.removed)")
        anki.live.run(f"import sys\nif mw.window_module: sys.modules[{window!r}] = mw.window_module")


def test_every_private_piece_that_is_used_is_declared() -> None:
    """Members of Anki's with an underscore. `self`, `super` and our own classes are not Anki's."""
    allowed = {"_exit", "_backend", "_fields", "_history", "_new_conn", "_on_operation", "_macos_helper"}
    names = {name.rpartition(".")[2] for name in DECLARED} | {"_dir"}
    undeclared = {
        (path.name, node.attr)
        for path in ADDON.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and ast.unparse(node.value) not in ("self", "cls")
        and node.attr not in allowed | names
    }
    assert undeclared == set()


def test_every_declared_piece_is_used() -> None:
    text = "\n".join(path.read_text("utf-8") for path in ADDON.rglob("*.py"))
    unused = [name for name in DECLARED if len(re.findall(rf"\b{name.rpartition('.')[2]}\b", text)) < 2]
    assert unused == []


@pytest.mark.parametrize("path", sorted(ADDON.rglob("*.py")), ids=lambda path: path.stem)
def test_no_private_module_of_anki_is_imported_when_ours_load(path: Path) -> None:
    if path == ADDON / "core" / "media" / "folder.py":  # loaded when it is needed
        return
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert not re.search(r"^(anki|aqt)\b.*(\._|_pb2)", node.module or "")
