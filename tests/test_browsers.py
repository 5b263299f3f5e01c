"""What pages of other sites can do, tried in a real browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium import webdriver

from .conftest import STRANGER, Wired
from .web import Web

ASK = """
const [url, options, done] = arguments;
fetch(url, options)
  .then(async (r) => done({status: r.status, type: r.type, text: await r.text()}))
  .catch((error) => done({error: String(error)}));
"""
LOAD = """
const [tag, url, done] = arguments;
const element = document.createElement(tag);
element.onload = () => done("loaded");
element.onerror = () => done("error");
element.src = url;
document.head.append(element);
"""


class Page:
    """A page of another site that is shown in the browser."""

    def __init__(self, browser: webdriver.Chrome, wired: Wired, origin: str) -> None:
        self.origin = origin
        self._browser = browser
        self._url = f"http://127.0.0.1:{wired.port}"
        browser.get(f"{origin}/page")

    def ask(self, body: Any, path: str = "/", **options: Any) -> Any:
        options = {"method": "POST", "body": json.dumps(body), **options}
        return self._browser.execute_async_script(ASK, self._url + path, options)

    def load(self, tag: str, path: str) -> Any:
        return self._browser.execute_async_script(LOAD, tag, self._url + path)


@pytest.fixture
def page(chromium: webdriver.Chrome, wired: Wired, web: Web) -> Page:
    web.serve("page", b"<!doctype html><title>page</title>")
    return Page(chromium, wired, web.url.replace("127.0.0.1", STRANGER))


JSON = {"Content-Type": "application/json"}
KINDS: list[dict[str, Any]] = [{}, {"headers": JSON}, {"headers": {**JSON, "Authorization": "Bearer x"}}]


@pytest.mark.parametrize("kind", [*KINDS, {"mode": "no-cors"}])
def test_a_page_of_another_site_neither_reads_nor_changes(wired: Wired, page: Page, kind: Any) -> None:
    reply = page.ask({"action": "createDeck", "version": 6, "params": {"deck": "X"}}, **kind)
    assert "error" in reply or (reply["type"], reply["text"]) == ("opaque", "")
    assert "error" in page.ask({}, "/deckNames") and "error" in page.ask({"action": "deckNames"})
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


def test_it_learns_nothing_from_scripts_and_images(page: Page) -> None:
    for tag in ("script", "img"):
        for path in (
            "/version",
            "/modelFieldNames?modelName=Basic",
            "/modelFieldNames?modelName=Nope",
            "/",
        ):
            assert page.load(tag, path) == "error"


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
