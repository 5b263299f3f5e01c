"""Ports for servers that are started for a while."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """A port of this machine on which nothing listens.

    It lies below the ports that systems give to connections and to servers that leave the choice to them.
    One of those could be taken again before our server is there.
    """
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
