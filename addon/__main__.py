"""`python -m addon`: the same API on a collection file, without Anki's window."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from anki.errors import DBError

from .app import create_app
from .config import load
from .core.headless import HeadlessHost
from .server import Server, describe_listener


def main() -> int:
    options = _options()
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
        host = HeadlessHost(options.collection)
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
    _wait_for_signal()
    server.stop()
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
    return parser.parse_args()


def _wait_for_signal() -> None:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    stop.wait()


def _fail(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
