"""The start inside Anki: settings, host and server tied to Anki's hooks and menu."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any, Optional

import aqt
from aqt.qt import QAction, qconnect

from ..app import create_app
from ..config import Settings, load
from ..core.pieces import report_missing
from ..core.plain_text import LogLines
from ..server import Server, describe_listener
from .folder import addon_name, addon_path
from .host import QtHost
from .wakefulness import stay_awake

log = logging.getLogger("ankiconnect")

_TURN_SECONDS = 0.001


def start() -> None:
    """Serve from now until Anki quits, whatever profiles are opened in between."""
    _log_to_file(addon_path() / "user_files" / "ankiconnect.log")
    # Anki's window waits for Python behind each thread that works for a request, by default 5 ms a time.
    sys.setswitchinterval(min(sys.getswitchinterval(), _TURN_SECONDS))
    service = _Service(QtHost(aqt.mw))
    service.start()
    report_missing("anki", "aqt")
    aqt.mw.app.aboutToQuit.connect(service.stop)


class _Service:
    """The server and the settings in force. Edits in Anki's add-on configuration replace them at once.

    Settings that are wrong, or an address that can't be listened on, are told, and the ones before stay.
    All of it runs on the main thread.
    """

    def __init__(self, host: QtHost) -> None:
        self._host = host
        self._settings: Optional[Settings] = None
        self._server: Optional[Server] = None
        self._app = create_app(host, lambda: self._settings or Settings())
        host.permissions.on_allowed = lambda origin: self._add("webCorsOriginList", origin)
        host.permissions.on_ignored = lambda origin: self._add("ignoreOriginList", origin)
        aqt.mw.addonManager.setConfigUpdatedAction(addon_name(), self._use)
        action = QAction("AnkiConnect", aqt.mw)
        qconnect(action.triggered, self._open_page)
        aqt.mw.form.menuTools.addAction(action)

    def start(self) -> None:
        self._use(aqt.mw.addonManager.getConfig(addon_name()) or {})

    def stop(self) -> None:
        self._host.stop()
        if self._server:
            self._server.stop()
        stay_awake(False)

    def _use(self, values: dict[str, Any]) -> None:
        try:
            settings = load(values)
        except ValueError as error:
            consequence = "keeps its previous configuration" if self._server else "is not listening"
            self._host.tell(f"AnkiConnect {consequence}: {error}")
            return
        before, self._settings = self._settings, settings
        if before is None or self._server is None:
            self._server = self._new_server(settings)
            self._start(self._server)
        elif _listens_elsewhere(before, settings):
            self._move(before, settings)

    def _move(self, before: Settings, settings: Settings) -> None:
        """Listen where the new settings say, or else go on with the ones before."""
        assert self._server
        # First of all free: the new address can include the old one.
        self._server.stop()
        moved = self._new_server(settings)
        try:
            moved.start()
        except OSError as error:
            self._host.tell(
                f"AnkiConnect keeps its previous configuration: it can't listen on {moved.url}: "
                f"{error.strerror or error}"
            )
            self._settings = before
            self._server = self._new_server(before)
            self._start(self._server)
        else:
            self._server = moved
            self._listening()

    def _start(self, server: Server) -> None:
        server.start_when_free(self._tell_busy, lambda: self._host.soon(self._listening))

    def _new_server(self, settings: Settings) -> Server:
        return Server(
            self._app,
            settings.webBindAddress,
            settings.webBindPort,
            settings.webBacklog,
            lambda: (self._settings or settings).body_limit,
            lambda: (self._settings or settings).memory_limit,
        )

    def _listening(self) -> None:
        assert self._server
        log.info("listening on %s", self._server.url)
        stay_awake(True)

    def _tell_busy(self, error: OSError) -> None:
        """Called on the server's thread, which can wait for the other program's answer."""
        assert self._settings and self._server
        holder = describe_listener(self._settings.webBindAddress, self._settings.webBindPort)
        self._host.tell(
            f"AnkiConnect can't listen on {self._server.url}: {error.strerror or error}. {holder} It keeps "
            "trying. To use another port, change webBindPort in the add-on's configuration."
        )

    def _add(self, setting: str, origin: str) -> None:
        """Add an origin to a list in the configuration."""
        manager = aqt.mw.addonManager
        values = manager.getConfig(addon_name()) or {}
        values[setting] = [*values.get(setting, []), origin]
        manager.writeConfig(addon_name(), values)
        self._use(values)

    def _open_page(self) -> None:
        from aqt.utils import openLink

        if self._server:
            # Nothing can be asked at the address that stands for all of this machine's.
            openLink(self._server.url.replace("/0.0.0.0:", "/127.0.0.1:").replace("/[::]:", "/[::1]:"))


def _listens_elsewhere(before: Settings, after: Settings) -> bool:
    names = ("webBindAddress", "webBindPort", "webBacklog")
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _log_to_file(path: Path) -> None:
    """Log to `path`, which Anki keeps when it updates the add-on, and to nowhere else.

    Where the folder can't be written, as that of a packager can't, nothing is logged.
    """
    handler: logging.Handler
    try:
        path.parent.mkdir(exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=1_000_000, backupCount=1, encoding="utf-8"
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(LogLines())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # Anki's root logger writes to stdout
