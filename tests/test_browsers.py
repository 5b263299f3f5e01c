"""What pages of other sites can do, tried in a real browser."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from addon.actions import Kind, registry

from .conftest import STRANGER, Wired
from .web import Web

PAGE = b"<!doctype html><title>page</title>"
ASK = """
const [url, options, done] = arguments;
fetch(url, options)
  .then(async (r) => done({status: r.status, type: r.type, text: await r.text()}))
  .catch((error) => done({error: String(error)}));
"""
# Ways to have a browser load a URL; each calls `done` with what a page learns from it.
LOADERS = {
    "img": "add('img', {src: url})",
    "input": "add('input', {type: 'image', src: url})",
    "object": "add('object', {data: url})",
    "embed": "add('embed', {src: url})",
    "script": "add('script', {src: url})",
    "module": "add('script', {type: 'module', src: url})",
    "style sheet": "add('link', {rel: 'stylesheet', href: url})",
    "preload": "add('link', {rel: 'preload', as: 'image', href: url})",
    "prefetch": "add('link', {rel: 'prefetch', href: url})",
    "iframe": "add('iframe', {src: url})",
    "sandbox": "add('iframe', {src: url, sandbox: ''})",
    "video": "add('video', {src: url})",
    "poster": "add('video', {poster: url}); done()",
    "audio": "add('audio', {src: url})",
    "track": "add('video', {crossorigin: ''}).append(make('track', {src: url, default: true})); done()",
    "css url()": "add('div', {style: `background: url('${url}')`}).append('x'); done()",
    "css import": "add('style', {}).textContent = `@import '${url}'`; done()",
    "font": "add('style', {}).textContent = `@font-face {font-family: f; src: url('${url}')}`;"
    " add('p', {style: 'font-family: f'}).append('x'); done()",
    "fetch": "fetch(url).then(report, done)",
    "fetch without CORS": "fetch(url, {mode: 'no-cors'}).then(report, done)",
    "post without CORS": "fetch(url, {mode: 'no-cors', method: 'POST', body: '{}'}).then(report, done)",
    "beacon": "navigator.sendBeacon(url, '{}'); done()",
    "event source": "new EventSource(url).onerror = done",
    "web socket": "new WebSocket(url.replace('http', 'ws')).onerror = done",
    "import in a worker": "work(`try { importScripts('${url}') } catch (e) { postMessage(e.name) }`)",
    "fetch in a worker": "work(`fetch('${url}', {mode: 'no-cors'}).catch((e) => postMessage(e.name))`)",
    "form with GET": "submit('get', 'application/x-www-form-urlencoded')",
    "form with POST": "submit('post', 'text/plain')",
    "window": "open(url); done()",
    "link": "add('a', {href: url, target: '_blank'}).click(); done()",
    "link without referrer": "add('a', {href: url, target: '_blank', rel: 'noreferrer'}).click(); done()",
    "ping": "add('a', {href: '#', ping: url}).click(); done()",
    "redirect": "add('img', {src: `/redirect?${Date.now()}`})",
    "service worker": "register(`/worker?${Date.now()}`)",
    "navigation": "location = url; done()",
}
LOAD = """
const [loader, url, finish] = arguments;
const done = (what) => finish(String(what?.type ?? what));
const report = (reply) => done([reply.type, reply.status]);
const make = (tag, attributes) => {
  const element = document.createElement(tag);
  element.onload = element.onerror = done;
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  return element;
};
const add = (tag, attributes) => document.body.appendChild(make(tag, attributes));
const work = (code) => {
  const worker = new Worker(URL.createObjectURL(new Blob([code])));
  worker.onmessage = (event) => done(event.data);
};
const register = (script) => navigator.serviceWorker.register(script).then(done, (e) => done(e.name));
const submit = (method, enctype) => {
  const frame = add("iframe", {name: "target"});
  frame.onload = done;
  const form = add("form", {action: url.split("?")[0], method, enctype, target: "target"});
  for (const [name, value] of new URL(url).searchParams) form.append(make("input", {name, value}));
  form.submit();
};
eval(loader);
"""


class Page:
    """A page of another site that is shown in the browser."""

    def __init__(self, browser: webdriver.Chrome, wired: Wired, web: Web, site: str) -> None:
        self.origin = web.url.replace("127.0.0.1", site)
        self._browser, self._web = browser, web
        self._url = f"http://127.0.0.1:{wired.port}"
        self.show()

    def show(self) -> None:
        self._browser.get(f"{self.origin}/page")

    def ask(self, body: Any, path: str = "/", **options: Any) -> Any:
        options = {"method": "POST", "body": json.dumps(body), **options}
        return self._browser.execute_async_script(ASK, self._url + path, options)

    def load(self, loader: str, path: str, host: str = "127.0.0.1") -> Any:
        """What the page learns from loading a URL of the server."""
        url = self._url.replace("127.0.0.1", host) + path
        self._web.redirect("redirect", url)
        self._web.serve("worker", f"importScripts({url!r})".encode(), "text/javascript")
        return self._browser.execute_async_script(LOAD, LOADERS[loader], url)

    def close_others(self) -> None:
        first, *others = self._browser.window_handles
        for window in others:
            self._browser.switch_to.window(window)
            self._browser.close()
        self._browser.switch_to.window(first)


@pytest.fixture
def page(chromium: webdriver.Chrome, wired: Wired, web: Web) -> Page:
    web.serve("page", PAGE, "text/html")
    return Page(chromium, wired, web, STRANGER)


JSON = {"Content-Type": "application/json"}
KINDS: list[dict[str, Any]] = [{}, {"headers": JSON}, {"headers": {**JSON, "Authorization": "Bearer x"}}]


@pytest.mark.parametrize("kind", [*KINDS, {"mode": "no-cors"}])
def test_a_page_of_another_site_neither_reads_nor_changes(wired: Wired, page: Page, kind: Any) -> None:
    create = {"action": "createDeck", "version": 6, "params": {"deck": "X"}}
    for body, path in ((create, "/"), ({}, "/deckNames"), ({"action": "deckNames"}, "/")):
        reply = page.ask(body, path, **kind)
        assert "error" in reply or (reply["type"], reply["status"]) == ("cors", 403)
    assert wired.send("GET", "/deckNames").json["result"] == ["Default"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_ask_for_permission_and_read_the_answer(wired: Wired, page: Page, kind: Any) -> None:
    wired.configure(ignoreOriginList=[page.origin])
    reply = page.ask({"action": "requestPermission", "version": 6}, **kind)
    assert json.loads(reply["text"]) == {"result": {"permission": "denied"}, "error": None}


@pytest.mark.parametrize("kind", KINDS)
def test_once_allowed_it_reads_results_and_errors(wired: Wired, page: Page, kind: Any) -> None:
    wired.configure(webCorsOriginList=[page.origin], apiDeniedActions=["createDeck"])
    assert page.ask({"action": "deckNames"}, **kind)["text"] == '["Default"]'
    reply = page.ask({"deck": "X"}, "/createDeck", **kind)
    assert (reply["status"], "apiDeniedActions" in reply["text"]) == (403, True)


class Log:
    """The server's log of requests."""

    def __init__(self, wired: Wired, path: Path) -> None:
        self._path = path
        self._read = 0
        wired.configure(apiLogPath=str(path))

    def new(self, least: int) -> list[dict[str, Any]]:
        """What has been logged since the last question; at least so many entries are waited for.

        Without what was not found: for a tab of its own, the browser asks for an icon.
        """
        deadline = time.monotonic() + 20
        while True:
            text = self._path.read_text("utf-8") if self._path.exists() else ""
            lines = text.split("\n")[:-1]  # without the one that is being written
            entries = [entry for entry in map(json.loads, lines) if entry["status"] != 404]
            if len(entries) >= self._read + least or time.monotonic() > deadline:
                new, self._read = entries[self._read :], len(entries)
                return new
            time.sleep(0.02)


@pytest.fixture
def log(wired: Wired, tmp_path: Path) -> Log:
    wired.send("POST", "/createDeck", {"deck": "Secret"})
    return Log(wired, tmp_path / "requests.log")


EXISTS, MISSING = "/getDeckDescription?deck=Secret", "/getDeckDescription?deck=Nope"


# Service workers are not for sites like the stranger's.
@pytest.mark.parametrize("loader", [loader for loader in LOADERS if loader != "service worker"])
@pytest.mark.parametrize("wired", ["wired_headless"], indirect=True)
def test_loading_a_url_performs_nothing_and_tells_nothing(page: Page, log: Log, loader: str) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):  # the latter is not told that another site asks
        outcomes = []
        for path in (EXISTS, MISSING):
            page.show()
            outcomes.append(page.load(loader, path, host))
            entries = log.new(1)
            assert {(entry["status"], *entry["actions"]) for entry in entries} == {(403,)}
        assert outcomes[0] == outcomes[1]
    page.close_others()


@pytest.mark.parametrize("loader", ["img", "import in a worker", "service worker"])
def test_an_allowed_page_has_to_ask_in_its_own_name(
    chromium: webdriver.Chrome, wired: Wired, web: Web, log: Log, loader: str
) -> None:
    web.serve("page", PAGE, "text/html")
    page = Page(chromium, wired, web, "localhost")
    outcomes = [page.load(loader, path) for path in (EXISTS, MISSING)]
    assert outcomes[0] == outcomes[1]
    assert [(entry["status"], entry["actions"]) for entry in log.new(2)] == [(403, {})] * 2
    reply = page.ask({"action": "getDeckDescription", "version": 6, "params": {"deck": "Secret"}})
    assert json.loads(reply["text"]) == {"result": "", "error": None}


def test_no_action_that_reads_is_performed_for_an_image(page: Page, log: Log) -> None:
    reading = [name for name, action in registry.items() if action.kind is Kind.READ]
    assert {page.load("img", f"/{name}") for name in reading} == {"error"}
    assert [(entry["status"], entry["actions"]) for entry in log.new(len(reading))] == [(403, {})] * len(
        reading
    )


def test_a_link_leads_to_the_page_of_the_server(chromium: webdriver.Chrome, page: Page) -> None:
    page.load("navigation", "/")
    WebDriverWait(chromium, 10).until(lambda _: chromium.title == "AnkiConnect v.6")


def test_a_refused_page_can_read_what_to_do(page: Page) -> None:
    for kind in KINDS:
        reply = page.ask({"action": "deckNames", "version": 6}, **kind)
        assert reply["status"] == 403
        assert f"the origin {page.origin} may not use Anki: it can ask with" in reply["text"]


def test_a_name_that_leads_here_shows_nothing(chromium: webdriver.Chrome, wired: Wired) -> None:
    for path in ("/", "/deckNames"):
        chromium.get(f"http://{STRANGER}:{wired.port}{path}")
        assert "webAllowedHosts" in chromium.page_source
        assert "Default" not in chromium.page_source


def test_the_page_of_the_server_does_not_show_in_a_frame(
    chromium: webdriver.Chrome, wired: Wired, web: Web
) -> None:
    web.serve("frame", f"<iframe src='http://127.0.0.1:{wired.port}/'></iframe>".encode())
    chromium.get(f"{web.url}/frame")
    chromium.switch_to.frame(0)
    assert "AnkiConnect" not in chromium.page_source
    chromium.switch_to.default_content()
