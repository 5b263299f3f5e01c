"""Clients of one account, each with a collection, headless or in a real Anki; and their server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Callable, Optional

from anki._backend import RustBackend
from anki.collection import Collection

from addon.core.sync.account import SyncAccount

from .conftest import Api, HeadlessServer, LiveServer, Server, basic
from .sync_server import PASSWORD, USER, Line, SyncServer

_LOG_IN = """
key = mw.col.sync_login({user!r}, {password!r}, {url!r}).hkey
mw.pm.set_custom_sync_url({url!r})
mw.pm.set_sync_key(key)
mw.pm.set_sync_username({user!r})
"""
_LOG_OUT = """
import pathlib
mw.pm.clear_sync_auth()
mw.pm.set_custom_sync_url(None)
mw.pm.profile["syncMedia"] = True
for file in pathlib.Path(mw.pm.backupFolder()).iterdir():
    file.unlink()
"""


class Client(Api):
    """Calls actions; knows its backups."""

    def __init__(self, server: Server, backups: Path) -> None:
        super().__init__(server, "rpc")
        self._backups = backups

    def add(self, front: str, **more: Any) -> int:
        note_id: int = self("addNote", note=basic(front, **more))
        return note_id

    def fronts(self) -> set[str]:
        notes = self("notesInfo", query="")
        return {note["fields"]["Front"]["value"] for note in notes}

    def backups(self) -> set[Path]:
        return set(self._backups.glob("backup-*.colpkg"))


class World:
    """A server with clients. Everything goes through `line`."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.server = SyncServer(folder / "server")
        self.server.start()
        self.line = Line(self.server.port)
        self._folder, self._template = folder, template
        self._closing = ExitStack()
        self._closing.callback(self.server.kill)
        self._closing.callback(self.line.close)
        self._threads = ThreadPoolExecutor()

    def headless(self, *, password: str = PASSWORD, endpoint: str = "") -> Client:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        path = folder / "collection.anki2"
        path.write_bytes(self._template.read_bytes())
        server = HeadlessServer(path, SyncAccount(USER, password, endpoint or self.line.url))
        self._closing.callback(server.close)
        return Client(server, folder / "backups")

    def anki(self, server: LiveServer) -> Client:
        """The Anki of `server`, logged in as a person would have."""
        live = server.live

        def log_out() -> None:
            if live.anki.exit_code() is None:
                # A request that its test has left alone can still be at work.
                wait_for(lambda: live.anki.invoke("syncStatus")["result"]["state"] == "idle", 60)
                live.run(_LOG_OUT)

        self._closing.callback(log_out)
        live.run(_LOG_IN.format(user=USER, password=PASSWORD, url=self.line.url))
        return Client(server, Path(live.look("mw.pm.backupFolder()")))

    def start(self, call: Callable[..., Any], *args: Any, **params: Any) -> Future[Any]:
        """Make a call in the background."""
        return self._threads.submit(call, *args, **params)

    def close(self) -> None:
        self.line.release()
        self._closing.close()
        self._threads.shutdown()


@contextmanager
def held(line: Line, after: int = 0) -> Iterator[None]:
    line.hold(after)
    try:
        yield
    finally:
        line.release()


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def text_of(call: Future[Any]) -> Optional[str]:
    """The error text of a call that was started, None if it went well."""
    error = call.exception(60)
    return None if error is None else str(error)


def restored(backup: str, folder: Path) -> Collection:
    """The collection that a backup holds."""
    path = folder / "restored.anki2"
    RustBackend().import_collection_package(
        col_path=str(path),
        backup_path=backup,
        media_folder=str(folder / "restored.media"),
        media_db=str(folder / "restored.mdb"),
    )
    return Collection(str(path))
