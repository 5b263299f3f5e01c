"""Where settings come from: a configuration, or the environment. And what follows from their declarations.

`options.py` adds the command line and a file, for the server without Anki's window.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from . import actions  # noqa: F401  fills the registry that the policy looks into
from .core.addresses import is_loopback
from .core.policy import unknown_action
from .core.schema.codecs import Invalid, codec_for
from .core.settings import Settings


@dataclass(frozen=True)
class Given:
    """A value that somebody chose, and where: for the text of an error."""

    value: Any
    where: str


Chosen = dict[str, Given]  # by the name of the setting
_Kind = TypeVar("_Kind", bound=Settings)


def load(values: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from a configuration and the environment, which wins.

    Unknown names are ignored: a configuration may be older or newer than this code. `slips` finds them.
    Raises ValueError, naming the setting, when a value is of the wrong type, out of range or puts the
    user in danger.
    """
    configured = {name: Given(value, f"setting {name}") for name, value in values.items()}
    settings = resolve(Settings, [from_environment(Settings, environment), configured])
    check(settings)
    return settings


def resolve(kind: type[_Kind], layers: Sequence[Chosen]) -> _Kind:
    """Settings from several places, the first of which wins; what is chosen nowhere has its default.

    Raises ValueError, naming the place, when a value is of the wrong type or out of range.
    """
    declared = {setting.name: setting for setting in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for name, codec in codecs(kind).items():
        given = next((layer[name] for layer in layers if name in layer), None)
        if given is None:
            continue
        try:
            value = values[name] = codec.convert(given.value)
        except Invalid as error:
            raise ValueError(f"{given.where}: {error.problem}") from None
        limits = declared[name].metadata["schema"] if value is not None else {}
        least, most = limits.get("minimum", value), limits.get("maximum", value)
        if limits and not least <= value <= most:
            expected = f"from {least} to {most}" if "maximum" in limits else f"at least {least}"
            raise ValueError(f"{given.where}: {value} should be {expected}")
    return kind(**values)


def check(settings: Settings) -> None:
    """Raise ValueError for settings that name what does not exist, or put the user in danger."""
    if not (settings.key or settings.webBindWithoutKey or is_loopback(settings.webBindAddress)):
        raise ValueError(
            f"setting webBindAddress: other machines reach {settings.webBindAddress!r}, so set an apiKey, "
            "or webBindWithoutKey to true if everyone in the network may use your collection"
        )
    for name in ("apiAllowedActions", "apiDeniedActions"):
        unknown = unknown_action(getattr(settings, name) or [])
        if unknown is not None:
            raise ValueError(f"setting {name}: there is no action {unknown!r}")
    for folder in settings.webFileFolders:
        if not os.path.isabs(os.path.expanduser(folder)):
            raise ValueError(f"setting webFileFolders: {folder!r} is not an absolute path")
    if settings.apiLogPath and not os.path.isabs(settings.apiLogPath):
        raise ValueError(f"setting apiLogPath: {settings.apiLogPath!r} is not an absolute path")


def from_environment(kind: type[Settings], environment: Mapping[str, str]) -> Chosen:
    """What variables choose; an empty one chooses nothing."""
    chosen = {}
    for name, codec in codecs(kind).items():
        text = environment.get(variable(name), "").strip()
        if text:
            # Only a list reads more than one text: its elements, unless they come as JSON.
            texts = [text] if text.startswith("[") else re.split(r"[,\s]+", text)
            is_list = codec.schema().get("type") == "array"
            chosen[name] = Given(codec.parse_query(texts if is_list else [text]), variable(name))
    return chosen


def words(name: str) -> list[str]:
    """What the option and the variable of a setting are called by: bind and port for `webBindPort`."""
    return [word.lower() for word in re.findall("[A-Z]?[a-z]+", name.removeprefix("web"))]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "_".join(["ANKICONNECT", *map(str.upper, words(name))])


def defaults() -> dict[str, Any]:
    """Every setting with its default, as `config.json` holds them."""
    return dataclasses.asdict(Settings())


def schema() -> dict[str, Any]:
    """The JSON Schema that Anki checks an edited configuration by, line by line."""
    hints = _hints()
    properties: dict[str, Any] = {}
    for setting in dataclasses.fields(Settings):
        described = codec_for(hints[setting.name]).schema()
        if "anyOf" in described:
            # As a list of types, errors say what was expected.
            described = {"type": [option["type"] for option in described["anyOf"]]}
        # Anki shows this text, and puts its own finding into the braces.
        told = {"error_msg": f"{setting.name}: {{problem}}"}
        if "items" in described:
            described["items"] = {**described["items"], **told}
        help = {"description": setting.metadata["help"]}
        properties[setting.name] = {**help, **described, **setting.metadata["schema"], **told}
    return {"type": "object", "properties": properties}


def reference() -> str:
    """The settings as Markdown, one line each."""
    lines = []
    for setting in dataclasses.fields(Settings):
        also = "" if setting.metadata["obsolete"] else f" Environment: `{variable(setting.name)}`."
        lines.append(f"- `{setting.name}`: {setting.metadata['help']}{also}")
    return "\n".join(lines) + "\n"


def codecs(kind: type[Settings]) -> dict[str, Any]:
    """The codec of each setting, by name."""
    return {name: codec_for(hint) for name, hint in _hints(kind).items()}


def _hints(kind: type[Settings] = Settings) -> dict[str, Any]:
    return typing.get_type_hints(kind)
