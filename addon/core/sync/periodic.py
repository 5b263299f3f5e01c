"""A server's own times for a sync: every so many minutes, and before it exits."""

from __future__ import annotations

import logging
import threading

from ..errors import ApiError
from .engine import Syncer

log = logging.getLogger("ankiconnect")


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
    except BaseException:  # a panic inside Anki as well, of which the syncer has told
        log.exception("not synced")


def sync_before_exit(syncer: Syncer, seconds: float) -> None:
    """Sync once more, after one that is running, and wait for that for so long at most.

    It goes on then, until the syncer is stopped.
    """

    def work() -> None:
        syncer.wait(seconds)
        sync_and_log(syncer)

    # A thread of its own, since nothing interrupts one that waits for a server inside Anki's library.
    thread = threading.Thread(target=work, name="last sync", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        log.warning("not waiting for the sync any longer; what it has not sent, the next sync will")
