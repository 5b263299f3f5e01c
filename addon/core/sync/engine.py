"""The engine behind the sync actions: one sync at a time, waited for, on threads of the HTTP server.

What goes over the network runs outside the collection's thread, but for the exchange itself: a server that
can't be reached or has nothing new holds nobody up. A full sync only ever happens in `Syncer.full`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Callable, Literal, Optional, TypedDict, TypeVar

from anki.collection import Collection, OpChanges
from anki.errors import AnkiException
from anki.sync import SyncAuth, SyncOutput, SyncStatus

from ..backups import Backups
from ..collection.temp_collection import scratch_collection
from ..errors import (
    ApiError,
    Conflict,
    FullSyncNeeded,
    LoginRefused,
    NotLoggedIn,
    SyncFailed,
    SyncRunning,
    Unavailable,
    is_panic,
    plain,
)
from .account import Account, SyncAccount
from .errors import translated, translation
from .full_sync import POSSIBLE, Mode, Replaced, backed_up

if TYPE_CHECKING:
    from ..context import Runtime

Activity = Literal["idle", "collection", "media", "upload", "download"]

_NO_CHANGES = SyncOutput.NO_CHANGES
_POLL_SECONDS = 0.05
_ABORT_SECONDS = 0.3
_NOTES = OpChanges(note=True, note_text=True)  # what editors hold copies of

T = TypeVar("T")
Check = Callable[[Collection], Collection]


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


@dataclass
class _Session:
    """One sync: the collection that was open when it began, and the login."""

    col: Collection
    auth: SyncAuth
    is_accounts: bool  # the runtime's account, not one that the request brought along


def _any(col: Collection) -> Collection:
    return col


class Syncer:
    def __init__(self, runtime: Runtime, account: Account) -> None:
        self._runtime = runtime
        self._account = account
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._activity: Activity = "idle"
        self._col: Optional[Collection] = None  # that is being synced, or receives the server's
        self._last: Optional[Finished] = None

    # `check` is given the collection, and raises Unavailable if it is not the one that is meant.

    def sync(self, login: Optional[SyncAccount] = None, check: Check = _any) -> None:
        """Sync the collection and, unless the account leaves them out, media. Raises ApiError."""
        with self._running("sync", "collection", login, check) as session:
            status = self._sync_collection(session).required
            if status != _NO_CHANGES:
                raise FullSyncNeeded(status)
            if self._account.with_media:
                self._sync_media(session)

    def media(self, login: Optional[SyncAccount] = None, check: Check = _any) -> None:
        """Sync media only. Raises ApiError."""
        with self._running("syncMedia", "media", login, check) as session:
            self._sync_media(session)

    def full(
        self, mode: Mode, login: Optional[SyncAccount] = None, check: Check = _any
    ) -> Optional[Replaced]:
        """Sync; if that takes a full sync, replace one side by the other and say what was replaced.

        Backups of both sides are made first, where they hold anything. Raises ApiError; neither side has
        changed then, unless the text says that only media are missing.
        """
        with self._running("fullSync", "collection", login, check) as session:
            output = self._sync_collection(session)
            replaced = None
            if output.required != _NO_CHANGES:
                replaced = self._replace(mode, session, output)
            if self._account.with_media:
                try:
                    self._sync_media(session)
                except AnkiException as error:
                    if replaced is None:
                        raise
                    reason = translation(error, session.auth.endpoint)
                    raise SyncFailed(f"the {mode} is done, but media are missing: {reason}") from None
            return replaced

    def status(self, login: Optional[SyncAccount] = None, check: Check = _any) -> Status:
        """Where things are. Asks the server unless a sync is running."""
        required: Optional[int] = None
        endpoint = reason = None
        progress = self._progress()
        if progress is None:
            try:
                col = self._runtime.run_on_collection(check)
                with self._translated(login):
                    response = self._ask_server(_Session(col, self._auth(col, login), login is None))
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

    def wait(self, seconds: float) -> None:
        """Wait for the end of a sync that is running, for so long at most."""
        self._idle.wait(seconds)

    def stop(self, patience: float) -> None:
        """Let a sync that is running end, and abort it when `patience` seconds are over.

        An aborted sync leaves both sides as they were. One that waits for the first answer of a server is
        left to itself: it touches nothing any more once the collection is closed.
        """
        if not self._idle.wait(patience):
            col = self._col
            if col is not None:
                col.abort_sync()
                col.abort_media_sync()
            self._idle.wait(min(patience, _ABORT_SECONDS))

    @contextmanager
    def _running(
        self, action: str, activity: Activity, login: Optional[SyncAccount], check: Check
    ) -> Iterator[_Session]:
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
                self._col = col = self._runtime.run_on_collection(check)
                with self._translated(login):
                    auth = self._auth(col, login)
                    self._account.show_activity(True)
                    yield _Session(col, auth, login is None)
            except BaseException as failure:
                error = str(failure) or type(failure).__name__
                if login is None and isinstance(failure, LoginRefused):
                    self._account.forget()
                if is_panic(failure):
                    self._runtime.panicked()
                raise
            finally:
                self._last = {"action": action, "at": int(time.time()), "error": error}
                try:
                    self._account.show_activity(False)
                finally:
                    # Last, since who reads that it is idle can begin another one.
                    self._activity = "idle"
                    self._col = None
                    self._idle.set()
        finally:
            self._lock.release()

    def _translated(self, login: Optional[SyncAccount]) -> AbstractContextManager[None]:
        return translated((login and login.endpoint) or self._account.endpoint)

    def _auth(self, col: Collection, login: Optional[SyncAccount]) -> SyncAuth:
        if login is None:
            auth = self._account.auth(col)
        else:
            endpoint = login.endpoint or self._account.endpoint
            hkey = col.sync_login(login.user, login.password, endpoint).hkey
            auth = SyncAuth(hkey=hkey, endpoint=endpoint, io_timeout_secs=self._account.timeout)
        if auth is None:
            raise NotLoggedIn()
        return auth

    def _on_lane(self, session: _Session, work: Callable[[Collection], T]) -> T:
        """Run `work` on the session's collection. Raises Unavailable when it is the open one no more.

        Another profile may have been opened meanwhile, which must not get into this account.
        """
        return self._runtime.run_on_collection(lambda col: work(_same(session, col)))

    def _ask_server(self, session: _Session) -> SyncStatus:
        """Which sync is needed, without any exchange.

        Anki itself remembers the answer for five minutes, and asks nobody while there are local changes.
        A collection that has the same marks and no such memory is asked in its stead.
        """
        marks = self._on_lane(session, lambda col: col.db and col.db.first("select mod, scm, usn from col"))
        assert marks
        with scratch_collection() as scratch:
            assert scratch.db
            modified, schema, usn = marks
            scratch.db.execute(
                "update col set mod = ?, scm = ?, usn = ?, ls = ?",
                *(modified, schema, usn, max(modified, schema)),
            )
            return scratch.sync_status(session.auth)

    def _sync_collection(self, session: _Session) -> SyncOutput:
        """Exchange what has changed since the last sync, if both sides are able to."""
        self._account.save_typed()
        # Asked first: while Anki waits for a server with the collection in its hands, even its window
        # has to wait.
        answer = self._ask_server(session)
        self._follow(answer, session)
        if answer.required == SyncStatus.NO_CHANGES:
            return SyncOutput(required=_NO_CHANGES)

        def exchange(col: Collection) -> SyncOutput:
            self._runtime.will_change()
            output = col.sync_collection(session.auth, False)
            # Before anything else writes, so that editors don't put their old copies over what has come.
            self._runtime.notify_changes(_NOTES)
            return output

        self._account.will_sync()
        try:
            output = self._on_lane(session, exchange)
        finally:
            self._account.did_sync()
        self._follow(output, session)
        if output.server_message:
            self._runtime.notify_user(plain(output.server_message))
        return output

    def _follow(self, answer: object, session: _Session) -> None:
        endpoint = getattr(answer, "new_endpoint", "")
        if endpoint:
            session.auth.endpoint = endpoint
            if session.is_accounts:
                self._account.moved(endpoint)

    def _sync_media(self, session: _Session) -> None:
        self._activity = "media"
        # Only started there, unless a full sync has done so: it runs with that thread free.
        self._on_lane(session, lambda col: col.sync_media(session.auth))
        while session.col.media_sync_status().active:
            time.sleep(_POLL_SECONDS)

    def _replace(self, mode: Mode, session: _Session, output: SyncOutput) -> Replaced:
        if mode not in POSSIBLE[output.required]:
            raise Conflict(
                f"fullSync with the mode {mode!r} would leave nothing on both sides: "
                f"{FullSyncNeeded(output.required)}"
            )
        self._activity = mode
        on_server = self._back_up_server(session, output) if mode == "upload" else None
        media_usn = output.server_media_usn if self._account.with_media else None

        def exchange(there: Collection) -> Replaced:
            col = _same(session, there)
            # The backup belongs here, where no request can add anything that it would lack.
            here = backed_up("local", col, self._runtime.backups)
            col.close_for_full_sync()
            col.full_upload_or_download(auth=session.auth, server_usn=media_usn, upload=mode == "upload")
            return on_server or here

        self._account.will_sync()
        try:
            return self._runtime.full_sync(exchange)
        finally:
            self._account.did_sync()

    def _back_up_server(self, session: _Session, output: SyncOutput) -> Replaced:
        if output.required == SyncOutput.FULL_UPLOAD:
            return {"side": "server", "notes": 0, "cards": 0, "reviews": 0, "backup": None}
        with scratch_collection() as copy:
            self._col = copy
            try:
                copy.close_for_full_sync()
                copy.full_upload_or_download(auth=session.auth, server_usn=None, upload=False)
            finally:
                self._col = session.col
            copy.reopen(after_full_sync=True)
            return backed_up("server", copy, Backups(self._runtime.backups.folder))

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


def _same(session: _Session, col: Collection) -> Collection:
    if col is not session.col:
        raise Unavailable()
    return col
