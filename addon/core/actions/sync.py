"""Syncing with AnkiWeb or a sync server of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Literal, Optional

from ..context import RequestContext
from ..errors import BadParams, Forbidden, SyncFailed
from ..registry import read, write
from ..schema.codecs import ErrorText, Json
from ..sync.account import SyncAccount
from ..sync.engine import Status
from ..sync.errors import without_address
from ..sync.full_sync import Mode, Replaced

_BAD_MODE = "mode must be 'upload' or 'download'"

Username = Annotated[
    Optional[str],
    "account to use instead of the profile's or, without Anki's window, the program's; only programs on "
    "this machine may name one",
]
Password = Annotated[Optional[str], "goes with `username`"]
Endpoint = Annotated[
    Optional[str], "address of the sync server that `username` is known to; the account's own if missing"
]


def _without_version(params: Mapping[str, Json]) -> Mapping[str, Json]:
    """Some clients put the request's version among the parameters."""
    return {name: value for name, value in params.items() if name != "version"}


def _login(
    context: RequestContext, username: Optional[str], password: Optional[str], endpoint: Optional[str]
) -> Optional[SyncAccount]:
    if not (username or password or endpoint):
        return None
    if not context.is_local_program:
        # To anyone else the API would lend its place in the network, and send the notes wherever they say.
        raise Forbidden(
            "username, password and endpoint: only programs on the machine that Anki runs on may name an "
            "account or a sync server; leave them out to use the account that is set up there"
        )
    if not (username and password):
        raise BadParams("username, password and endpoint: the first two are needed together")
    return SyncAccount(username, password, endpoint)


@contextmanager
def _told(context: RequestContext) -> Iterator[None]:
    """Tell none but programs on this machine where the sync server is, and why it can't be reached."""
    try:
        yield
    except SyncFailed as error:
        if not context.is_local_program:
            error.args = (without_address(str(error)),)
        raise


@write("sync", preprocess=_without_version)
def sync(
    context: RequestContext, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> None:
    """Sync the collection and, unless Anki's preferences leave them out, media.

    The reply comes when all is done. What only a full sync can do is an error that says so, since a full
    sync replaces one side: see fullSync. No window is opened and nobody is asked.
    """
    with _told(context):
        context.runtime.syncer.sync(_login(context, username, password, endpoint), context.binding.check)


@write("fullSync")
def full_sync(
    context: RequestContext,
    mode: Annotated[
        Mode, ErrorText(_BAD_MODE), "`upload` replaces what the server has, `download` what is here"
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
    with _told(context):
        return context.runtime.syncer.full(
            mode, _login(context, username, password, endpoint), context.binding.check
        )


@write("syncMedia")
def sync_media(
    context: RequestContext, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> Literal["media sync completed"]:
    """Sync media only, and wait until that is done."""
    with _told(context):
        context.runtime.syncer.media(_login(context, username, password, endpoint), context.binding.check)
    return "media sync completed"


@read("syncStatus")
def sync_status(
    context: RequestContext, username: Username = None, password: Password = None, endpoint: Endpoint = None
) -> Status:
    """Tell what is being synced, or else which sync is needed, and how the last one went.

    The server is asked, but nothing is exchanged. While a sync is running this is answered at once.
    """
    status = context.runtime.syncer.status(
        _login(context, username, password, endpoint), context.binding.check
    )
    return status if context.is_local_program else _without_addresses(status)


def _without_addresses(status: Status) -> Status:
    reason, last = status["reason"], status["last"]
    if reason:
        reason = without_address(reason)
    if last and last["error"]:
        last = {**last, "error": without_address(last["error"])}
    return {**status, "reason": reason, "last": last}
