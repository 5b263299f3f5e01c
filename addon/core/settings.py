"""The settings, each declared once.

`config.json`, `config.schema.json` and `config.md` are written from here (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional


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
