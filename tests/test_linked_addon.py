"""The add-on's folder among Anki's can be a link, as packagers and developers make one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .conftest import LiveServer, Reply
from .live import LiveAnki


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAnki]:
    """An Anki with a link for the add-on's folder and a key in its configuration."""
    base = tmp_path_factory.mktemp("linked")
    live = LiveAnki(base / "anki")
    (live.addon / "meta.json").write_text(json.dumps({"config": {"apiKey": "secret"}}))
    live.addon.rename(base / "elsewhere")
    live.addon.symlink_to(base / "elsewhere", target_is_directory=True)
    live.start()
    live.wait_for("mw.state == 'deckBrowser'")
    yield live
    live.stop()


@pytest.fixture
def server(linked: LiveAnki) -> Iterator[LiveServer]:
    server = LiveServer(linked)
    yield server
    server.close()


def ask(server: LiveServer, path: str, **headers: str) -> Reply:
    return server.send("POST", path, {}, X_API_Key="secret", **headers)


def test_the_key_of_a_linked_add_on_is_asked_for(server: LiveServer) -> None:
    assert server.send("GET", "/deckNames").status == 401
    assert ask(server, "/deckNames").json["result"] == ["Default"]


def test_an_edit_of_a_linked_add_ons_configuration_is_in_force_at_once(server: LiveServer) -> None:
    server.live.configure(apiKey="other")
    assert server.send("GET", "/deckNames", X_API_Key="secret").status == 401
    server.live.configure(apiKey="secret")


def test_upgrade_leaves_a_linked_folder_alone(server: LiveServer) -> None:
    server.live.configure(apiKey="secret", upgradeUrl="http://127.0.0.1:1/package")
    refused = ask(server, "/upgrade")
    assert (refused.status, "is a link" in refused.json["error"]) == (409, True)
    assert server.live.addon.is_symlink()
    server.live.configure(apiKey="secret")


def test_the_log_of_a_linked_add_on_goes_into_its_folder(server: LiveServer) -> None:
    assert "listening" in server.live.log()
    assert (server.live.addon / "user_files").is_dir()


def test_a_folder_that_can_not_be_written_keeps_nobody_out(own_anki: LiveAnki) -> None:
    (own_anki.addon / "user_files").write_text("in the way of the folder")
    own_anki.start()
    own_anki.anki.wait_until_ready()
    assert "Traceback" not in own_anki.output()
