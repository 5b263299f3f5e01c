"""The engine behind the sync actions: one sync at a time, waited for, on threads of the HTTP server.

What goes over the network runs outside the collection's lane, but for the exchange itself: a server that
can't be reached or has nothing new holds nobody up. A full sync only ever happens in `Syncer.full`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Optional, Protocol, TypedDict

from anki.collection import Collection
from anki.errors import AnkiException, Interrupted, InvalidInput, NetworkError, SyncError, SyncErrorKind
from anki.sync_pb2 import SyncAuth, SyncCollectionResponse, SyncStatusResponse

from .backups import Backups
from .errors import (
    ApiError,
    BadParams,
    Conflict,
    FullSyncNeeded,
    LoginRefused,
    NotLoggedIn,
    ServerUnreachable,
    SyncFailed,
    SyncRunning,
    Unavailable,
    as_api_error,
    plain,
)
from .scratch import scratch_collection

if TYPE_CHECKING:
    from .call import Host

Mode = Literal["upload", "download"]
Side = Literal["local", "server"]
Activity = Literal["idle", "collection", "media", "upload", "download"]

_NO_CHANGES = SyncCollectionResponse.NO_CHANGES
_POLL_SECONDS = 0.05
_POSSIBLE = {  # the modes that each status of a needed full sync allows
    SyncCollectionResponse.FULL_SYNC: ("upload", "download"),
    SyncCollectionResponse.FULL_DOWNLOAD: ("download",),
    SyncCollectionResponse.FULL_UPLOAD: ("upload",),
}


@dataclass(frozen=True)
class Login:
    """An account that a request brings along."""

    username: str
    password: str
    endpoint: Optional[str] = None


class Account(Protocol):
    """The account that a host syncs with, and what goes on around a sync there.

    Called on threads of the HTTP server.
    """

    @property
    def endpoint(self) -> Optional[str]:
        """The address of the server, None for AnkiWeb."""

    @property
    def with_media(self) -> bool:
        """Whether a sync of the collection includes media."""

    @property
    def timeout(self) -> int:
        """How many seconds the server may be silent."""

    def auth(self, col: Collection) -> Optional[SyncAuth]:
        """The login, None without an account. May ask the server; raises what Anki raises."""

    def forget(self) -> None:
        """The server has refused the login."""

    def moved(self, endpoint: str) -> None:
        """The server wants to be found at `endpoint` from now on."""

    def is_busy(self) -> bool:
        """Whether somebody else syncs this collection, as Anki does when its button is pressed."""

    def show_activity(self, active: bool) -> None:
        """Show that a sync is running, or that it is over."""

    def will_sync(self) -> None:
        """The collection is about to be synced."""

    def did_sync(self) -> None:
        """The collection was synced, or could not be: have windows show what it holds now."""


class Replaced(TypedDict):
    side: Annotated[Side, "whose collection was replaced"]
    notes: int
    cards: int
    reviews: int
    backup: Annotated[Optional[str], "file that holds it, null if it was empty"]


class Finished(TypedDict):
    action: str
    at: Annotated[int, "seconds since the epoch"]
    error: Annotated[Optional[str], "null if it went well"]


class Status(TypedDict):
    state: Annotated[Activity, "what is being synced now"]
    required: Annotated[
        Optional[int], "sync that is needed: 0 none, 1 normal, 2 full; null if that can't be told now"
    ]
    newEndpoint: Annotated[Optional[str], "address that the server wants to be found at"]
    reason: Annotated[Optional[str], "why `required` can't be told"]
    progress: Annotated[Optional[str], "how far the running sync is, in Anki's words"]
    last: Annotated[Optional[Finished], "the last sync through the API since the server started"]


class Syncer:
    def __init__(self, host: Host, account: Account) -> None:
        self._host = host
        self._account = account
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._activity: Activity = "idle"
        self._col: Optional[Collection] = None  # while it is being synced
        self._last: Optional[Finished] = None

    def sync(self, login: Optional[Login] = None) -> None:
        """Sync the collection and, unless the account leaves them out, media. Raises ApiError."""
        with self._running("sync", "collection", login) as (col, auth):
            status = self._sync_collection(col, auth).required
            if status != _NO_CHANGES:
                raise FullSyncNeeded(status)
            if self._account.with_media:
                self._sync_media(col, auth)

    def media(self, login: Optional[Login] = None) -> None:
        """Sync media only. Raises ApiError."""
        with self._running("syncMedia", "media", login) as (col, auth):
            self._sync_media(col, auth)

    def full(self, mode: Mode, login: Optional[Login] = None) -> Optional[Replaced]:
        """Sync; if that takes a full sync, replace one side by the other and say what was replaced.

        Backups of both sides are made first, where they hold anything. Raises ApiError; neither side has
        changed then, unless the text says that only media are missing.
        """
        with self._running("fullSync", "collection", login) as (col, auth):
            output = self._sync_collection(col, auth)
            replaced = None
            if output.required != _NO_CHANGES:
                replaced = self._replace(mode, auth, output)
            if self._account.with_media:
                try:
                    self._sync_media(col, auth)
                except AnkiException as error:
                    if replaced is None:
                        raise
                    reason = _translation(error, auth.endpoint)
                    raise SyncFailed(f"the {mode} is done, but media are missing: {reason}") from None
            return replaced

    def status(self, login: Optional[Login] = None) -> Status:
        """Where things are. Asks the server unless a sync is running."""
        required: Optional[int] = None
        endpoint = reason = None
        progress = self._progress()
        if progress is None:
            try:
                col = self._host.on_collection(lambda col: col)
                with self._translated(login):
                    response = self._ask_server(col, self._auth(col, login))
                required, endpoint = response.required, response.new_endpoint or None
            except Unavailable:
                raise
            except ApiError as error:
                reason = str(error)
        else:
            reason = "a sync is running"
        return {
            "state": self._activity,
            "required": required,
            "newEndpoint": endpoint,
            "reason": reason,
            "progress": progress,
            "last": self._last,
        }

    def stop(self, patience: float) -> None:
        """Let a sync that is running end, and abort it when `patience` seconds are over.

        An aborted sync leaves both sides as they were.
        """
        if not self._idle.wait(patience):
            col = self._col
            if col is not None:
                col.abort_sync()
                col.abort_media_sync()
            self._idle.wait(patience)

    @contextmanager
    def _running(
        self, action: str, activity: Activity, login: Optional[Login]
    ) -> Iterator[tuple[Collection, SyncAuth]]:
        """Keep other syncs off, and keep the outcome."""
        if not self._lock.acquire(blocking=False):
            raise SyncRunning()
        try:
            if self._account.is_busy():
                raise SyncRunning()
            self._idle.clear()
            self._activity = activity
            error: Optional[str] = None
            try:
                self._col = col = self._host.on_collection(lambda col: col)
                with self._translated(login):
                    auth = self._auth(col, login)
                    self._account.show_activity(True)
                    yield col, auth
            except Exception as failure:
                error = str(failure) or type(failure).__name__
                if isinstance(failure, LoginRefused):
                    self._account.forget()
                raise
            finally:
                self._last = {"action": action, "at": int(time.time()), "error": error}
                self._activity = "idle"
                self._col = None
                self._idle.set()
                self._account.show_activity(False)
        finally:
            self._lock.release()

    def _translated(self, login: Optional[Login]) -> AbstractContextManager[None]:
        return _translated((login and login.endpoint) or self._account.endpoint)

    def _auth(self, col: Collection, login: Optional[Login]) -> SyncAuth:
        if login is None:
            auth = self._account.auth(col)
        else:
            endpoint = login.endpoint or self._account.endpoint
            hkey = col.sync_login(login.username, login.password, endpoint).hkey
            auth = SyncAuth(hkey=hkey, endpoint=endpoint, io_timeout_secs=self._account.timeout)
        if auth is None:
            raise NotLoggedIn()
        return auth

    def _ask_server(self, col: Collection, auth: SyncAuth) -> SyncStatusResponse:
        """Which sync is needed, without any exchange.

        Anki itself remembers the answer for five minutes, and asks nobody while there are local changes.
        A collection that has the same marks and no such memory is asked in its stead.
        """
        marks = self._host.on_collection(
            lambda col: col.db and col.db.first("select mod, scm, usn from col")
        )
        assert marks
        with scratch_collection() as scratch:
            assert scratch.db
            modified, schema, usn = marks
            scratch.db.execute(
                "update col set mod = ?, scm = ?, usn = ?, ls = ?",
                *(modified, schema, usn, max(modified, schema)),
            )
            return scratch.sync_status(auth)

    def _sync_collection(self, col: Collection, auth: SyncAuth) -> SyncCollectionResponse:
        """Exchange what has changed since the last sync, if both sides are able to."""
        # Asked first: while Anki waits for a server with the collection in its hands, even its window
        # has to wait.
        answer = self._ask_server(col, auth)
        self._follow(answer, auth)
        if answer.required == SyncStatusResponse.NO_CHANGES:
            return SyncCollectionResponse(required=_NO_CHANGES)
        self._account.will_sync()
        try:
            output = self._host.on_collection(lambda col: col.sync_collection(auth, False))
        finally:
            self._account.did_sync()
        self._follow(output, auth)
        if output.server_message:
            self._host.tell(plain(output.server_message))
        return output

    def _follow(self, answer: object, auth: SyncAuth) -> None:
        endpoint = getattr(answer, "new_endpoint", "")
        if endpoint:
            auth.endpoint = endpoint
            self._account.moved(endpoint)

    def _sync_media(self, col: Collection, auth: SyncAuth) -> None:
        self._activity = "media"
        col.sync_media(auth)  # starts it, unless a full sync has
        while col.media_sync_status().active:
            time.sleep(_POLL_SECONDS)

    def _replace(self, mode: Mode, auth: SyncAuth, output: SyncCollectionResponse) -> Replaced:
        if mode not in _POSSIBLE[output.required]:
            raise Conflict(
                f"fullSync with the mode {mode!r} would leave nothing on both sides: "
                f"{FullSyncNeeded(output.required)}"
            )
        self._activity = mode
        on_server = self._back_up_server(auth, output) if mode == "upload" else None
        media_usn = output.server_media_usn if self._account.with_media else None

        def exchange(col: Collection) -> Replaced:
            # The backup belongs here, where no request can add anything that it would lack.
            here = _backed_up("local", col, self._host.backups)
            col.close_for_full_sync()
            col.full_upload_or_download(auth=auth, server_usn=media_usn, upload=mode == "upload")
            return on_server or here

        self._account.will_sync()
        try:
            return self._host.full_sync(exchange)
        finally:
            self._account.did_sync()

    def _back_up_server(self, auth: SyncAuth, output: SyncCollectionResponse) -> Replaced:
        if output.required == SyncCollectionResponse.FULL_UPLOAD:
            return {"side": "server", "notes": 0, "cards": 0, "reviews": 0, "backup": None}
        with scratch_collection() as copy:
            copy.close_for_full_sync()
            copy.full_upload_or_download(auth=auth, server_usn=None, upload=False)
            copy.reopen(after_full_sync=True)
            return _backed_up("server", copy, Backups(self._host.backups.folder))

    def _progress(self) -> Optional[str]:
        """How far the running sync is; None if none is running."""
        col = self._col
        if col is None:
            return None
        progress = col.latest_progress()
        kind = progress.WhichOneof("value")
        if kind == "full_sync":
            return f"{progress.full_sync.transferred} of {progress.full_sync.total} bytes"
        if kind == "normal_sync":
            normal = progress.normal_sync
            return plain(f"{normal.stage} {normal.added} {normal.removed}")
        if kind == "media_sync":
            media = progress.media_sync
            return plain(f"{media.checked} {media.added} {media.removed}")
        return ""


def _backed_up(side: Side, col: Collection, backups: Backups) -> Replaced:
    backup = backups.make(col)
    assert col.db
    notes, cards, reviews = (
        col.db.scalar(f"select count() from {table}") for table in ("notes", "cards", "revlog")
    )
    return {
        "side": side,
        "notes": notes,
        "cards": cards,
        "reviews": reviews,
        "backup": str(backup),
    }


@contextmanager
def _translated(endpoint: Optional[str]) -> Iterator[None]:
    """Put Anki's errors into our words."""
    try:
        yield
    except AnkiException as error:
        raise _translation(error, endpoint) from None


def _translation(error: AnkiException, endpoint: Optional[str]) -> ApiError:
    text = " ".join(plain(str(error)).split())
    if isinstance(error, NetworkError) or text.startswith("HttpError"):  # broken in the middle
        return ServerUnreachable(endpoint or "AnkiWeb", text)
    if isinstance(error, Interrupted):
        return SyncFailed("it was stopped before its end")
    if isinstance(error, SyncError) and error.kind is SyncErrorKind.AUTH:
        return LoginRefused()
    known = as_api_error(error)
    if isinstance(known, Unavailable):
        return known
    if isinstance(error, InvalidInput):
        return BadParams(f"sync: {text}")
    return SyncFailed(text)
