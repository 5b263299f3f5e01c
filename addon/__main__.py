"""`python -m addon`: the same API on a collection file, without Anki's window."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Optional

from anki.errors import DBError

from .app import create_app
from .config import load
from .core.accounts import Schedule, SyncAccount, account_from, sync_and_log
from .core.headless import HeadlessHost
from .server import Server, describe_listener


def main() -> int:
    options = _options()
    stop = _signal_to_stop()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    given = {
        "webBindAddress": options.host,
        "webBindPort": options.port,
        "apiKey": options.key,
    }
    try:
        settings = load({name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        return _fail(str(error))
    folder = options.collection.parent
    if not folder.is_dir():
        return _fail(f"the folder does not exist: {folder}")
    try:
        account = _account(options)
        host = HeadlessHost(options.collection, account)
    except ValueError as error:
        return _fail(str(error))
    except DBError as error:
        return _fail(f"the collection can't be opened: {options.collection}: {error}")
    server = Server(
        create_app(host, lambda: settings),
        settings.webBindAddress,
        settings.webBindPort,
        settings.webBacklog,
        lambda: settings.body_limit,
    )
    try:
        server.start()
    except OSError as error:
        host.close()
        holder = describe_listener(settings.webBindAddress, settings.webBindPort)
        return _fail(f"can't listen on {server.url}: {error.strerror or error}. {holder}")
    print(f"AnkiConnect serves {options.collection} at {server.url}", file=sys.stderr, flush=True)
    schedule = Schedule(host.syncer, options.sync_every) if options.sync_every else None
    stop.wait()
    if schedule:
        schedule.stop()
    server.stop()
    if options.sync_on_exit:
        sync_and_log(host.syncer)
    host.close()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m addon",
        description="Serve the AnkiConnect API on a collection file, without Anki's window.",
    )
    parser.add_argument(
        "--collection",
        type=Path,
        required=True,
        metavar="FILE",
        help="collection file, such as collection.anki2; made if missing",
    )
    parser.add_argument("--host", metavar="H", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on (8765)")
    parser.add_argument("--key", metavar="K", help="secret that callers must send (none)")
    _add_sync_options(parser)
    return parser.parse_args()


def _add_sync_options(parser: argparse.ArgumentParser) -> None:
    environment = os.environ.get
    parser.add_argument(
        "--sync-user",
        default=environment("ANKICONNECT_SYNC_USER"),
        metavar="U",
        help="account to sync with; also ANKICONNECT_SYNC_USER",
    )
    parser.add_argument(
        "--sync-password-file",
        type=Path,
        metavar="FILE",
        help="file that holds its password; or the password itself in ANKICONNECT_SYNC_PASSWORD",
    )
    parser.add_argument(
        "--sync-endpoint",
        default=environment("ANKICONNECT_SYNC_ENDPOINT"),
        metavar="URL",
        help="sync server (AnkiWeb); also ANKICONNECT_SYNC_ENDPOINT",
    )
    parser.add_argument(
        "--sync-every", type=_minutes, metavar="MIN", help="sync every so many minutes (on request only)"
    )
    parser.add_argument("--sync-on-exit", action="store_true", help="sync before the collection is closed")


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"not a number of minutes above 0: {text}")
    return minutes


def _account(options: argparse.Namespace) -> Optional[SyncAccount]:
    """The account to sync with, if one is given. Raises ValueError when half of it is missing."""
    password = os.environ.get("ANKICONNECT_SYNC_PASSWORD")
    if options.sync_password_file:
        try:
            password = options.sync_password_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the password can't be read: {error}") from None
    is_needed = bool(options.sync_every or options.sync_on_exit)
    return account_from(options.sync_user, password, options.sync_endpoint, is_needed=is_needed)


def _signal_to_stop() -> threading.Event:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    return stop


def _fail(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
