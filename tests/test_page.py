"""The page for people, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from .conftest import HeadlessServer, LiveServer, Server

DOCS = Path(__file__).parent.parent / "docs"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def browser(chromium: webdriver.Chrome, anki: LiveServer) -> webdriver.Chrome:
    chromium.get(anki.live.url)
    return chromium


def reply_in(browser: webdriver.Chrome) -> str:
    """The reply that the page shows, once it is there."""

    def finished(driver: webdriver.Chrome) -> str:
        text = driver.find_element(By.ID, "reply").text
        return "" if text in ("—", "…") else text

    return WebDriverWait(browser, 10).until(finished)


def run(browser: webdriver.Chrome, action: str, params: str | None = None) -> str:
    Select(browser.find_element(By.ID, "action")).select_by_visible_text(action)
    if params is not None:
        field = browser.find_element(By.ID, "params")
        field.clear()
        field.send_keys(params)
    browser.find_element(By.TAG_NAME, "button").click()
    return reply_in(browser)


def console(browser: webdriver.Chrome) -> list[Any]:
    """What the console has printed since it was last asked."""
    return list(browser.get_log("browser"))  # type: ignore[no-untyped-call]


def test_it_shows_versions_profile_and_readiness(browser: webdriver.Chrome, anki: LiveServer) -> None:
    assert browser.title == "AnkiConnect v.6"
    assert browser.find_element(By.TAG_NAME, "h1").text == "AnkiConnect v.6"
    shown = [element.text for element in browser.find_elements(By.TAG_NAME, "dd")]
    assert shown == [anki.look("__import__('anki').buildinfo.version"), "User 1", "ready"]


def test_the_form_runs_an_action(browser: webdriver.Chrome) -> None:
    assert run(browser, "deckNames") == '{"result":["Default"],"error":null}'


def test_the_form_shows_errors(browser: webdriver.Chrome) -> None:
    reply = run(browser, "modelFieldNames", '{"modelName": "Nope"}')
    assert reply == '{"result":null,"error":"model was not found: Nope"}'
    assert "bad" in str(browser.find_element(By.ID, "reply").get_attribute("class")).split()


def test_parameters_that_are_not_json_are_told(browser: webdriver.Chrome) -> None:
    assert run(browser, "deckNames", "{").startswith("The parameters are not JSON")


def test_choosing_an_action_fills_in_its_required_parameters(browser: webdriver.Chrome) -> None:
    Select(browser.find_element(By.ID, "action")).select_by_visible_text("changeDeck")
    params = browser.find_element(By.ID, "params").get_attribute("value")
    assert "".join(str(params).split()) == '{"cards":[],"deck":""}'


def test_the_console_stays_free_of_errors(browser: webdriver.Chrome) -> None:
    console(browser)
    browser.refresh()
    run(browser, "version")
    assert console(browser) == []


def test_it_follows_the_dark_scheme(browser: webdriver.Chrome) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(colour)
    dark_scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark_scheme)
    dark = browser.execute_script(colour)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert light != dark


def test_a_picture_of_it_shows_the_reply(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """`UPDATE_PICTURES=1 make test ARGS="-k picture"` renews the one in the docs."""
    run(browser, "deckNames")
    folder = DOCS if os.environ.get("UPDATE_PICTURES") else tmp_path
    assert browser.save_screenshot(str(folder / "page.png"))
    reply = browser.find_element(By.ID, "reply")
    assert reply.is_displayed()
    assert reply.location["y"] + reply.size["height"] < 1100


def test_only_browsers_get_the_page(server: Server) -> None:
    page = server.send("GET", "/", **HTML)
    assert page.headers["content-type"].startswith("text/html")
    assert b"AnkiConnect v.6" in page.body
    assert server.send("GET", "/", Accept="*/*").json == {"apiVersion": "AnkiConnect v.6"}
    assert server.send("POST", "/", **HTML).json == {"apiVersion": "AnkiConnect v.6"}


def test_the_page_runs_under_a_strict_policy(headless: HeadlessServer) -> None:
    page = headless.send("GET", "/", **HTML)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script>" not in page.body
    assert b" style=" not in page.body


def test_a_closed_collection_is_shown(headless: HeadlessServer) -> None:
    headless.host.close()
    assert b"not available" in headless.send("GET", "/", **HTML).body


def asked_from(headless: HeadlessServer, address: str, path: str, **headers: str) -> str:
    environ = {"REMOTE_ADDR": address}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = headless.app.test_client().get(path, headers={**HTML, **named}, environ_base=environ)
    return reply.get_data(as_text=True)


@pytest.fixture
def locked(collection_path: Path) -> Iterator[HeadlessServer]:
    """A server with a key, and a profile whose name occurs nowhere else."""
    server = HeadlessServer(collection_path.rename(collection_path.with_name("Quokka.anki2")), apiKey="x")
    yield server
    server.close()


def test_another_machine_without_the_key_learns_nothing_of_this_one(locked: HeadlessServer) -> None:
    for key in ("", "?key=wrong"):
        for path in ("/", "/openapi.json", "/healthz", "/readyz", "/nope", "/version", "/getProfiles"):
            text = asked_from(locked, "192.0.2.7", path + key)
            assert "Quokka" not in text
            assert locked.host.anki_version not in text
    assert "<h1>AnkiConnect v.6</h1>" in asked_from(locked, "192.0.2.7", "/")
    assert "Quokka" not in asked_from(locked, "127.0.0.1", "/", X_Forwarded_For="127.0.0.1")


def test_a_person_at_this_machine_or_with_the_key_sees_it(locked: HeadlessServer) -> None:
    for shown in (
        asked_from(locked, "127.0.0.1", "/"),
        asked_from(locked, "192.0.2.7", "/?key=x"),
        asked_from(locked, "192.0.2.7", "/", X_API_Key="x"),
    ):
        assert "Quokka" in shown
        assert locked.host.anki_version in shown


def test_an_allowed_page_without_the_key_does_not_see_it(locked: HeadlessServer) -> None:
    assert "Quokka" not in asked_from(locked, "127.0.0.1", "/", Origin="http://localhost:3000")


def test_other_sites_do_not_get_the_page(server: Server) -> None:
    assert server.send("GET", "/", Origin="https://example.com", **HTML).status == 403
