"""The accounts that runtimes sync with, and that of a server without Anki's window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Protocol

from anki.collection import Collection
from anki.sync import SyncAuth

from ..settings import ServerSettings

_SECONDS_WITHOUT_A_BYTE = 60  # as in Anki's preferences


@dataclass(frozen=True)
class SyncAccount:
    """Whom to log in, and where."""

    user: str
    password: str = field(repr=False)
    endpoint: Optional[str] = None  # AnkiWeb, or that of the runtime's account


class Account(Protocol):
    """The account that a runtime syncs with, and what goes on around a sync there.

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

    def save_typed(self) -> None:
        """Have windows save what a person has typed so far."""

    def will_sync(self) -> None:
        """The collection is about to be synced."""

    def did_sync(self) -> None:
        """The collection was synced, or could not be: have windows show what it holds now."""


def account_from(settings: ServerSettings) -> Optional[SyncAccount]:
    """The account that settings give. Raises ValueError for half of one, or none where one is needed."""
    user, password, endpoint = settings.syncUser, settings.syncPassword, settings.syncEndpoint
    if user and password:
        return SyncAccount(user, password, endpoint)
    if user or password or endpoint or settings.syncEvery or settings.syncOnExit:
        raise ValueError("to sync, --sync-user and --sync-password-file are needed")
    return None


class PasswordAccount:
    """Logs in when it is needed first, and remembers what the server gives for it until that expires."""

    with_media = True
    timeout = _SECONDS_WITHOUT_A_BYTE

    def __init__(self, account: Optional[SyncAccount]) -> None:
        self._account = account
        self._key: Optional[str] = None
        self.endpoint = account.endpoint if account else None

    def auth(self, col: Collection) -> Optional[SyncAuth]:
        if self._account is None:
            return None
        if self._key is None:
            endpoint = self._account.endpoint
            self._key = col.sync_login(self._account.user, self._account.password, endpoint).hkey
        return SyncAuth(hkey=self._key, endpoint=self.endpoint, io_timeout_secs=self.timeout)

    def forget(self) -> None:
        self._key = None

    def moved(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def is_busy(self) -> bool:
        return False

    def show_activity(self, active: bool) -> None:
        pass

    def save_typed(self) -> None:
        pass

    def will_sync(self) -> None:
        pass

    def did_sync(self) -> None:
        pass
