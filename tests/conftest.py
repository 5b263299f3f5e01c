"""Fixtures: the API headless and inside a real Anki, over `POST /` and over the URLs of actions."""

from __future__ import annotations

import http.client
import json
import os
import resource
import shutil
import signal
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, Protocol, Union

import jsonschema
import pytest
from anki.collection import Collection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from addon.actions import Kind, registry
from addon.app import create_app
from addon.core.headless import HeadlessRuntime
from addon.core.settings import Settings
from addon.core.sync.account import SyncAccount
from addon.http.server import Server as Listener
from addon.settings_sources import load
from tools.examples import Example, make_collection, set_noon

from . import node as node_programs
from .desktop import Desktop
from .live import LiveAnki
from .program import Program
from .web import Web

# The same examples each time, on whatever machine, and nothing kept between runs.
hypothesis_settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
hypothesis_settings.load_profile("steady")
set_noon()


def pytest_configure() -> None:
    # As Ctrl-C does, so that what fixtures have started is stopped.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


STRANGER = "evil.test"  # leads to this machine, in the browser of the tests only
if TYPE_CHECKING:
    from selenium import webdriver

    from .sync_world import Client, World


@dataclass
class Reply:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


RESULTS = {
    action.name: jsonschema.Draft202012Validator(action.result_schema()) for action in registry.values()
}


# A server over real sockets.
Wired = Union["WiredServer", "LiveServer"]


class ApiFailure(Exception):
    """The error text of a reply, with the status when it came from an action's URL."""

    def __init__(self, text: str, reply: Reply) -> None:
        super().__init__(text)
        self.text = text
        self.reply = reply


class Server(Protocol):
    """Something that answers HTTP requests, and a way to look behind it."""

    in_anki: bool

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a request; a body that is not bytes is sent as JSON."""

    def look(self, expression: str) -> Any:
        """The value of a Python expression that knows `col`."""


def _encode(body: Any) -> Optional[bytes]:
    return body if body is None or isinstance(body, bytes) else json.dumps(body).encode()


class HeadlessServer:
    in_anki = False

    def __init__(self, path: Path, account: Optional[SyncAccount] = None, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.runtime = HeadlessRuntime(path, account=account)
        self.app = create_app(self.runtime, lambda: self.settings)
        self._client = self.app.test_client()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self._client.open(path, method=method, data=_encode(body), headers=named)
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, lower, response.get_data())

    def look(self, expression: str) -> Any:
        return self.runtime.run_on_collection(lambda col: eval(expression, {"col": col}))

    def close(self) -> None:
        self.runtime.close()


class OverSockets:
    """Sends requests over a real connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, path, _encode(body), named)
            response = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            self._connection.close()  # closed by the server since the last request
            self._connection.request(method, path, _encode(body), named)
            response = self._connection.getresponse()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, lower, response.read())

    def close(self) -> None:
        self._connection.close()


class LiveServer(OverSockets):
    in_anki = True

    def __init__(self, live: LiveAnki) -> None:
        super().__init__(live.anki.port)
        self.live = live
        self.look = live.look
        self.configure = live.configure


class WiredServer(OverSockets):
    """The headless server behind real sockets."""

    in_anki = False

    def __init__(self, headless: HeadlessServer) -> None:
        self._headless = headless
        self._listener = Listener(
            headless.app,
            "127.0.0.1",
            0,
            128,
            lambda: headless.settings.body_limit,
            lambda: headless.settings.memory_limit,
        )
        self._listener.start()
        super().__init__(int(self._listener.url.rpartition(":")[2]))
        self.look = headless.look

    def configure(self, **settings: Any) -> None:
        self._headless.settings = load(settings, {})

    def close(self) -> None:
        super().close()
        self._listener.stop()


class Api:
    """Calls an action and returns its result, through `POST /` or the action's URL, with GET for reads."""

    def __init__(self, server: Server, way: str) -> None:
        self.server = server
        self.way = way
        self.look = server.look
        self.in_anki = server.in_anki
        self.warnings: Optional[str] = None  # of the last call

    def __call__(self, action: str, **params: Any) -> Any:
        reply = self._send(action, params)
        self.warnings = reply.headers.get("x-ankiconnect-warning")
        assert set(reply.json) == {"result", "error"}
        if reply.json["error"] is not None:
            assert reply.json["result"] is None
            raise ApiFailure(reply.json["error"], reply)
        assert reply.status == 200
        RESULTS[action].validate(reply.json["result"])
        return reply.json["result"]

    def _send(self, action: str, params: dict[str, Any]) -> Reply:
        if self.way == "rpc":
            body = {"action": action, "version": 6, "params": params}
            reply = self.server.send("POST", "/", body)
            assert reply.status == 200
            return reply
        if registry[action].kind is Kind.READ:
            texts = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in params.items()
            }
            return self.server.send("GET", f"/{action}?{urllib.parse.urlencode(texts)}")
        return self.server.send("POST", f"/{action}", params)

    def with_version(self, version: int, action: str, **params: Any) -> Any:
        """The whole reply to a request of that version, through `POST /`."""
        body = {"action": action, "version": version, "params": params}
        return self.server.send("POST", "/", body).json


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty collection, made once per run."""
    path = tmp_path_factory.mktemp("template") / "collection.anki2"
    Collection(str(path)).close()
    return path


@pytest.fixture(scope="session")
def example_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection that the contract's examples run on."""
    path = tmp_path_factory.mktemp("examples") / "collection.anki2"
    make_collection(path)
    return path


@pytest.fixture
def collection_path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "collection.anki2"))


@pytest.fixture
def headless(collection_path: Path) -> Iterator[HeadlessServer]:
    server = HeadlessServer(collection_path)
    yield server
    server.close()


@pytest.fixture(scope="session")
def live_anki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAnki]:
    """One Anki for the whole run."""
    live = LiveAnki(tmp_path_factory.mktemp("anki"))
    live.start()
    live.anki.wait_until_ready()
    yield live
    live.stop()


@pytest.fixture
def own_anki(tmp_path: Path) -> Iterator[LiveAnki]:
    """An Anki of this test's own, not started yet."""
    live = LiveAnki(tmp_path / "anki")
    yield live
    live.stop()


@pytest.fixture
def anki(live_anki: LiveAnki, template: Path) -> Iterator[LiveServer]:
    """A real Anki with an empty collection and no windows open but the main one."""
    live_anki.reset(template)
    live_anki.run("mw.errors.clear()")
    server = LiveServer(live_anki)
    yield server
    server.close()
    # Anki has errors of its own, when a window is closed while it loads; ours name the add-on's folder.
    assert not [error for error in live_anki.look("mw.errors") if live_anki.addon.name in error]


@pytest.fixture(params=["headless", "anki"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each host in turn."""
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def wired_headless(headless: HeadlessServer) -> Iterator[WiredServer]:
    server = WiredServer(headless)
    yield server
    server.close()


@pytest.fixture(params=["wired_headless", "anki"])
def wired(request: pytest.FixtureRequest) -> Wired:
    """Each host in turn, over real sockets, with settings to change."""
    chosen: Wired = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(params=["rpc", "url"])
def api(request: pytest.FixtureRequest, server: Server) -> Api:
    """Each host in turn, through each way in."""
    return Api(server, request.param)


def run_example(server: Server, example: Example) -> Any:
    """The reply to an example, once what it needs was done."""
    for step in example.before:
        if isinstance(step, str):
            server.look(step)
        else:
            action, params = step
            assert server.send("POST", f"/{action}", params).json["error"] is None
    body = {"action": example.action, "version": 6, "params": example.params}
    return server.send("POST", "/", body).json


def basic(front: str, deck: str = "Default", **more: Any) -> dict[str, Any]:
    """A Basic note as requests carry it."""
    return {"deckName": deck, "modelName": "Basic", "fields": {"Front": front}, **more}


def add_cards(server: Server, *fronts: str, deck: str = "Default") -> list[int]:
    """Add a Basic note for each front and return the ids of their cards."""
    for front in fronts:
        reply = server.send("POST", "/addNote", {"note": basic(front, deck)})
        assert reply.status == 200, reply.body
    wanted = {f"front:{front}": front for front in fronts}
    return [server.send("POST", "/findCards", {"query": query}).json["result"][0] for query in wanted]


@pytest.fixture(params=["rpc", "url"])
def gui(request: pytest.FixtureRequest, anki: LiveServer) -> Api:
    """The API inside Anki only, for actions that need its window."""
    return Api(anki, request.param)


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the server without a window as a program; what still runs in the end is killed."""
    programs: list[Program] = []

    def started(*arguments: Any, **more: Any) -> Program:
        programs.append(Program(*arguments, **more))
        return programs[-1]

    yield started
    for program in programs:
        program.kill()


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server to download from."""
    web = Web()
    yield web
    web.close()


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[World]:
    """A sync server, and clients for the asking."""
    from .sync_world import World  # which builds on this module

    world = World(tmp_path, template)
    yield world
    world.close()


@pytest.fixture
def other(world: World) -> Client:
    """A headless client whose note `first` the server has."""
    other = world.headless()
    other.add("first")
    other("fullSync", mode="upload")
    return other


@pytest.fixture
def many_files() -> None:
    """Lets this process, which can be client and server at once, have thousands of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """A desktop without a monitor, for what depends on the focus."""
    if not all(map(shutil.which, ("Xvfb", "openbox", "xdotool"))):
        skip_or_fail("there is no Xvfb, openbox or xdotool here")
    desktop = Desktop()
    yield desktop
    desktop.stop()


@pytest.fixture(scope="module")
def on_desktop(desktop: Desktop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAnki]:
    """Anki on that desktop, beside another program."""
    live = LiveAnki(tmp_path_factory.mktemp("desktop") / "anki")
    live.start(DISPLAY=desktop.display, QT_QPA_PLATFORM="xcb")
    live.anki.wait_until_ready()
    desktop.start_dictionary()
    yield live
    assert live.stop() == 0


@pytest.fixture(scope="session")
def node() -> None:
    """The programs for Node.js of the tests' package-lock.json."""
    if not node_programs.is_there():
        skip_or_fail("needs Node.js and npm: apt-get install nodejs npm")
    node_programs.install()


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        skip_or_fail("needs Chromium: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=900,1100"):
        options.add_argument(argument)
    options.add_argument(f"--host-resolver-rules=MAP {STRANGER} 127.0.0.1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


def skip_or_fail(reason: str) -> None:
    """Skip a test that needs what this machine lacks; in CI everything must run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
