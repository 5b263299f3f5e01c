"""The start inside Anki: settings, runtime and server tied to Anki's hooks and menu."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Optional

import aqt
from aqt.qt import QAction, qconnect

from ..app import create_app
from ..core.plain_text import LogLines
from ..core.private_api import report_missing
from ..core.settings import Settings
from ..http.server import Server, describe_listener
from ..settings_sources import load
from ..settings_warnings import slips
from . import settings
from .app_nap import stay_awake
from .folder import addon_name, addon_path
from .notices import Notices
from .runtime import QtRuntime
from .settings import LastGood, Values

log = logging.getLogger("ankiconnect")

_TURN_SECONDS = 0.001


def start() -> None:
    """Serve from now until Anki quits, whatever profiles are opened in between."""
    _log_to_file(_user_files() / "ankiconnect.log")
    # Anki's window waits for Python behind each thread that works for a request, by default 5 ms a time.
    sys.setswitchinterval(min(sys.getswitchinterval(), _TURN_SECONDS))
    service = _Service(QtRuntime(aqt.mw))
    service.start()
    report_missing("anki", "aqt")
    aqt.mw.app.aboutToQuit.connect(service.stop)


class _Service:
    """The server and the settings in force. Edits in Anki's add-on configuration replace them at once.

    Settings that are wrong, or an address that can't be listened on, are told, and the ones before stay:
    now, and at the next start. All of it runs on the main thread.
    """

    def __init__(self, runtime: QtRuntime) -> None:
        self._runtime = runtime
        self._settings: Optional[Settings] = None
        self._values: Values = {}  # that gave the settings in force
        self._last_good = LastGood(_user_files() / "settings.json")
        self._server: Optional[Server] = None
        self._notices = Notices()
        self._was_busy = False
        self._problems: dict[str, list[str]] = {}  # for the page and the menu, by what they are about
        self._app = create_app(runtime, lambda: self._settings or Settings(), self._all_problems)
        runtime.permissions.on_allowed = lambda origin: self._add("webCorsOriginList", origin)
        runtime.permissions.on_ignored = lambda origin: self._add("ignoreOriginList", origin)
        aqt.mw.addonManager.setConfigUpdatedAction(addon_name(), self._on_edited)
        action = QAction("AnkiConnect", aqt.mw)
        qconnect(action.triggered, self._open_page)
        aqt.mw.form.menuTools.addAction(action)

    def start(self) -> None:
        values = settings.stored()
        try:
            self._use(values)
        except ValueError as error:
            is_in_force = self._use_last_good()
            consequence = "uses the settings of last time" if is_in_force else "is not listening"
            text = f"AnkiConnect {consequence}: {error}"
            self._problems["settings"] = [text]
            self._tell(values, [text], by_person=False)
        if self._settings:
            self._look_for_slips()

    def _use_last_good(self) -> bool:
        values = self._last_good.read()
        if values is not None:
            with contextlib.suppress(ValueError):
                self._use(values)
        return self._settings is not None

    def stop(self) -> None:
        self._runtime.stop()
        if self._server:
            self._server.stop()
        stay_awake(False)

    def _on_edited(self, values: Values) -> None:
        by_person = settings.is_being_edited()
        try:
            self._use(values)
        except ValueError as error:
            if self._server:
                settings.store(self._values)  # for the next start
            consequence = "keeps its previous configuration" if self._server else "is not listening"
            self._tell(values, [f"AnkiConnect {consequence}: {error}"], by_person)
        else:
            self._look_for_slips(by_person)

    def _use(self, values: Values) -> None:
        """Put settings in force. Raises ValueError, and changes nothing, when they can't be."""
        new = load(values)
        before, self._settings = self._settings, new
        if before is None or self._server is None:
            self._server = self._new_server(new)
            self._start(self._server)
        elif _listens_elsewhere(before, new):
            self._move(before, new)
        self._values = dict(values)
        self._last_good.write(self._values)
        self._problems.pop("settings", None)

    def _move(self, before: Settings, new: Settings) -> None:
        """Listen where the new settings say, or else go on with the ones before."""
        assert self._server
        # First of all free: the new address can include the old one.
        self._server.stop()
        moved = self._new_server(new)
        try:
            moved.start()
        except OSError as error:
            self._settings = before
            self._server = self._new_server(before)
            self._start(self._server)
            raise ValueError(f"it can't listen on {moved.url}: {error.strerror or error}") from None
        self._server = moved
        self._listening()

    def _start(self, server: Server) -> None:
        server.start_when_free(self._tell_busy, lambda: self._runtime.post_to_main(self._listening))

    def _new_server(self, new: Settings) -> Server:
        return Server(
            self._app,
            new.webBindAddress,
            new.webBindPort,
            new.webBacklog,
            lambda: (self._settings or new).body_limit,
            lambda: (self._settings or new).memory_limit,
        )

    def _listening(self) -> None:
        assert self._server
        self._problems.pop("port", None)
        log.info("listening on %s", self._server.url)
        stay_awake(True)

    def _tell_busy(self, error: OSError) -> None:
        """Called on the server's thread, which can wait for the other program's answer."""
        assert self._settings and self._server
        server = self._server
        holder = describe_listener(self._settings.webBindAddress, self._settings.webBindPort)
        text = (
            f"AnkiConnect can't listen on {server.url}: {error.strerror or error}. {holder} It keeps "
            "trying. To use another port, change webBindPort in the add-on's configuration."
        )

        def tell() -> None:
            if server is not self._server or server.is_listening:
                return  # by now
            self._problems["port"] = [text]
            if self._was_busy:
                log.warning("%s", text)
            else:
                self._was_busy = True
                self._notices.tell(text, lambda: settings.edit(settings.stored(), text))

        self._runtime.post_to_main(tell)

    def _look_for_slips(self, by_person: bool = False) -> None:
        """Tell what has no effect in the settings in force, once it is found."""
        assert self._settings
        in_force, values = self._settings, self._values

        def look() -> None:
            found = slips(in_force, values, os.environ)
            self._runtime.post_to_main(lambda: tell(found))

        def tell(found: list[str]) -> None:
            if in_force is self._settings:
                self._problems["slips"] = found
                if found:
                    self._tell(values, found, by_person)

        threading.Thread(target=look, name="ankiconnect-settings", daemon=True).start()

    def _tell(self, values: Values, texts: list[str], by_person: bool) -> None:
        """Tell what is wrong with settings: above them, if a person has just edited them."""
        text = "\n".join(texts)

        def edit() -> None:
            settings.edit(values, text)

        if by_person:
            log.warning("%s", text)
            self._runtime.post_to_main(edit)  # when Anki has closed the window
        else:
            self._notices.tell(text, edit)

    def _all_problems(self) -> list[str]:
        return [text for texts in list(self._problems.values()) for text in texts]

    def _add(self, setting: str, origin: str) -> None:
        """Add an origin to a list in the configuration."""
        # What Anki keeps can be wrong, and still holds what a person wants to mend.
        for values, use in ((settings.stored(), settings.store), (self._values, self._use)):
            known = values.get(setting)
            use({**values, setting: [*(known if isinstance(known, list) else ()), origin]})

    def _open_page(self) -> None:
        from aqt.utils import openLink

        if self._server and self._server.is_listening:
            # Nothing can be asked at the address that stands for all of this machine's.
            openLink(self._server.url.replace("/0.0.0.0:", "/127.0.0.1:").replace("/[::]:", "/[::1]:"))
            return
        for text in self._all_problems() or ["AnkiConnect is not listening yet."]:
            self._notices.tell(text, partial(settings.edit, settings.stored(), text), activate=True)


def _user_files() -> Path:
    """The folder that Anki keeps when it updates the add-on."""
    return addon_path() / "user_files"


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
