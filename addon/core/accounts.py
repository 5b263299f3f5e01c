"""The account of a server without Anki's window, and its own times for a sync."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Optional

from anki.collection import Collection
from anki.sync_pb2 import SyncAuth

from ..config import ServerSettings
from .errors import ApiError
from .syncing import Syncer

log = logging.getLogger("ankiconnect")

_SECONDS_WITHOUT_A_BYTE = 60  # as in Anki's preferences


@dataclass(frozen=True)
class SyncAccount:
    """Whom to log in. Without an endpoint that is AnkiWeb."""

    user: str
    password: str = field(repr=False)
    endpoint: Optional[str] = None


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

    def will_sync(self) -> None:
        pass

    def did_sync(self) -> None:
        pass


class Schedule:
    """Syncs at once and then every so many minutes. A sync that fails is logged, and the next one tried."""

    def __init__(self, syncer: Syncer, minutes: float) -> None:
        self._syncer = syncer
        self._seconds = minutes * 60
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Begin no further sync. One that is running goes on."""
        self._stopped.set()

    def _run(self) -> None:
        while True:
            sync_and_log(self._syncer)
            if self._stopped.wait(self._seconds):
                return


def sync_and_log(syncer: Syncer) -> None:
    """Sync, and log how that went instead of raising."""
    try:
        syncer.sync()
        log.info("synced")
    except ApiError as error:
        log.warning("not synced: %s", error)
    except Exception:
        log.exception("not synced")
