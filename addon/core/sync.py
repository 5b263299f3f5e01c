"""Syncing with AnkiWeb or a sync server of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Optional

from .accounts import SyncAccount
from .actions import read, write
from .call import Call
from .errors import BadParams
from .replacing import Mode, Replaced
from .shapes import Json, Otherwise
from .syncing import Status

_BAD_MODE = "mode must be 'upload' or 'download'"

Username = Annotated[
    Optional[str], "account to use instead of the profile's or, without Anki's window, the program's"
]
Password = Annotated[Optional[str], "goes with `username`"]
Endpoint = Annotated[
    Optional[str], "address of the sync server that `username` is known to; the account's own if missing"
]


def _without_version(params: Mapping[str, Json]) -> Mapping[str, Json]:
    """Some clients put the request's version among the parameters."""
    return {name: value for name, value in params.items() if name != "version"}


def _login(
    username: Optional[str], password: Optional[str], endpoint: Optional[str]
) -> Optional[SyncAccount]:
    if username and password:
        return SyncAccount(username, password, endpoint)
    if username or password or endpoint:
        raise BadParams("username, password and endpoint: the first two are needed together")
    return None


@write("sync", reading=_without_version)
def sync(
    call: Call, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> None:
    """Sync the collection and, unless Anki's preferences leave them out, media.

    The reply comes when all is done. What only a full sync can do is an error that says so, since a full
    sync replaces one side: see fullSync. No window is opened and nobody is asked.
    """
    call.host.syncer.sync(_login(username, password, endpoint))


@write("fullSync")
def full_sync(
    call: Call,
    mode: Annotated[
        Mode, Otherwise(_BAD_MODE), "`upload` replaces what the server has, `download` what is here"
    ],
    username: Username = None,
    password: Password = None,
    endpoint: Endpoint = None,
) -> Annotated[Optional[Replaced], "what was replaced; null if a normal sync was enough"]:
    """Sync, and if that takes a full sync, replace one side by the other.

    A backup of what is here is made first, and before an upload also one of what the server has, both in
    the backup folder; `backup` names the one of the side that was replaced. If this fails, both sides stay
    as they are, unless the error says that only media are missing. Undo does not reach behind a sync.
    While the collection is replaced, requests wait for it up to 2 s and then get `collection is not
    available`.
    """
    return call.host.syncer.full(mode, _login(username, password, endpoint))


@write("syncMedia")
def sync_media(
    call: Call, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> Literal["media sync completed"]:
    """Sync media only, and wait until that is done."""
    call.host.syncer.media(_login(username, password, endpoint))
    return "media sync completed"


@read("syncStatus")
def sync_status(
    call: Call, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> Status:
    """Tell what is being synced, or else which sync is needed, and how the last one went.

    The server is asked, but nothing is exchanged. While a sync is running this is answered at once.
    """
    return call.host.syncer.status(_login(username, password, endpoint))
