"""A desktop without a monitor: an X server, a window manager, and a program beside Anki."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

_OTHER_PROGRAM = """
import sys
from PyQt6.QtWidgets import QApplication, QLineEdit
app = QApplication(sys.argv)
window = QLineEdit("Looking something up")
window.setWindowTitle("Dictionary")
window.textEdited.connect(lambda text: window.setWindowTitle(f"Dictionary: {text}"))
window.selectAll()
window.resize(300, 100)
window.show()
app.exec()
"""


class Desktop:
    """Stopped with `stop`; `display` is its address."""

    def __init__(self) -> None:
        read, write = os.pipe()
        # The server chooses a free number and tells it.
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
        self._programs = [self._start(*command, pass_fds=(write,))]
        os.close(write)
        with os.fdopen(read) as told:
            self.display = f":{told.readline().strip()}"
        self.start("openbox")

    def start(self, *command: str) -> None:
        self._programs.append(self._start(*command, env=self._environment()))

    def start_dictionary(self) -> None:
        """Start the other program and give it the focus."""
        self.start(sys.executable, "-c", _OTHER_PROGRAM)
        self.activate("Dictionary")

    def active(self) -> str:
        """The title of the window that has the focus."""
        command = ["xdotool", "getactivewindow", "getwindowname"]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True)
        return done.stdout.strip()

    def close(self, title: str) -> None:
        """Have the window manager close a window, as the button of its frame does."""
        self.activate(title)
        self.press("alt+F4")

    def visible(self) -> str:
        """The titles of the windows on the screen."""
        command = ["xdotool", "search", "--onlyvisible", "--name", ".", "getwindowname", "%@"]
        return subprocess.run(command, env=self._environment(), capture_output=True, text=True).stdout

    def wait_for_active(self, title: str) -> None:
        deadline = time.monotonic() + 60
        while title not in self.active():
            assert time.monotonic() < deadline, f"{self.active()!r} has the focus, not {title!r}"
            time.sleep(0.05)

    def activate(self, title: str) -> None:
        """Give a window the focus, as a click on its title does."""
        command = ["xdotool", "search", "--sync", "--onlyvisible", "--name", title, "windowactivate"]
        subprocess.run(command, env=self._environment(), check=True)
        self.wait_for_active(title)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is, by their names in X."""
        subprocess.run(["xdotool", "key", *keys], env=self._environment(), check=True)

    def click(self, x: int, y: int) -> None:
        """Press the left mouse button at a place of the screen."""
        command = ["xdotool", "mousemove", "--sync", str(x), str(y), "click", "1"]
        subprocess.run(command, env=self._environment(), check=True)

    def stop(self) -> None:
        for program in reversed(self._programs):
            program.terminate()
            program.wait()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}

    @staticmethod
    def _start(*command: str, **options: Any) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, **options)
