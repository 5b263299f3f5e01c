"""`/openapi.json`: valid, complete, and true of a running server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits

from addon.actions import Kind, registry
from addon.core.version import PROGRAM_VERSION
from addon.routes.openapi import document
from tools.headless import ROOT, Headless

from .conftest import Server

DOCUMENT = document()
OLD_JSONSCHEMA = "these tools need a newer jsonschema than Anki 23.10 ships"
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def test_each_parameter_has_a_type() -> None:
    untyped = {
        f"{action.name}.{parameter.wire}"
        for action in registry.values()
        for parameter in action.parameters
        if parameter.schema().keys().isdisjoint({"type", "anyOf", "enum", "const"})
    }
    # Lists of whatever; what else comes is answered with false.
    assert untyped == {"setSpecificValueOfCard.keys", "setSpecificValueOfCard.newValues"}


@pytest.mark.skipif(sys.version_info < (3, 10), reason=OLD_JSONSCHEMA)
def test_it_is_valid_openapi() -> None:
    from openapi_spec_validator import validate

    validate(DOCUMENT)


def test_every_action_is_in_it_with_the_methods_that_it_takes() -> None:
    for action in registry.values():
        operations = DOCUMENT["paths"][f"/{action.name}"]
        assert set(operations) == ({"get", "post"} if action.kind is Kind.READ else {"post"})
        assert operations["post"]["summary"] == action.summary
        assert ("501" in operations["post"]["responses"]) == (action.kind is Kind.GUI)


def test_generators_have_a_name_of_its_own_for_each_operation() -> None:
    ids = [DOCUMENT["paths"][path][method]["operationId"] for path, method in OPERATIONS]
    assert len({operation_id.replace("_", "").lower() for operation_id in ids}) == len(ids)


def test_it_tells_version_and_license_of_the_program() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    license = DOCUMENT["info"]["license"]
    assert DOCUMENT["info"]["version"] == PROGRAM_VERSION
    assert license["name"] == license["identifier"]
    assert f'license = {{ text = "{license["identifier"]}" }}' in project


def test_action_json_is_described_action_by_action() -> None:
    body = DOCUMENT["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    mapping = body["discriminator"]["mapping"]
    assert [schema["$ref"] for schema in body["oneOf"]] == list(mapping.values())
    assert set(mapping) == set(registry)
    schemas = {
        f"#/components/schemas/{name}": schema for name, schema in DOCUMENT["components"]["schemas"].items()
    }
    for name, action in registry.items():
        message = schemas[mapping[name]]
        assert message["properties"]["action"] == {"const": name}
        assert schemas[message["properties"]["params"]["$ref"]] == action.params_schema()
        assert ("params" in message["required"]) == ("required" in action.params_schema())


def test_the_server_serves_it(server: Server) -> None:
    reply = server.send("GET", "/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == DOCUMENT


def test_foreign_pages_do_not_get_it(server: Server) -> None:
    assert server.send("GET", "/openapi.json", Origin="https://example.com").status == 403


def test_it_can_be_made_without_docstrings() -> None:
    program = (
        "from addon import actions\n"
        "from addon.routes.openapi import document\n"
        "print(document()['paths']['/deckNames']['get']['summary'])\n"
    )
    done = subprocess.run([sys.executable, "-OO", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("deckNames\n", "")


@pytest.fixture(scope="module")
def process(example_collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headless]:
    path = tmp_path_factory.mktemp("openapi") / "collection.anki2"
    server = Headless(Path(shutil.copy(example_collection, path)))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def description(process: Headless) -> Any:
    """What Schemathesis reads from the running server."""
    if sys.version_info < (3, 10):
        pytest.skip(OLD_JSONSCHEMA)
    import schemathesis

    return schemathesis.openapi.from_url(f"{process.url}/openapi.json")


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_replies_are_as_described(description: Any, process: Headless, path: str, method: str) -> None:
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi import checks as described

    # Not checked: that what the description does not allow is refused, since clients are read generously
    # (digits for ids, null for what is not given, unknown members of objects).
    wanted = [
        described.status_code_conformance,
        described.content_type_conformance,
        described.response_headers_conformance,
        described.response_schema_conformance,
    ]
    operation = description[path][method.upper()]
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @limits(max_examples=12)
    @given(good | bad)
    def check(case: Any) -> None:
        _keep_inside(case.body)
        response = case.call(base_url=process.url)
        case.validate_response(response, checks=wanted)
        # 501 and 503 say what is missing; a 500 would be a bug.
        assert response.status_code != 500, response.text

    check()


def _keep_inside(body: Any) -> None:
    """Have exportPackage write where the test may: a made-up path could be anywhere on this machine."""
    if isinstance(body, dict):
        for members in (body, body.get("params")):
            if isinstance(members, dict) and "path" in members:
                members["path"] = "exported.apkg"
