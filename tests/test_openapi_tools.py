"""Tools that people use read `/openapi.json` without a warning, and what they make of it works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from addon.routes.openapi import document

from .conftest import Wired, skip_or_fail
from .node import run, version

_OFFLINE = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
# As a user of the generated client writes it; mypy reads it too.
_PROGRAM = """
import sys
from generated import Client
from generated.api.default import call
from generated.api.read import find_cards, read_version
from generated.models import FindCardsParams, FindCardsParamsFieldsType0Item, VersionMessage
from generated.models.find_cards_response_200 import FindCardsResponse200
from generated.models.read_version_response_200 import ReadVersionResponse200

DUE = FindCardsParamsFieldsType0Item.DUE
with Client(sys.argv[1]) as client:
    reply = read_version.sync(client=client)
    assert isinstance(reply, ReadVersionResponse200), reply
    assert reply.result == 6, reply
    found = find_cards.sync(client=client, body=FindCardsParams(query="", fields=[DUE]))
    assert isinstance(found, FindCardsResponse200), found
    details = found.result[0]
    assert not isinstance(details, int), details
    print(details.due)
    any_reply = call.sync_detailed(client=client, body=VersionMessage(action="version", version=6))
    assert any_reply.content == b'{"result":6,"error":null}', any_reply
"""


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    path.write_text(json.dumps(document()), "utf-8")
    return path


@pytest.mark.usefixtures("node")
def test_redocly_has_no_warning(description: Path) -> None:
    if version() < (20, 19):
        skip_or_fail("Redocly needs Node.js 20.19")
    cli = "node_modules/@redocly/cli/bin/cli.js"
    printed = run("node", cli, "lint", "--format=json", str(description), **_OFFLINE)
    found = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
    assert found["problems"] == []
    assert found["totals"]["errors"] == found["totals"]["warnings"] == 0


@pytest.mark.usefixtures("node")
def test_openapi_typescript_makes_types_that_tsc_takes(description: Path, tmp_path: Path) -> None:
    types = tmp_path / "api.ts"
    printed = run("node", "node_modules/openapi-typescript/bin/cli.js", str(description), "-o", str(types))
    assert "warn" not in printed.lower()
    (tmp_path / "use.ts").write_text(
        'import type { components, paths } from "./api";\n'
        'type Body = paths["/"]["post"]["requestBody"]["content"]["application/json"];\n'
        'export const good: Body = { action: "createDeck", params: { deck: "X" } };\n'
        "// @ts-expect-error: a deck is a name\n"
        'export const bad: Body = { action: "createDeck", params: { deck: 5 } };\n'
        'export const note: components["schemas"]["findCardsParams"] = { query: "" };\n'
    )
    options = {"strict": True, "noEmit": True, "target": "es2022", "types": []}
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    run("node", "node_modules/typescript/bin/tsc", "--project", str(tmp_path))


@pytest.mark.skipif(sys.version_info < (3, 10), reason="openapi-python-client needs Python 3.10")
def test_openapi_python_client_makes_a_client_that_mypy_takes(
    description: Path, tmp_path: Path, wired: Wired
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("post_hooks: []\n")
    _python(
        tmp_path,
        *("-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
        *("--path", str(description), "--output-path", "generated", "--config", str(config)),
    )
    (tmp_path / "program.py").write_text(_PROGRAM)
    # The generator casts by habit, also where a type is known.
    strict = ("--strict", "--disable-error-code=redundant-cast")
    _python(tmp_path, "-m", "mypy", *strict, "program.py", "generated")
    wired.send("POST", "/addNote", {"note": _NOTE})
    assert _python(tmp_path, "program.py", f"http://127.0.0.1:{wired.port}") == "1\n"


_NOTE = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "x"}}


def _python(folder: Path, *arguments: str) -> str:
    """What a Python program prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
