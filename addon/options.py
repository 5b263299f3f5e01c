"""The server's settings, from options, variables of the environment and a file, in that order.

Each setting is declared once, in `core/settings.py`. Its option, its variable and its name in the file
follow from the declaration, and so does `--help`: `webBindPort` is `--bind-port`, `ANKICONNECT_BIND_PORT`
and `webBindPort`. A secret has no option of its own but `--key`, since other users of a
machine see what a program was started with; a file can hold it: `syncPassword` is `--sync-password-file`,
`ANKICONNECT_SYNC_PASSWORD_FILE` and `syncPasswordFile`.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .core.settings import ServerSettings, Settings
from .core.version import PROGRAM_VERSION
from .settings_sources import Chosen, Given, check, codecs, from_environment, resolve, variable, words

log = logging.getLogger("ankiconnect")

_OWN = {own.name for own in dataclasses.fields(ServerSettings)} - {
    shared.name for shared in dataclasses.fields(Settings)
}
_DECLARED = {declared.name: declared for declared in dataclasses.fields(ServerSettings)}
_CODECS = codecs(ServerSettings)
_SECRETS = [name for name, declared in _DECLARED.items() if declared.metadata["secret"]]


def settle(arguments: Sequence[str], environment: Mapping[str, str], program: str) -> ServerSettings:
    """The settings that hold. Raises ValueError, naming what is wrong and where.

    Logs a warning for a secret that others can read. Prints and exits when help or the version is asked
    for.
    """
    layers = [_from_options(arguments, program), _from_environment(environment)]
    file = resolve(ServerSettings, layers).settings
    if file:
        layers.append(_from_file(Path(file).expanduser()))
    settled = resolve(ServerSettings, [_with_secrets(layer) for layer in layers])
    if not settled.collection:
        raise ValueError(
            f"no collection is given; name its file by --collection, {variable('collection')} "
            "or `collection` in a settings file"
        )
    check(settled)
    return settled


def _file_of(secret: str) -> str:
    """The name that the file of a secret goes by."""
    return f"{secret}File"


def _with_secrets(layer: Chosen) -> Chosen:
    """The layer with the content of the files that hold secrets."""
    found = dict(layer)
    for name in _SECRETS:
        given = found.pop(_file_of(name), None)
        if given is None:
            continue
        if name in found:
            raise ValueError(f"{given.where}: give the secret itself or a file, not both")
        try:
            file = Path(given.value).expanduser()
            secret = file.read_text("utf-8").strip()
            _warn_of_readers(file, given.where)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{given.where}: {error}") from None
        if not secret:
            raise ValueError(f"{given.where}: the file is empty: {given.value}")
        found[name] = Given(secret, given.where)
    return found


def _warn_of_readers(file: Path, where: str) -> None:
    """Warn if other users of this machine can read a file with a secret in it."""
    if os.name == "nt":
        return  # there, modes don't tell who may read
    path = file.resolve()
    mode = path.stat().st_mode
    is_open = stat.S_ISREG(mode) and mode & stat.S_IROTH
    if is_open and all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents):
        log.warning("%s: other users of this machine can read %s, which holds a secret", where, file)


def _from_environment(environment: Mapping[str, str]) -> Chosen:
    chosen = from_environment(ServerSettings, environment)
    for name in map(_file_of, _SECRETS):
        if environment.get(variable(name)):
            chosen[name] = Given(environment[variable(name)], variable(name))
    return chosen


# The settings file


def _from_file(path: Path) -> Chosen:
    try:
        values = _read_toml(path) if path.suffix.lower() == ".toml" else json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"the settings file can't be read: {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"the settings file can't be understood: {path}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"the settings file does not hold an object: {path}")
    if any(values.get(name) for name in _SECRETS):
        _warn_of_readers(path, "the settings file")
    known = (_CODECS.keys() | set(map(_file_of, _SECRETS))) - {"settings"}
    unknown = ", ".join(sorted(values.keys() - known))
    if unknown:
        raise ValueError(f"unknown in {path}: {unknown}; known are {', '.join(sorted(known))}")
    return {name: Given(value, f"{name} in {path}") for name, value in values.items()}


def _read_toml(path: Path) -> Any:
    for module in ("tomllib", "tomli"):  # the former from Python 3.11 on
        with contextlib.suppress(ImportError):
            return importlib.import_module(module).loads(path.read_text("utf-8"))
    raise ValueError("TOML needs Python 3.11 or the package tomli; a file in JSON needs neither")


# Options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)  # without pages of usage before it


def _from_options(arguments: Sequence[str], program: str) -> Chosen:
    given = vars(_parser(program).parse_args(arguments))
    return {
        name: Given(_CODECS[name].parse_query(texts) if name in _CODECS else texts[-1], _flags(name)[0])
        for name, texts in given.items()
    }


def _parser(program: str) -> _Parser:
    parser = _Parser(
        prog=program,
        description="Serve the AnkiConnect API on a collection file, without Anki's window.",
        epilog="Options win over variables of the environment, and those over the settings file.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"AnkiConnect {PROGRAM_VERSION}")
    server = parser.add_argument_group("the server")
    api = parser.add_argument_group("the API, as in Anki's configuration of the add-on")
    for name, flags, help in _options():
        kind = _CODECS[name].schema().get("type") if name in _CODECS else "string"
        # An option that is on or off needs no value to be on.
        bare: dict[str, Any] = {"nargs": "?", "const": "true"} if kind == "boolean" else {}
        is_own = name in _OWN or name in map(_file_of, _OWN)
        (server if is_own else api).add_argument(
            *flags,
            dest=name,
            action="append",
            metavar={"integer": "N", "number": "N", "boolean": "true|false"}.get(str(kind), "TEXT"),
            help=help.replace("%", "%%"),
            **bare,
        )
    return parser


def _options() -> Iterator[tuple[str, list[str], str]]:
    """Name, flags and help of each option."""
    for name, declared in _DECLARED.items():
        metadata = declared.metadata
        if metadata["obsolete"]:
            continue
        about = metadata["help"]
        if _flags(name):
            yield name, _flags(name), f"{about} {_elsewhere(name)}"
        if metadata["secret"]:
            file = _file_of(name)
            yield (
                file,
                _flags(file),
                f"{about} The option names a file that holds it; {variable(name)} is the secret itself. "
                + _elsewhere(file),
            )


def _flags(name: str) -> list[str]:
    metadata = _DECLARED[name].metadata if name in _DECLARED else {}
    more = [metadata["option"]] if metadata.get("option") else []
    return more if metadata.get("secret") else [*more, "--" + "-".join(words(name))]


def _elsewhere(name: str) -> str:
    default = getattr(ServerSettings(), name, None)
    shown = [variable(name)]
    if name != "settings":
        shown.append(f"file: {name}")
    if default is not None:
        shown.append(f"default: {default if isinstance(default, str) else json.dumps(default)}")
    return f"({'; '.join(shown)})"
