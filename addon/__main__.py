"""`python -m addon`, installed as `ankiconnect-server`: the same API on a collection file, without Anki."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn, Optional

from anki.errors import AnkiException

from . import options
from .app import create_app
from .core.errors import AnkiLacks, as_api_error
from .core.headless import PATIENCE_SECONDS, HeadlessRuntime
from .core.plain_text import LogLines
from .core.private_api import report_missing
from .core.sync.account import account_from
from .core.sync.periodic import Schedule, sync_before_exit
from .http import malloc
from .http.server import Server, describe_listener
from .settings_warnings import slips

log = logging.getLogger("ankiconnect")

_REPLY_SECONDS = 0.5
_PANIC_CODE = 70  # "internal software error" (sysexits.h)


def main() -> int:
    """Serve until a signal comes, and exit. Returns an exit code when the server can't start."""
    stop = _Stop()
    _log_to_stderr()
    try:
        settings = options.settle(sys.argv[1:], os.environ, _program())
    except ValueError as error:
        return _fail(str(error))
    sys.stdout = sys.stderr  # some versions of Anki print
    malloc.share_one_heap()
    # Otherwise, where RUST_BACKTRACE is set, the first error inside Anki costs 50 MB for good.
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    collection = Path(str(settings.collection)).expanduser()
    media = Path(settings.mediaFolder).expanduser() if settings.mediaFolder else None
    if collection.suffix.lower() != ".anki2":
        return _fail(f"the collection's name should end in .anki2: {collection}")
    if not collection.parent.is_dir():
        return _fail(f"the folder does not exist: {collection.parent}")
    try:
        account = account_from(settings)
        runtime = HeadlessRuntime(collection, media, account)
    except ValueError as error:
        return _fail(str(error))
    except (ImportError, AnkiLacks) as error:
        return _fail(str(as_api_error(error)))
    except (AnkiException, OSError) as error:
        return _fail(f"the collection can't be opened: {collection}: {error}")
    problems: list[str] = []
    server = Server(
        create_app(runtime, lambda: settings, lambda: problems),
        settings.webBindAddress,
        settings.webBindPort,
        settings.webBacklog,
        lambda: settings.body_limit,
        lambda: settings.memory_limit,
    )
    try:
        server.start()
    except OSError as error:
        runtime.close()
        reason = f"can't listen on {server.url}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE:
            reason += f". {describe_listener(settings.webBindAddress, settings.webBindPort)}"
        return _fail(reason)
    log.info("AnkiConnect serves %s at %s", settings.collection, server.url)
    report_missing("anki")
    problems += slips(settings, (), os.environ)
    for problem in problems:
        log.warning("%s", problem)
    schedule = Schedule(runtime.syncer, settings.syncEvery) if settings.syncEvery else None
    runtime.on_panic = stop.ask
    stop.wait()
    if runtime.is_broken:
        log.error("Anki's backend has failed, so AnkiConnect exits: start it again")
        server.stop(_REPLY_SECONDS)
        # The collection can't be closed any more. What was answered is stored.
        return _exit(_PANIC_CODE)
    log.info("AnkiConnect stops")
    if schedule:
        schedule.stop()
    deadline = time.monotonic() + PATIENCE_SECONDS
    if settings.syncOnExit:
        sync_before_exit(runtime.syncer, PATIENCE_SECONDS)
    # The collection first: requests that wait for it learn that it is gone, while they can be answered.
    runtime.close(max(0, deadline - time.monotonic()))
    server.stop(_REPLY_SECONDS)
    return _exit(0)


def _exit(code: int) -> NoReturn:
    """Exit at once. Python's own exit would wait for downloads that are under way."""
    sys.stderr.flush()
    os._exit(code)


class _Stop:
    """SIGINT and SIGTERM, as something to wait for."""

    def __init__(self) -> None:
        # Python runs handlers on the main thread, which a signal does not wake when it comes a moment
        # before the thread goes to wait, or to another thread. What is written here always does.
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wait(self) -> None:
        self._receiver.recv(1)

    def ask(self) -> None:
        """Have `wait` return, as a signal does. For any thread."""
        self._sender.send(b"\0")

    def _on_signal(self, number: int, _frame: Optional[FrameType]) -> None:
        if number == signal.SIGINT and self._asked:
            os._exit(1)  # Ctrl-C once more, while an action takes long
        self._asked = True


def _program() -> str:
    """How this program was called."""
    name = Path(sys.argv[0]).name
    return f"python -m {__package__}" if name == "__main__.py" else name


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _fail(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
