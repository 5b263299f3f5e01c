"""Starts a real Anki with the add-on on a base folder of its own, in a window or offscreen.

`make run` uses it as a program, the tests as a module.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Optional

ROOT = Path(__file__).resolve().parent.parent
ADDON = ROOT / "addon"
PROFILE = "User 1"
_START_SECONDS = 180
_STOP_SECONDS = 60

# Run in a process of its own, since it loads Qt.
_MAKE_PROFILE = """
import sys
from pathlib import Path
from aqt.profiles import ProfileManager
manager = ProfileManager(Path(sys.argv[1]))
manager.setupMeta()
manager.setLang("en_US")
if sys.argv[2] not in manager.profiles():
    manager.create(sys.argv[2])
manager.meta.update(firstRun=False, updates=False, check_for_updates=False, check_for_addon_updates=False)
manager.load(sys.argv[2])
manager.profile["autoSync"] = False
manager.save()
"""


# Nothing is written to its standard input, which ends with the process that started Anki, however that one
# ends. So Anki is not left behind.
# PyQt's clean-up at Python's end may look at an object that is freed already. Then Anki, with or without
# add-ons, has saved everything and still ends with SIGSEGV, one time in thirty. So it is left out.
_RUN = f"""
import atexit, os, signal, threading, time

def follow():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep({_STOP_SECONDS})
    if hasattr(os, "killpg"):
        os.killpg(os.getpid(), signal.SIGKILL)

def register(function, *arguments, **named):
    is_clean_up = getattr(function, "__name__", "") == "_qtcore_cleanup"
    return function if is_clean_up else atexit_register(function, *arguments, **named)

atexit_register, atexit.register = atexit.register, register
threading.Thread(target=follow, daemon=True).start()
import aqt; aqt.run()
"""


class Anki:
    """A running Anki. `python` is the interpreter whose aqt is started."""

    def __init__(self, base: Path, port: int, *, python: str = sys.executable) -> None:
        self.base = base
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.python = python
        self.output = base / "output.txt"
        self._process: Optional[subprocess.Popen[bytes]] = None

    def prepare(self) -> None:
        """Make the base folder with one profile, unless it is there."""
        self.base.mkdir(parents=True, exist_ok=True)
        self._run("-c", _MAKE_PROFILE, str(self.base), PROFILE)

    def install_folder(self, source: Path, name: str) -> Path:
        """Copy an add-on folder into Anki's, keeping the configuration that is there."""
        target = self.base / "addons21" / name
        kept = target / "meta.json"
        meta = kept.read_bytes() if kept.exists() else None
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "user_files"))
        if meta is not None:
            kept.write_bytes(meta)
        return target

    def start(self, **environment: str) -> None:
        """Start Anki and wait until the API answers with an open collection."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [self.python, "-c", _RUN, "-b", str(self.base), "-p", PROFILE],
                env={**self._environment(), **environment},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # So that a Ctrl-C in the terminal reaches us alone, and Anki is asked to quit once.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.exit_code() is not None:
                raise RuntimeError(f"Anki exited with {self.exit_code()}:\n{self.output.read_text()}")
            try:
                if self.invoke("deckNames")["error"] is None:
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Anki did not answer at {self.url}:\n{self.output.read_text()}")

    def invoke(self, action: str, **params: Any) -> dict[str, Any]:
        body = json.dumps({"action": action, "version": 6, "params": params}).encode()
        with urllib.request.urlopen(self.url, body, timeout=60) as response:
            reply: dict[str, Any] = json.load(response)
        return reply

    def exit_code(self) -> Optional[int]:
        return self._process.poll() if self._process else None

    def stop(self) -> int:
        """Have Anki quit as from its menu, and return its exit code."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        return self.wait()

    def kill(self) -> None:
        """End it at once, with all its processes, as a power cut would."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Wait until it has ended, and return its exit code."""
        assert self._process and self._process.stdin
        code = self._process.wait()
        self._process.stdin.close()
        return code

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [self.python, *arguments], env=self._environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr or done.stdout)

    def _environment(self) -> dict[str, str]:
        environment = dict(os.environ)
        has_display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
        if sys.platform.startswith("linux") and not has_display:
            environment["QT_QPA_PLATFORM"] = "offscreen"
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            environment["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium's sandbox refuses root
        # Anki hands over to an instance of the same user that is running; this one stands alone.
        # Versions without the setting tell users apart by their login name.
        alone = f"ankiconnect-{self.port}"
        environment.update(ANKI_SINGLE_INSTANCE_KEY=alone, LOGNAME=alone)
        environment["ANKICONNECT_BIND_PORT"] = str(self.port)
        return environment


def main() -> int:
    parser = argparse.ArgumentParser(description="Start Anki with the add-on on a throwaway profile.")
    parser.add_argument("--base", type=Path, default=ROOT / ".anki")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    anki = Anki(options.base.resolve(), options.port)
    if _answers(anki):
        print(f"error: something answers at {anki.url} already; choose another PORT=", file=sys.stderr)
        return 2
    anki.prepare()
    anki.output.unlink(missing_ok=True)
    anki.install_folder(ADDON, "ankiconnect")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        anki.start()
        anki.wait_until_ready()
        print(
            f"Anki answers at {anki.url} (Ctrl-C stops it; its output is in {anki.output})",
            flush=True,
        )
        code = anki.wait()
    except KeyboardInterrupt:
        code = anki.stop()
    print("Anki has stopped", flush=True)
    return code


def _answers(anki: Anki) -> bool:
    try:
        anki.invoke("version")
    except OSError:
        return False
    except ValueError:
        pass  # answers, though not as we do
    return True


if __name__ == "__main__":
    sys.exit(main())
