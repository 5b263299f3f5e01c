"""`make fuzz`: hostile input over real sockets, for as long as wanted, and a report of what was tried.

Every input is the bytes of one connection. What goes wrong is a finding: its input is kept in a file, and
the exit code is 1. A seed repeats the same inputs in the same order.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import random
import re
import shutil
import socket
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from anki.collection import Collection

from addon.actions import registry

from . import hostile, hostile_http
from .examples import make_collection
from .headless import Headless
from .verdict import is_error, methods, problem

FINDINGS = Path(__file__).resolve().parent.parent / ".fuzz"
_INPUTS_PER_SERVER = 2000
_SLOWEST_SECONDS = 30
_MAX_MEMORY = 2_000_000_000
_MAX_FINDINGS = 10


@dataclass
class Input:
    kind: str
    action: str
    version: int
    raw: bytes

    @property
    def is_http(self) -> bool:
        """Whether it is a proper request as far as HTTP is concerned."""
        return self.kind != "http"


def request(method: str, target: str, body: bytes = b"") -> bytes:
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    return head.encode("ascii", "replace") + b"Connection: close\r\n\r\n" + body


class Inputs:
    """Makes inputs, one kind after the other."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = sorted(registry)
        self._kinds = [self.params, self.params, self.url, self.query, self.bytes, self.http, self.multi]

    def next(self) -> Input:
        if self._rng.random() < 0.002:
            return self.long_list()
        return self._rng.choice(self._kinds)()

    def _action(self) -> str:
        return self._rng.choice(self._names)

    def _params(self, action: str, spoilings: int) -> Any:
        params: Any = hostile.fitting(registry[action].params_schema(), self._rng, hostile.EXAMPLE_WORDS)
        for _ in range(spoilings):
            params = hostile.spoil(params, self._rng)
        return params

    def _message(self, action: str, version: int) -> dict[str, Any]:
        spoilings = self._rng.choice((0, 1, 1, 2))
        return {"action": action, "version": version, "params": self._params(action, spoilings)}

    def params(self) -> Input:
        action, version = self._action(), self._rng.choice((4, 6))
        body = hostile.encode(self._message(action, version))
        return Input("params", action, version, request("POST", "/", body))

    def url(self) -> Input:
        action = self._action()
        body = hostile.encode(self._params(action, self._rng.choice((0, 1, 2))))
        return Input("url", action, 6, request("POST", f"/{action}", body))

    def query(self) -> Input:
        action = self._action()
        params = self._params(action, self._rng.choice((0, 1, 2)))
        pairs = params.items() if isinstance(params, dict) else [("params", params)]
        texts = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs]
        query = urllib.parse.urlencode(texts, errors="surrogatepass")[:60_000]
        return Input("query", action, 6, request(methods(action)[0], f"/{action}?{query}"))

    def bytes(self) -> Input:
        action = self._action()
        body = hostile.spoil_bytes(hostile.encode(self._message(action, 6)), self._rng)
        return Input("bytes", action, 6, request("POST", self._rng.choice(("/", f"/{action}")), body))

    def multi(self) -> Input:
        messages = [self._message(self._action(), 6) for _ in range(self._rng.randrange(1, 6))]
        actions = hostile.spoil(messages, self._rng)
        body = hostile.encode({"action": "multi", "version": 6, "params": {"actions": actions}})
        return Input("multi", "multi", 6, request("POST", "/", body))

    def long_list(self) -> Input:
        action = self._rng.choice(["cardsInfo", "notesInfo", "suspend", "deleteNotes", "addNotes", "multi"])
        (name, *_rest) = registry[action].params_schema()["properties"]
        element: Any = self._rng.choice((0, 1700000000101, None, {}, [], "x", {"action": "version"}))
        body = hostile.encode({"action": action, "version": 6, "params": {name: [element] * 100_000}})
        return Input("long list", action, 6, request("POST", "/", body))

    def http(self) -> Input:
        body = hostile.encode({"action": "deckNames", "version": 6})
        return Input("http", "deckNames", 6, hostile_http.spoil_http(request("POST", "/", body), self._rng))


class Fuzz:
    """Sends inputs to a server and remembers what came of them."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.tried: collections.Counter[str] = collections.Counter()
        self.statuses: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []
        self.memory = 0
        self.slowest = (0.0, "")
        self.longest = (0, "")
        self._template = folder / "template.anki2"
        # Paths in requests may lead upwards a little.
        self._folder = folder / "a" / "b" / "c"
        make_collection(self._template)

    def run(self, seconds: float) -> None:
        inputs = Inputs(random.Random(self.seed))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and len(self.findings) < _MAX_FINDINGS:
            with self._server() as server:
                for _ in range(_INPUTS_PER_SERVER):
                    if time.monotonic() > deadline or not self._try(server, inputs.next()):
                        break

    @contextmanager
    def _server(self) -> Iterator[Headless]:
        """A server on a fresh collection, which must be sound in the end."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        server = Headless(Path(shutil.copy(self._template, self._folder / "collection.anki2")))
        self._state = self._fingerprint(server)
        yield server
        self.memory = max(self.memory, server.most_memory())
        if server.process.poll() is None and server.stop() != 0:
            self._find(None, f"the server ended with {server.process.returncode}")
        col = Collection(str(server.collection))
        assert col.db
        damage = col.db.list("pragma integrity_check")
        col.close()
        if damage != ["ok"]:
            self._find(None, f"the collection is damaged: {damage[:3]}")

    def _try(self, server: Headless, tried: Input) -> bool:
        """Send one input. False when the server is to be replaced."""
        self.tried[tried.kind] += 1
        started = time.monotonic()
        try:
            status, body = _exchange(server.port, tried.raw)
        except (OSError, http.client.HTTPException) as error:
            status, body = 0, str(error).encode()
        took = time.monotonic() - started
        self.statuses[str(status or "no reply")] += 1
        self.slowest = max(self.slowest, (took, tried.action))
        self.longest = max(self.longest, (len(body), tried.action))
        if server.process.poll() is not None:
            self._find(tried, f"the server died with {server.process.returncode}: {server.output()[-500:]}")
            return False
        wrong = self._verdict(tried, status, body, took) or self._memory(server)
        if not wrong and status and tried.is_http:
            wrong = self._unchanged(server, body)
        if wrong:
            self._find(tried, wrong)
        return not wrong

    def _verdict(self, tried: Input, status: int, body: bytes, took: float) -> Optional[str]:
        if took > _SLOWEST_SECONDS:
            return f"it took {took:.1f} s"
        if status == 0:
            # Nobody is owed a reply to what is no request.
            return f"no reply: {body.decode()}" if tried.is_http else None
        if tried.kind in ("bytes", "http"):
            # It may have become another request, with a result of whatever shape.
            return f"internal error: {body[:300]!r}" if status == 500 or b"internal error" in body else None
        return problem(tried.action, status, body, version=tried.version)

    def _memory(self, server: Headless) -> Optional[str]:
        self.memory = max(self.memory, server.most_memory())
        return f"{self.memory / 1e6:.0f} MB of memory" if self.memory > _MAX_MEMORY else None

    def _unchanged(self, server: Headless, body: bytes) -> Optional[str]:
        """What an error has changed, if anything."""
        reply = json.loads(body)
        state = self._fingerprint(server)
        changed, self._state = state != self._state, state
        if not is_error(reply):
            return None
        self.errors[re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "…", reply["error"])[:70]] += 1
        return f"changed by what failed: {body[:300]!r}" if changed else None

    @staticmethod
    def _fingerprint(server: Headless) -> Any:
        """What an outsider can see of the collection."""
        actions = [
            {"action": "notesInfo", "params": {"query": ""}},
            {
                "action": "findCardsInfo",
                "params": {"query": "", "include": ["cardId", "due", "queue", "mod"]},
            },
            *({"action": name} for name in ("deckNamesAndIds", "modelNamesAndIds", "getTags")),
            *({"action": name} for name in ("getMediaFilesNames", "getNumCardsReviewedByDay")),
            {"action": "getDeckConfig", "params": {"deck": "Default"}},
        ]
        return server.ask("multi", actions=actions)

    def _find(self, tried: Optional[Input], what: str) -> None:
        number = len(self.findings) + 1
        where = ""
        if tried:
            FINDINGS.mkdir(exist_ok=True)
            path = FINDINGS / f"{self.seed}-{number}.http"
            path.write_bytes(tried.raw)
            where = f" The input is in {path}; `nc 127.0.0.1 8765 < {path}` sends it again."
        self.findings.append(f"{tried.kind if tried else 'server'}: {what}{where}")
        print(f"FINDING {number}: {self.findings[-1]}", flush=True)

    def report(self) -> str:
        listed = [f"  {count:8} {error}" for error, count in self.errors.most_common(20)]
        return "\n".join(
            [
                f"inputs tried: {sum(self.tried.values())} ({_counts(self.tried)})",
                f"replies by status: {_counts(self.statuses)}",
                f"different errors: {len(self.errors)}, most often:",
                *listed,
                f"most memory: {self.memory / 1e6:.0f} MB",
                f"slowest reply: {self.slowest[0]:.2f} s, to {self.slowest[1]}",
                f"longest reply: {self.longest[0]} bytes, to {self.longest[1]}",
                f"findings: {len(self.findings)}",
            ]
        )


def _counts(counter: collections.Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def _exchange(port: int, raw: bytes) -> tuple[int, bytes]:
    """Send the bytes over a connection, say that there are no more, and read one reply."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as sock:
        try:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused early: the reply tells
        response = http.client.HTTPResponse(sock, method=raw[:8].split(b" ")[0].decode("latin-1"))
        try:
            response.begin()
            return response.status, response.read()
        finally:
            response.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        fuzz = Fuzz(options.seed, Path(folder))
        fuzz.run(options.seconds)
    print(fuzz.report())
    return 1 if fuzz.findings else 0


if __name__ == "__main__":
    sys.exit(main())
