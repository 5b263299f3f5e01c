"""The server without Anki's window, as a process of its own on a scratch collection."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional

from .ports import free_port

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 30
# Nothing listens there: whatever a URL in a request says, nothing leaves the machine.
_NOWHERE = "http://127.0.0.1:9"
OFFLINE = {"http_proxy": _NOWHERE, "https_proxy": _NOWHERE, "no_proxy": "127.0.0.1"}


class Headless:
    """A running server. `prepare` is called in the new process before it becomes the server."""

    def __init__(self, collection: Path, *, prepare: Optional[Callable[[], None]] = None) -> None:
        self.collection = collection
        self.log = collection.with_suffix(".log")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, **OFFLINE}
        arguments = ["-m", "addon", "--collection", str(collection), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=prepare,
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.ask("version")
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise RuntimeError(self.output())

    def ask(self, action: str, **params: Any) -> Any:
        """The whole reply to a request of version 6."""
        body = json.dumps({"action": action, "version": 6, "params": params}).encode()
        return json.loads(self.send("POST", "/", body)[1])

    def send(self, method: str, path: str, body: Optional[bytes] = None) -> tuple[int, bytes]:
        """Status and body of the reply, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def output(self) -> str:
        """What it has printed and logged."""
        return self.log.read_text("utf-8", "replace")

    def most_memory(self) -> int:
        """The most bytes that it ever held in memory; 0 once it has ended, or where that is not told."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        told = re.search(r"VmHWM:\s*(\d+) kB", status)
        return int(told[1]) * 1024 if told else 0

    def processor_time(self) -> float:
        """Seconds that it has run so far, however busy the machine is; 0 where that is not told."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return 0
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """Have it close the collection and end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()
