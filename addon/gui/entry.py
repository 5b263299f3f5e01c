"""The start inside Anki: settings, host and server tied to Anki's hooks."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import Any

import aqt

from ..app import create_app
from ..config import Settings, load
from ..server import Server, describe_listener
from .host import QtHost

log = logging.getLogger("ankiconnect")

_ADDON = Path(__file__).resolve().parent.parent


def start() -> None:
    """Serve from now until Anki quits, whatever profiles are opened in between."""
    mw = aqt.mw
    _log_to_file(_ADDON / "user_files" / "ankiconnect.log")
    host = QtHost(mw)
    try:
        settings = _Current(host)
    except ValueError as error:
        host.tell(f"AnkiConnect is not listening, for want of a valid configuration: {error}")
        return
    bind = settings.now
    app = create_app(host, lambda: settings.now)
    server = Server(
        app, bind.webBindAddress, bind.webBindPort, bind.webBacklog, lambda: settings.now.body_limit
    )

    def on_busy(error: OSError) -> None:
        host.tell(
            f"AnkiConnect can't listen on {server.url}: {error.strerror or error}. "
            f"{describe_listener(bind.webBindAddress, bind.webBindPort)} It keeps trying. To use "
            "another port, change webBindPort in the add-on's configuration and restart Anki."
        )

    def stop() -> None:
        host.stop()
        server.stop()

    server.start_when_free(on_busy, lambda: log.info("listening on %s", server.url))
    mw.app.aboutToQuit.connect(stop)


class _Current:
    """The settings in force. Edits in Anki's add-on configuration replace them; bad ones don't."""

    def __init__(self, host: QtHost) -> None:
        self._host = host
        manager = aqt.mw.addonManager
        self.now: Settings = load(manager.getConfig(_ADDON.name) or {})
        manager.setConfigUpdatedAction(_ADDON.name, self._update)

    def _update(self, values: dict[str, Any]) -> None:
        try:
            self.now = load(values)
        except ValueError as error:
            self._host.tell(f"AnkiConnect keeps its previous configuration: {error}")


def _log_to_file(path: Path) -> None:
    """Log to `path`, which Anki keeps when it updates the add-on, and to nowhere else."""
    path.parent.mkdir(exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=1_000_000, backupCount=1, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # Anki's root logger writes to stdout
