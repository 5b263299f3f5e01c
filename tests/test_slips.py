"""Settings that are allowed and have no effect are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from addon.settings_sources import defaults, load
from addon.settings_warnings import slips

from .conftest import Start

NO_PAGE = "is not as browsers write an origin, so it matches no page"
NO_HOST = 'matches no host: a name has no scheme, port or path, and "*" stands only for all'
IN_A_HEADER = (
    "no header carries spaces around a key, nor line breaks, so programs that send it in one are refused"
)
TOLD: list[tuple[dict[str, Any], str]] = [
    ({"apikey": "x"}, "there is no setting 'apikey': is it apiKey?"),
    ({"web": "x"}, "there is no setting 'web'"),
    (
        {"webCorsOriginList": ["a.org"]},
        f"setting webCorsOriginList: 'a.org' {NO_PAGE}: is it https://a.org?",
    ),
    (
        {"webCorsOriginList": ["localhost:5173"]},
        f"setting webCorsOriginList: 'localhost:5173' {NO_PAGE}: is it http://localhost:5173?",
    ),
    (
        {"webCorsOriginList": ["https://A.org/"]},
        f"setting webCorsOriginList: 'https://A.org/' {NO_PAGE}: is it https://a.org?",
    ),
    ({"webCorsOriginList": ["https://*.org"]}, f"setting webCorsOriginList: 'https://*.org' {NO_PAGE}"),
    ({"webCorsOrigin": "a.org"}, f"setting webCorsOrigin: 'a.org' {NO_PAGE}: is it https://a.org?"),
    ({"ignoreOriginList": ["a.org"]}, f"setting ignoreOriginList: 'a.org' {NO_PAGE}: is it https://a.org?"),
    ({"webAllowedHosts": ["http://a.org"]}, f"setting webAllowedHosts: 'http://a.org' {NO_HOST}"),
    ({"webAllowedHosts": ["a.org:80"]}, f"setting webAllowedHosts: 'a.org:80' {NO_HOST}"),
    ({"webAllowedHosts": ["*.a.org"]}, f"setting webAllowedHosts: '*.a.org' {NO_HOST}"),
    ({"apiKey": "secret "}, f"setting apiKey: {IN_A_HEADER}"),
    ({"apiKey": "sec\nret"}, f"setting apiKey: {IN_A_HEADER}"),
]
EFFECTIVE: list[dict[str, Any]] = [
    {},
    {"webCorsOriginList": ["*", "null", "http://localhost", "https://a.org:8080", "app://obsidian.md"]},
    {"webCorsOriginList": ["chrome-extension://abcdef", "http://[::1]:5173"]},
    {"ignoreOriginList": ["https://A.org:443/"]},
    {"webAllowedHosts": ["*", "Anki.example.com", "anki.example.com."]},
    {"apiKey": "ключ и ключ"},
]


def found(values: dict[str, Any], environment: dict[str, str] | None = None) -> list[str]:
    return slips(load(values, environment or {}), values, environment or {})


@pytest.mark.parametrize(("values", "text"), TOLD)
def test_what_has_no_effect_is_told(values: dict[str, Any], text: str) -> None:
    assert found({**defaults(), **values}) == [text]


@pytest.mark.parametrize("values", EFFECTIVE)
def test_what_has_an_effect_is_not(values: dict[str, Any]) -> None:
    assert found(values) == []


def test_a_request_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "requests.log"
    problem = f"setting apiLogPath: {path} can't be opened to write: No such file or directory"
    assert found({"apiLogPath": str(path)}) == [problem]
    path.parent.mkdir()
    assert found({"apiLogPath": str(path)}) == []


def test_a_variable_that_is_spelled_wrong_is_told_and_one_of_a_client_is_not() -> None:
    variables = {"ANKICONNECT_APIKEY": "x", "ANKICONNECT_URL": "http://localhost:8765"}
    assert found({}, variables) == ["there is no variable ANKICONNECT_APIKEY: is it ANKICONNECT_API_KEY?"]


def test_the_server_without_a_window_logs_it(start: Start, collection_path: Path) -> None:
    program = start("--collection", collection_path, "--cors-origin-list", "a.org")
    program.wait_until_it_serves()
    assert program.process.stderr  # it is told after the program serves
    told = program.process.stderr.readline()
    assert "setting webCorsOriginList: 'a.org' is not as browsers write an origin" in told
