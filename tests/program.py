"""The server without a window, as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Optional

from tools.ports import free_port

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "addon"]
HOLDING = [sys.executable, "-m", "tests.holding"]
HELD = "Held"  # the deck that its action makes


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without what would choose settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANKICONNECT_")}
    return {**kept, **more}


class Program:
    """Started with the arguments, and with the option of a free port unless another one is given.

    With None it learns no port: `port` is a free one to tell it otherwise.
    """

    def __init__(
        self,
        *arguments: object,
        port: Optional[int] = 0,
        command: list[str] = COMMAND,
        cwd: Path = ROOT,
        environment: Optional[dict[str, str]] = None,
    ) -> None:
        self.port = port or free_port()
        given = [] if port is None else ["--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, *given, *map(str, arguments)],
            cwd=cwd,
            env=clean_environment(**(environment or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_it_serves(self) -> str:
        """The line that says so."""
        assert self.process.stderr
        line = self.process.stderr.readline()
        assert "serves" in line, line
        return line

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of the reply."""
        connection = self.connect()
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def ask(self, action: str, **params: Any) -> Any:
        return self.send("POST", "/", {"action": action, "params": params})[1]

    def memory(self) -> float:
        """Resident memory in MB."""
        return self._memory("VmRSS")

    def peak_memory(self) -> float:
        """The most resident memory that it has had, in MB."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) / 1024

    def processor_time(self) -> float:
        """Seconds that it has run so far, however busy the machine is with other things."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, signum: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(signum)
        return self.end()

    def end(self) -> tuple[int, str, str]:
        """Exit code and output, once it has ended by itself."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


class SlowAction:
    """An action that holds the collection of a program, started with `HOLDING`, until it is let go on."""

    def __init__(self, program: Program, folder: Path) -> None:
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        self._replies: queue.Queue[tuple[int, Any]] = queue.Queue()

        def ask() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):  # the end of the server
                self._replies.put(program.send("POST", "/hold", {"pipe": str(pipe)}))

        threading.Thread(target=ask, daemon=True).start()
        self._writer = os.open(pipe, os.O_WRONLY)  # waits until the action reads

    def let_go_on(self) -> tuple[int, Any]:
        """Status and JSON of its reply."""
        os.write(self._writer, b"held")
        os.close(self._writer)
        return self._replies.get(timeout=60)
