"""The settings of the server without a window: options, variables, a file, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

from addon.core.settings import ServerSettings, Settings
from addon.options import settle
from addon.settings_sources import defaults
from tools.ports import free_port

from .conftest import Start
from .program import COMMAND, ROOT

NAMES = [s.name for s in dataclasses.fields(ServerSettings) if not s.metadata["obsolete"]]


def chosen(*arguments: str, file: Optional[Path] = None, **environment: str) -> ServerSettings:
    """The settings that hold, with a collection named where that is not the question."""
    given = ["--collection", "c.anki2", *(["--settings", str(file)] if file else []), *arguments]
    variables = {f"ANKICONNECT_{name}": value for name, value in environment.items()}
    return settle(given, variables, "program")


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Writes a settings file and returns its path."""

    def write(content: str, name: str = "settings.json") -> Path:
        (tmp_path / name).write_text(content, "utf-8")
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def help_text() -> str:
    done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return " ".join(done.stdout.split())


def words_of(name: str) -> list[str]:
    return "".join(f" {x}" if x.isupper() else x for x in name.removeprefix("web")).split()


@pytest.mark.parametrize("name", NAMES)
def test_help_shows_every_setting_as_option_variable_and_name(help_text: str, name: str) -> None:
    words = "".join(
        f" {letter}" if letter.isupper() else letter for letter in name.removeprefix("web")
    ).split()
    secret = ServerSettings.__dataclass_fields__[name].metadata["secret"]
    assert "--" + "-".join(words + ["file"] * secret).lower() + " " in help_text
    assert "ANKICONNECT_" + "_".join(words).upper() in help_text
    assert name == "settings" or f"file: {name}" in help_text


def test_help_shows_defaults_and_the_order() -> None:
    done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    text = " ".join(done.stdout.split())
    assert "TCP port to listen on. (ANKICONNECT_BIND_PORT; file: webBindPort; default: 8765)" in text
    assert "Options win over variables of the environment, and those over the settings file." in text
    assert done.stdout.startswith("usage: python -m addon ")


def test_the_version_is_told() -> None:
    done = subprocess.run([*COMMAND, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
    manifest = json.loads((ROOT / "addon" / "manifest.json").read_text("utf-8"))
    assert done.stdout == f"AnkiConnect {manifest['human_version']}\n"


VALUES = [
    ("webBindPort", 1, "2", ["--port", "3"], [1, 2, 3]),
    ("webBindAddress", "::1", "a.localhost", ["--host", "127.0.0.2"], ["::1", "a.localhost", "127.0.0.2"]),
    ("apiNullErrors", True, "false", ["--api-null-errors", "true"], [True, False, True]),
    ("webCorsOriginList", ["a"], "b,c", ["--cors-origin-list", "d"], [["a"], ["b", "c"], ["d"]]),
    ("apiKey", "a", "b", ["--key", "c"], ["a", "b", "c"]),
    ("mediaFolder", "a", "b", ["--media-folder", "c"], ["a", "b", "c"]),
]


@pytest.mark.parametrize(("name", "in_file", "in_variable", "option", "expected"), VALUES)
def test_options_win_over_variables_and_those_over_the_file(
    file: Any, name: str, in_file: Any, in_variable: str, option: list[str], expected: list[Any]
) -> None:
    path = file(json.dumps({name: in_file}))
    variable = "_".join(words_of(name)).upper()
    held = [
        chosen(),
        chosen(file=path),
        chosen(file=path, **{variable: in_variable}),
        chosen(*option, file=path, **{variable: in_variable}),
    ]
    default = getattr(ServerSettings(), name)
    assert [getattr(settings, name) for settings in held] == [default, *expected]


def test_the_running_server_obeys_that_order(start: Start, collection_path: Path, file: Any) -> None:
    ports = [free_port() for _ in range(3)]
    path = file(json.dumps({"collection": str(collection_path), "webBindPort": ports[0]}))
    in_variable = {"ANKICONNECT_BIND_PORT": str(ports[1])}
    option = ["--port", str(ports[2])]
    cases: list[tuple[list[str], dict[str, str]]] = [([], {}), ([], in_variable), (option, in_variable)]
    for port, (arguments, environment) in zip(ports, cases):
        program = start("--settings", path, *arguments, port=None, environment=environment)
        assert program.wait_until_it_serves().endswith(f" at http://127.0.0.1:{port}\n")
        assert program.stop()[0] == 0


@pytest.mark.parametrize("text", ["a,b", "a b", " a, b ", '["a", "b"]'])
def test_a_variable_holds_a_list_with_commas_or_spaces_or_as_json(text: str) -> None:
    assert chosen(CORS_ORIGIN_LIST=text).webCorsOriginList == ["a", "b"]


def test_an_option_for_a_list_is_repeated() -> None:
    assert chosen("--cors-origin-list", "a", "--cors-origin-list", "b").webCorsOriginList == ["a", "b"]


def test_an_option_that_is_on_or_off_needs_no_value_to_be_on() -> None:
    assert chosen("--api-null-errors", "--port", "1").apiNullErrors is True
    assert chosen("--api-null-errors", "false").apiNullErrors is False


def test_an_empty_variable_chooses_nothing() -> None:
    assert chosen(API_KEY="", BIND_PORT="").apiKey is None


def test_a_file_in_toml_is_read(file: Any) -> None:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    path = file('webBindPort = 1234\nwebCorsOriginList = ["a"]\n', "settings.toml")
    settings = chosen(file=path)
    assert (settings.webBindPort, settings.webCorsOriginList) == (1234, ["a"])


def test_the_configuration_of_the_add_on_is_a_settings_file(file: Any) -> None:
    path = file(json.dumps(defaults()))
    assert dataclasses.replace(chosen(file=path), settings=None) == chosen()


def test_the_file_can_be_named_by_a_variable_and_name_the_collection(file: Any) -> None:
    path = file('{"collection": "in-file.anki2"}')
    assert settle([], {"ANKICONNECT_SETTINGS": str(path)}, "").collection == "in-file.anki2"


def test_a_secret_can_be_in_a_file_wherever_that_is_named(file: Any) -> None:
    secret = file("s3cret\n", "key")
    assert chosen("--api-key-file", str(secret)).apiKey == "s3cret"
    assert chosen(API_KEY_FILE=str(secret)).apiKey == "s3cret"
    assert chosen(file=file(json.dumps({"apiKeyFile": str(secret)}))).apiKey == "s3cret"
    assert chosen("--key", "other", API_KEY_FILE=str(secret)).apiKey == "other"
    assert chosen("--api-key-file", str(secret), API_KEY="other").apiKey == "s3cret"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(os.name == "nt", reason="there, modes don't tell who may read")
def test_a_secret_that_others_can_read_draws_a_warning_and_is_used(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret, settings = open_folder / "key", open_folder / "settings.json"
    secret.write_text("s3cret")
    settings.write_text(json.dumps({"apiKey": "s3cret"}))
    for file in (secret, settings):
        file.chmod(0o644)
    (open_folder / "link").symlink_to(secret)
    assert chosen("--api-key-file", str(secret)).apiKey == "s3cret"
    assert chosen("--api-key-file", str(open_folder / "link")).apiKey == "s3cret"
    assert chosen(API_KEY_FILE=str(secret)).apiKey == "s3cret"
    assert chosen("--sync-password-file", str(secret)).syncPassword == "s3cret"
    assert chosen(file=settings).apiKey == "s3cret"
    said = [
        text.partition(f": other users of this machine can read {open_folder}/") for text in caplog.messages
    ]
    assert [(where, rest) for where, _, rest in said] == [
        ("--api-key-file", "key, which holds a secret"),
        ("--api-key-file", "link, which holds a secret"),
        ("ANKICONNECT_API_KEY_FILE", "key, which holds a secret"),
        ("--sync-password-file", "key, which holds a secret"),
        ("the settings file", "settings.json, which holds a secret"),
    ]


@pytest.mark.skipif(os.name == "nt", reason="there, modes don't tell who may read")
def test_a_secret_that_others_can_not_read_draws_none(
    open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret, settings = open_folder / "key", open_folder / "settings.json"
    secret.write_text("s3cret")
    settings.write_text(json.dumps({"syncPassword": None, "apiKeyFile": str(secret)}))
    settings.chmod(0o644)
    secret.chmod(0o640)
    assert chosen("--api-key-file", str(secret)).apiKey == "s3cret"
    assert chosen(file=settings).apiKey == "s3cret"
    secret.chmod(0o644)
    open_folder.chmod(0o700)
    assert chosen("--api-key-file", str(secret)).apiKey == "s3cret"
    assert not caplog.messages


@pytest.mark.skipif(os.name == "nt", reason="there, modes don't tell who may read")
def test_the_running_server_warns_of_it_and_starts(
    start: Start, collection_path: Path, open_folder: Path
) -> None:
    secret = open_folder / "key"
    secret.write_text("s3cret")
    secret.chmod(0o644)
    program = start("--collection", collection_path, "--api-key-file", secret)
    assert program.process.stderr
    warning = program.process.stderr.readline()
    assert f" WARNING --api-key-file: other users of this machine can read {secret}" in warning
    program.wait_until_it_serves()
    assert program.send("GET", "/version?key=s3cret")[0] == 200
    assert program.stop()[0] == 0


def wrong(*arguments: str, **more: Any) -> str:
    with pytest.raises(ValueError) as caught:
        chosen(*arguments, **more)
    return str(caught.value)


def test_a_wrong_value_is_told_with_the_place_and_what_was_expected(file: Any) -> None:
    assert wrong("--port", "x") == "--port: 'x' is not of type 'integer'"
    assert wrong("--api-null-errors", "maybe") == "--api-null-errors: 'maybe' is not of type 'boolean'"
    assert wrong(BIND_PORT="x") == "ANKICONNECT_BIND_PORT: 'x' is not of type 'integer'"
    assert wrong("--port", "70000") == "--port: 70000 should be from 0 to 65535"
    path = file('{"webBindPort": "x"}')
    assert wrong(file=path) == f"webBindPort in {path}: 'x' is not of type 'integer'"


def test_an_unknown_name_in_the_file_is_told_with_those_that_are_known(file: Any) -> None:
    path = file('{"webBindPort": 1, "webPort": 2, "Key": 3, "settings": "again.json"}')
    text = wrong(file=path)
    assert text.startswith(f"unknown in {path}: Key, settings, webPort; known are ")
    assert "apiKey, apiKeyFile, " in text


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("s.json", "{", "the settings file can't be understood: {path}: Expecting property name"),
        ("s.json", "[]", "the settings file does not hold an object: {path}"),
        ("s.toml", "x", "the settings file can't be understood: {path}: "),
        ("s.json", None, "the settings file can't be read: {path}: No such file or directory"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(
    file: Any, tmp_path: Path, name: str, content: Optional[str], problem: str
) -> None:
    path = tmp_path / name if content is None else file(content, name)
    assert wrong(file=path).startswith(problem.format(path=path))


def test_a_secret_that_is_missing_or_given_twice_is_told(file: Any, tmp_path: Path) -> None:
    empty, missing = file("\n", "empty"), tmp_path / "none"
    assert wrong("--api-key-file", str(empty)) == f"--api-key-file: the file is empty: {empty}"
    assert wrong(API_KEY_FILE=str(missing)).startswith("ANKICONNECT_API_KEY_FILE: ")
    path = file('{"apiKey": "a", "apiKeyFile": "b"}')
    assert wrong(file=path) == f"apiKeyFile in {path}: give the secret itself or a file, not both"


def test_without_a_collection_it_says_where_to_name_one() -> None:
    with pytest.raises(ValueError, match="--collection, ANKICONNECT_COLLECTION or `collection` in a"):
        settle([], {}, "")


def test_toml_without_a_reader_is_one_clear_line(file: Any) -> None:
    path = file("webBindPort = 1", "s.toml")
    program = (
        "import sys, runpy; sys.modules['tomllib'] = sys.modules['tomli'] = None\n"
        f"sys.argv[1:] = ['--settings', {str(path)!r}]\n"
        "runpy.run_module('addon', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: the settings file can't be understood: {path}: "
        "TOML needs Python 3.11 or the package tomli; a file in JSON needs neither\n"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--port", "x"], "error: --port: 'x' is not of type 'integer'\n"),
        (["--prot", "1"], "error: unrecognized arguments: --prot 1\n"),
        (["--port"], "error: argument --port/--bind-port: expected one argument\n"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(start: Start, arguments: list[str], line: str) -> None:
    assert start("--collection", "c.anki2", *arguments, port=None).end() == (2, "", line)


def test_the_key_is_asked_for(start: Start, collection_path: Path) -> None:
    program = start("--collection", collection_path, "--key", "abc")
    program.wait_until_it_serves()
    assert program.ask("deckNames")["error"] == "valid api key must be provided"
    assert program.send("GET", "/deckNames?key=abc") == (200, {"result": ["Default"], "error": None})


def test_every_setting_of_the_add_on_is_one_of_the_server() -> None:
    assert set(defaults()) == {s.name for s in dataclasses.fields(Settings)}
    assert set(defaults()) < {s.name for s in dataclasses.fields(ServerSettings)}
