"""Anki's own sync server as a process, and a line to it that a test can hold up or cut."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Optional

import requests

from tools.ports import free_port

USER, PASSWORD = "user", "secret"


class SyncServer:
    """Keeps its data in `base`, so that it can be stopped and started again."""

    def __init__(self, base: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._base = base
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self, password: str = PASSWORD) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "anki.syncserver"],
            env={
                **os.environ,
                "SYNC_USER1": f"{USER}:{password}",
                "SYNC_BASE": str(self._base),
                "SYNC_HOST": "127.0.0.1",
                "SYNC_PORT": str(self.port),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._process.poll() is None, "the sync server has ended"
                assert time.monotonic() < deadline, "the sync server does not listen"
                time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        if self._process:
            self._process.kill()
            self._process.wait()


class Line:
    """Passes connections on to a port of this machine, until it is told not to."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.waiting = threading.Event()  # something waits for the line to be released
        self._open = threading.Event()
        self._open.set()
        self._hold_after: Optional[int] = None
        self._cut_after: Optional[int] = None
        self.passed = 0  # bytes, both ways
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, after: int = 0) -> None:
        """Keep what comes, once so many bytes have passed."""
        self.passed, self._hold_after = 0, after
        self.waiting.clear()
        self._open.clear()

    def release(self) -> None:
        self._hold_after = None
        self._open.set()

    def cut(self, after: int) -> None:
        """Break all connections once so many bytes have passed, and take no new ones."""
        self.passed, self._cut_after = 0, after

    def mend(self) -> None:
        self._cut_after = None

    @property
    def is_cut(self) -> bool:
        return self._cut_after is not None and self.passed >= self._cut_after

    def close(self) -> None:
        self.release()
        self._listener.close()
        self._break()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = self._listener.accept()
                if self.is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1024):
                self.passed += len(data)
                if self._hold_after is not None and self.passed > self._hold_after:
                    self.waiting.set()
                    self._open.wait()
                if self.is_cut:
                    self._break()
                    return
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()  # the other one is the other thread's

    def _break(self) -> None:
        sockets, self._sockets = self._sockets, []
        for end in sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Moved:
    """A sync server that logs in, and for all else sends to another address, as AnkiWeb's does."""

    def __init__(self, target: str) -> None:
        moved = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = b""
                while size := int(self.rfile.readline(), 16):  # Anki sends chunks
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                if self.path.endswith("/hostKey"):
                    headers = {name: self.headers[name] for name in ("anki-sync", "Content-Type")}
                    reply = requests.post(target + self.path.lstrip("/"), body, headers=headers, timeout=20)
                    status, content, more = reply.status_code, reply.content, dict(reply.headers)
                else:
                    moved.asked += 1
                    status, content, more = 308, b"", {"Location": target}
                self.send_response(status)
                for name, value in more.items():
                    if name.lower().startswith(("anki", "location")):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.asked = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
