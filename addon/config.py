"""The settings, each declared once.

`config.json`, `config.schema.json` and `config.md` are written from here (`make docs`).
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, TypeVar


def _setting(
    default: Any,
    help: str,
    *,
    option: str = "",
    secret: bool = False,
    obsolete: bool = False,
    least: Optional[float] = None,
    most: Optional[float] = None,
) -> Any:
    """`option` is one more name for the option that follows from the setting's own name."""
    limits = {"minimum": least, "maximum": most}
    schema = {name: limit for name, limit in limits.items() if limit is not None}
    metadata = {
        "help": help,
        "option": option,
        "secret": secret,
        "obsolete": obsolete,
        "schema": schema,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """What a user may change. Names are those of Anki's add-on configuration."""

    apiKey: Optional[str] = _setting(
        None, "Secret that callers must send; null means that none is needed.", option="--key", secret=True
    )
    apiNullErrors: bool = _setting(
        False,
        "Answer errors of requests of version 4 and below with a bare null, as the oldest servers did.",
    )
    apiReadOnly: bool = _setting(
        False, "Allow only actions that read, not those that change something or drive Anki's windows."
    )
    apiAllowedActions: Optional[list[str]] = _setting(
        None,
        "The only actions that are allowed, by name or by pattern such as `gui*`; null allows all. "
        "`multi` and `requestPermission` need no mention.",
    )
    apiDeniedActions: list[str] = _setting(
        [], "Actions that are not allowed, by name or pattern, whatever else is."
    )
    apiLogPath: Optional[str] = _setting(
        None,
        "File to log requests to, as an absolute path; null for none. It tells who called which actions "
        "and how that went, but no fields and no keys. At 5 MB it begins anew; the last three are kept.",
    )
    webBindAddress: str = _setting(
        "127.0.0.1",
        "Address to listen on. One that other machines reach needs an `apiKey` too.",
        option="--host",
    )
    webBindPort: int = _setting(8765, "TCP port to listen on.", option="--port", least=0, most=65535)
    webBindWithoutKey: bool = _setting(
        False,
        "Listen on an address that other machines reach although no `apiKey` is set: whoever is in the "
        "network can then read and change everything.",
    )
    webAllowedHosts: list[str] = _setting(
        [],
        'Names under which the server is reached, such as "anki.example.com"; "*" allows all. Addresses, '
        "`localhost`, this machine's own name and those by which containers reach it need no mention, "
        "nor do names without a dot and those of local networks (`.local`, `.lan`, ...) while "
        "`webBindAddress` is one that other machines reach.",
    )
    webBacklog: int = _setting(128, "Connections that may wait to be accepted.", least=1)
    webBodyLimit: int = _setting(512, "Size limit of one request, in megabytes.", least=1)
    webMemoryLimit: int = _setting(
        1000,
        "Size limit of all requests together that have not wholly arrived and all replies that have not "
        "wholly been read, in megabytes. Beyond it, the slowest client is dropped.",
        least=1,
    )
    webCorsOriginList: list[str] = _setting(
        ["http://localhost"],
        'Web origins whose pages may use the API; "*" lets in every page. While `http://localhost` '
        "is listed, pages from this machine and browser extensions are let in too.",
    )
    webCorsOrigin: Optional[str] = _setting(
        None,
        "One more origin, in the old form. Please use `webCorsOriginList`.",
    )
    ignoreOriginList: list[str] = _setting(
        [], "Origins whose requests for permission are denied without a question."
    )
    webTimeout: int = _setting(10000, "Time limit of one media download, in milliseconds.", least=1)
    webDownloadLimit: int = _setting(100, "Size limit of one media download, in megabytes.", least=1)
    webFileFolders: list[str] = _setting(
        [],
        "Folders, besides the profile's own, in which web pages and other machines may import and export "
        "packages. Programs on this machine may do so anywhere.",
    )
    upgradeUrl: Optional[str] = _setting(
        None,
        "Address of the package that the action `upgrade` installs. Without it, an add-on installed "
        "from AnkiWeb is updated from there.",
    )
    apiVersion: int = _setting(6, "Of the old add-on: accepted and ignored.", obsolete=True)
    apiPollInterval: int = _setting(25, "Of the old add-on: accepted and ignored.", obsolete=True)

    @property
    def key(self) -> Optional[str]:
        """The key that callers must send, None if they need none."""
        return self.apiKey or None

    @property
    def body_limit(self) -> int:
        """The largest request body, in bytes."""
        return self.webBodyLimit * 1_000_000

    @property
    def memory_limit(self) -> int:
        """The size of all unfinished requests and unread replies together, in bytes."""
        return self.webMemoryLimit * 1_000_000

    @property
    def origins(self) -> list[str]:
        return self.webCorsOriginList + ([self.webCorsOrigin] if self.webCorsOrigin else [])


@dataclass(frozen=True)
class ServerSettings(Settings):
    """What the server without Anki's window needs to know besides."""

    collection: Optional[str] = _setting(
        None, "Collection file, such as collection.anki2; made if missing."
    )
    mediaFolder: Optional[str] = _setting(
        None, "Folder of the media files; collection.media beside collection.anki2 if not given."
    )
    syncUser: Optional[str] = _setting(None, "Account to sync with.")
    syncPassword: Optional[str] = _setting(None, "Its password.", secret=True)
    syncEndpoint: Optional[str] = _setting(None, "Address of the sync server; AnkiWeb if not given.")
    syncEvery: Optional[float] = _setting(
        None, "Sync at once and then every so many minutes.", least=0.01, most=10080
    )
    syncOnExit: bool = _setting(False, "Sync before the collection is closed, for 3.5 s at most.")
    settings: Optional[str] = _setting(None, "File with settings: TOML if it ends in .toml, else JSON.")


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
    from .core.schema.codecs import Invalid

    declared = {setting.name: setting for setting in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for name, shape in shapes(kind).items():
        given = next((layer[name] for layer in layers if name in layer), None)
        if given is None:
            continue
        try:
            value = values[name] = shape.convert(given.value)
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
    from . import actions  # noqa: F401  fills the registry that `rules` looks into
    from .core.addresses import is_loopback
    from .core.policy import unknown_action

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
    for name, shape in shapes(kind).items():
        text = environment.get(variable(name), "").strip()
        if text:
            # Only a list reads more than one text: its elements, unless they come as JSON.
            texts = [text] if text.startswith("[") else re.split(r"[,\s]+", text)
            is_list = shape.schema().get("type") == "array"
            chosen[name] = Given(shape.from_text(texts if is_list else [text]), variable(name))
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
    from .core.schema.codecs import shape_of

    hints = _hints()
    properties: dict[str, Any] = {}
    for setting in dataclasses.fields(Settings):
        described = shape_of(hints[setting.name]).schema()
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


def shapes(kind: type[Settings]) -> dict[str, Any]:
    """The shape of each setting, by name."""
    from .core.schema.codecs import shape_of

    return {name: shape_of(hint) for name, hint in _hints(kind).items()}


def _hints(kind: type[Settings] = Settings) -> dict[str, Any]:
    import typing

    return typing.get_type_hints(kind)
