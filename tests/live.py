"""A real Anki for tests: started offscreen, looked into through the probe add-on."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, Callable

from tools.build import build
from tools.launch import Anki
from tools.ports import free_port

PROBE = Path(__file__).with_name("probe")
ADDON_FOLDER = "1999999999"  # AnkiWeb installs add-ons under a number

_CLOSE_WINDOWS = """
for name in list(aqt.dialogs._dialogs):
    window = aqt.dialogs._dialogs[name][1]
    if window is not None:
        if hasattr(window, "ifCanClose"):
            window._close()
        else:
            window.close()
for window in mw.app.topLevelWidgets():
    if window is not mw and window.isVisible():
        window.close()
"""

_OPEN_WINDOWS = "[name for name, (_, window) in aqt.dialogs._dialogs.items() if window]"

_REPLACE_COLLECTION = """
import pathlib, shutil
# Let what runs in the background finish, such as the deck list's own query: Anki would tell in a dialog
# that its collection was closed.
mw.taskman._collection_executor.submit(lambda: None).result()
path = col.path
media = pathlib.Path(col.media.dir())
col.close(downgrade=False)
for file in pathlib.Path(path).parent.glob("collection.*2*"):  # with what it remembers of media
    file.unlink()
shutil.copy({template!r}, path)
for file in media.iterdir():
    file.unlink()
col.reopen()
if hasattr(col, "_experiments"):
    col._experiments = {{}}  # Anki keeps what a test has turned on
mw.moveToState("deckBrowser")
mw.update_undo_actions()
"""


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class LiveAnki:
    """A running Anki with the built package and the probe."""

    def __init__(self, base: Path, *, with_addon: bool = True, python: str = sys.executable) -> None:
        self.anki = Anki(base, free_port(), python=python)
        self.url = self.anki.url
        self.addon = base / "addons21" / ADDON_FOLDER
        self._probe_port = free_port()
        self._probe: Connection | None = None
        self.anki.prepare()
        self.anki.install_folder(PROBE, "probe")
        if with_addon:
            with zipfile.ZipFile(build(base / "built.ankiaddon")) as package:
                package.extractall(self.addon)

    def start(self, **environment: str) -> None:
        self.anki.start(ANKI_PROBE_PORT=str(self._probe_port), **environment)
        self.wait_for("col is not None")
        # Anki measures its bottom bar on each new screen. Where the page is not loaded yet, since tests are
        # quick, Anki refreshes everything a second later, the card under review too.
        self.run("mw.bottomWeb.adjustHeightToFit = lambda: None")

    def run(self, source: str) -> Any:
        """Run Python on the main thread and return its `result`."""
        deadline = time.monotonic() + 60
        while self._probe is None:
            try:
                self._probe = Client(("127.0.0.1", self._probe_port), authkey=b"probe")
            except ConnectionRefusedError:
                if self.anki.exit_code() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.output()) from None
                time.sleep(0.02)
        self._probe.send(source)
        assert self._probe.poll(60), "Anki's main thread does not answer"
        worked, value = self._probe.recv()
        assert worked, value
        return value

    def look(self, expression: str) -> Any:
        """The value of an expression on the main thread; knows `col`, `mw` and `aqt`."""
        return self.run(f"result = {expression}")

    def wait_for(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + seconds
        while not (value := self.look(expression)):
            assert time.monotonic() < deadline, f"{expression} did not become true"
            time.sleep(0.02)
        return value

    def busy_main_thread(self) -> AbstractContextManager[None]:
        """Within it, the main thread does nothing else."""
        return self._busy("main", "aqt.qt.QTimer.singleShot(0, work)")

    def busy_lane(self) -> AbstractContextManager[None]:
        """Within it, the collection is in use."""
        return self._busy("lane", "mw.taskman.run_in_background(work)")

    @contextlib.contextmanager
    def _busy(self, what: str, start: str) -> Iterator[None]:
        begun, go_on = self.anki.base / f"{what}-is-busy", self.anki.base / f"{what}-may-go-on"
        self.run(
            "import pathlib, time\n"
            "def work():\n"
            f"    pathlib.Path({str(begun)!r}).touch()\n"
            f"    while not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.01)\n"
            f"    pathlib.Path({str(begun)!r}).unlink()\n"
            f"{start}"
        )
        try:
            _wait_until(begun.exists)
            yield
        finally:
            go_on.touch()
            _wait_until(lambda: not begun.exists())
            go_on.unlink()

    def reset(self, template: Path) -> None:
        """Close all windows and put a fresh collection in place."""
        self.run(_CLOSE_WINDOWS)
        self.wait_for(f"not {_OPEN_WINDOWS}")  # an editor saves its note first
        self.run(_REPLACE_COLLECTION.format(template=str(template)))
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Give the add-on these settings, and defaults for the others, as its config window does."""
        self.run(f"mw.addonManager.configUpdatedAction({self.addon.name!r})({settings!r})")

    def output(self) -> str:
        """What Anki has printed so far."""
        return self.anki.output.read_text("utf-8", "replace")

    def log(self) -> str:
        return (self.addon / "user_files" / "ankiconnect.log").read_text("utf-8")

    def stop(self) -> int:
        self._disconnect()
        return self.anki.stop()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._disconnect()
        self.anki.kill()

    def _disconnect(self) -> None:
        if self._probe is not None:
            self._probe.close()
            self._probe = None

    def remove(self) -> None:
        shutil.rmtree(self.anki.base, ignore_errors=True)
