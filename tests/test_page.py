"""The page for people, in a real browser."""

from __future__ import annotations

import html
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from addon.actions import Kind, registry

from .conftest import HeadlessServer, LiveServer, Server, basic

DOCS = Path(__file__).parent.parent / "docs"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
# A note that can be added again and again.
TWICE = {"note": basic("x", options={"allowDuplicate": True})}


@pytest.fixture
def browser(chromium: webdriver.Chrome, anki: LiveServer) -> webdriver.Chrome:
    chromium.get(anki.live.url)
    return chromium


def reply_in(browser: webdriver.Chrome) -> str:
    """The reply that the page shows, once it is there."""

    def finished(driver: webdriver.Chrome) -> str:
        text = driver.find_element(By.ID, "reply").text
        return "" if text in ("—", "…") else text

    return WebDriverWait(browser, 60).until(finished)


def choose(browser: webdriver.Chrome, action: str) -> None:
    Select(browser.find_element(By.ID, "action")).select_by_visible_text(action)


def typed(browser: webdriver.Chrome) -> str:
    return str(browser.find_element(By.ID, "params").get_attribute("value"))


def run(browser: webdriver.Chrome, action: str, params: str | None = None) -> str:
    choose(browser, action)
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
    choose(browser, "changeDeck")
    assert "".join(typed(browser).split()) == '{"cards":[],"deck":""}'


def test_optional_parameters_are_offered_and_described(browser: webdriver.Chrome) -> None:
    choose(browser, "notesInfo")
    assert json.loads(typed(browser)) == {"notes": [], "query": None, "include": None}
    about = browser.find_element(By.ID, "about").text
    assert "`query` string or null, default null: search in Anki's syntax, in place of notes" in about
    assert run(browser, "notesInfo") == '{"result":[],"error":null}'


def test_what_was_typed_for_an_action_comes_back_with_it(browser: webdriver.Chrome) -> None:
    choose(browser, "findNotes")
    field = browser.find_element(By.ID, "params")
    field.clear()
    field.send_keys('{"query": "tag:leech"}')
    choose(browser, "deckNames")
    assert typed(browser) == "{}"
    choose(browser, "findNotes")
    assert typed(browser) == '{"query": "tag:leech"}'


def test_large_ids_are_sent_as_they_were_typed(browser: webdriver.Chrome) -> None:
    reply = run(browser, "deckNameFromId", '{"deckId": 9007199254740993}')
    assert reply == '{"result":null,"error":"deck was not found: 9007199254740993"}'


def test_a_double_click_runs_the_action_once(browser: webdriver.Chrome, anki: LiveServer) -> None:
    run(browser, "addNote", json.dumps(TWICE))
    # One more, so that the second click of two has been seen.
    button = browser.find_element(By.TAG_NAME, "button")
    ActionChains(browser).double_click(button).perform()
    run(browser, "version")
    assert anki.look("col.note_count()") == 2


def test_a_key_held_down_runs_the_action_once(browser: webdriver.Chrome, anki: LiveServer) -> None:
    choose(browser, "addNote")
    browser.execute_script("document.getElementById('params').value = arguments[0]", json.dumps(TWICE))
    for field in (By.ID, "key"), (By.TAG_NAME, "button"):
        browser.find_element(*field).send_keys(Keys.ENTER)
        reply_in(browser)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", "autoRepeat": True, **enter})
        browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    assert reply_in(browser)
    run(browser, "version")
    assert anki.look("col.note_count()") == 2


def test_one_request_runs_at_a_time(browser: webdriver.Chrome, anki: LiveServer) -> None:
    choose(browser, "addNote")
    submit = "document.getElementById('form').requestSubmit()"
    browser.execute_script("document.getElementById('params').value = arguments[0]", json.dumps(TWICE))
    with anki.live.busy_lane():
        browser.execute_script(f"{submit}; {submit}")
        choose(browser, "version")
        browser.execute_script(submit)  # a late reply would take the place of this one
    assert reply_in(browser).startswith('{"result":1')
    assert browser.find_element(By.ID, "of").text == "to addNote"
    assert run(browser, "version") == '{"result":6,"error":null}'
    assert anki.look("col.note_count()") == 1


def test_a_reply_of_5_mb_is_shown_in_part_and_saved_whole(
    browser: webdriver.Chrome, anki: LiveServer, tmp_path: Path
) -> None:
    text = "<div>some words</div> é日本" * 200_000
    anki.send("POST", "/addNote", {"note": basic(text)})
    run(browser, "notesInfo", '{"query": "deck:Default"}')
    whole = anki.send("POST", "/notesInfo", {"query": "deck:Default"}).body.decode()
    rest = browser.find_element(By.ID, "rest")
    assert rest.text.startswith(f"The first 20,000 of {len(whole):,} characters.")
    assert whole.startswith(reply_in(browser))
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    rest.find_element(By.TAG_NAME, "a").click()
    saved = tmp_path / "reply.json"
    WebDriverWait(browser, 60).until(lambda _: saved.exists())
    assert saved.read_text("utf-8") == whole
    assert run(browser, "version") == '{"result":6,"error":null}'
    assert not rest.is_displayed()


@pytest.mark.parametrize("action", ["deckNames", "addNotes"])
def test_the_reply_is_in_sight_on_a_small_screen(browser: webdriver.Chrome, action: str) -> None:
    size = {"width": 1280, "height": 757, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.refresh()
        run(browser, action)
        box = browser.find_element(By.ID, "reply").rect
        assert box["y"] + box["height"] < 757
        button = browser.find_element(By.TAG_NAME, "button").rect
        assert button["y"] + button["height"] < 757
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_what_is_offered_without_a_required_parameter_is_no_error(server: Server) -> None:
    page = html.unescape(server.send("GET", "/", **HTML).body.decode())
    offered = dict(
        reversed(found) for found in re.findall(r'data-params="(\{.*?\})".*?>(\w+)</option>', page, re.S)
    )
    assert set(offered) == set(registry)
    for name, action in registry.items():
        if action.kind is Kind.READ and not any(parameter.required for parameter in action.parameters):
            reply = server.send(
                "POST", "/", {"action": name, "version": 6, "params": json.loads(offered[name])}
            )
            assert reply.json["error"] is None, name


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


def test_it_tells_what_has_no_effect_in_the_settings(anki: LiveServer) -> None:
    anki.configure(webAllowedHosts=["https://anki.example.com"])
    problem = "setting webAllowedHosts: &#39;https://anki.example.com&#39; matches no host"
    deadline = time.monotonic() + 60
    while problem not in anki.send("GET", "/", **HTML).body.decode():
        assert time.monotonic() < deadline
    anki.configure(webAllowedHosts=["https://anki.example.com"], apiKey="x")
    assert problem not in anki.send("GET", "/", **{"Via": "1.1 proxy", **HTML}).body.decode()
    anki.configure()
    while problem in anki.send("GET", "/", **HTML).body.decode():
        assert time.monotonic() < deadline


def test_the_page_runs_under_a_strict_policy(headless: HeadlessServer) -> None:
    page = headless.send("GET", "/", **HTML)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script>" not in page.body
    assert b" style=" not in page.body


def test_a_closed_collection_is_shown(headless: HeadlessServer) -> None:
    headless.runtime.close()
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
            assert locked.runtime.anki_version not in text
    assert "<h1>AnkiConnect v.6</h1>" in asked_from(locked, "192.0.2.7", "/")
    assert "Quokka" not in asked_from(locked, "127.0.0.1", "/", X_Forwarded_For="127.0.0.1")


def test_a_person_at_this_machine_or_with_the_key_sees_it(locked: HeadlessServer) -> None:
    for shown in (
        asked_from(locked, "127.0.0.1", "/"),
        asked_from(locked, "192.0.2.7", "/?key=x"),
        asked_from(locked, "192.0.2.7", "/", X_API_Key="x"),
    ):
        assert "Quokka" in shown
        assert locked.runtime.anki_version in shown


def test_an_allowed_page_without_the_key_does_not_see_it(locked: HeadlessServer) -> None:
    assert "Quokka" not in asked_from(locked, "127.0.0.1", "/", Origin="http://localhost:3000")


def test_other_sites_do_not_get_the_page(server: Server) -> None:
    assert server.send("GET", "/", Origin="https://example.com", **HTML).status == 403
