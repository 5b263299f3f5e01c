"""Syncing by `python -m addon`: the account's options, the schedule, and the sync before exit."""

from __future__ import annotations

import secrets
import signal
from pathlib import Path

import pytest

from .conftest import basic
from .program import Program
from .sync_server import PASSWORD, USER
from .sync_world import Client, World, held, wait_for


def logged(lines: str) -> list[str]:
    """The messages of log lines."""
    return [line.split(" ", 3)[3] for line in lines.splitlines()]


@pytest.fixture
def account(world: World, tmp_path: Path) -> list[object]:
    """Options that log in."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    return ["--sync-user", USER, "--sync-password-file", file, "--sync-endpoint", world.line.url]


def in_step(collection: Path, *options: object) -> Program:
    """A server that has what the sync server has."""
    program = Program("--collection", collection, *options)
    program.wait_until_it_serves()
    program.ask("fullSync", mode="download")
    return program


def test_the_account_comes_from_options(
    other: Client, account: list[object], collection_path: Path
) -> None:
    program = Program("--collection", collection_path, *account)
    program.wait_until_it_serves()
    assert program.ask("fullSync", mode="download")["side"] == "local"
    assert len(program.ask("findNotes", query="")) == 1
    assert program.stop()[0] == 0


def test_the_account_comes_from_the_environment(world: World, other: Client, collection_path: Path) -> None:
    environment = {
        "ANKICONNECT_SYNC_USER": USER,
        "ANKICONNECT_SYNC_PASSWORD": PASSWORD,
        "ANKICONNECT_SYNC_ENDPOINT": world.line.url,
    }
    program = Program("--collection", collection_path, environment=environment)
    program.wait_until_it_serves()
    assert program.ask("syncStatus")["required"] == 2
    assert program.stop()[0] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sync-user", "x"], "to sync, --sync-user and --sync-password-file are needed"),
        (["--sync-every", "5"], "to sync, --sync-user and --sync-password-file are needed"),
        (["--sync-on-exit"], "to sync, --sync-user and --sync-password-file are needed"),
        (["--sync-user", "x", "--sync-password-file", "/no/such"], "No such file or directory: '/no/such'"),
        (["--sync-every", "0"], "--sync-every: 0.0 should be from 0.01 to 10080"),
        (["--sync-every", "1e300"], "--sync-every: 1e+300 should be from 0.01 to 10080"),
    ],
)
def test_half_an_account_is_one_clear_line(collection_path: Path, options: list[object], said: str) -> None:
    code, _out, err = Program("--collection", collection_path, *options).end()
    assert code == 2
    assert said in err.splitlines()[-1]


def test_a_schedule_syncs_again_and_again_and_survives_failures(
    world: World, other: Client, account: list[object], collection_path: Path
) -> None:
    program = Program("--collection", collection_path, *account, "--sync-every", "0.01")
    program.wait_until_it_serves()
    assert program.process.stderr
    assert "not synced: Sync status 3" in program.process.stderr.readline()
    wait_for(lambda: isinstance(program.ask("fullSync", mode="download"), dict))
    other.add("second")
    other("sync")
    wait_for(lambda: len(program.ask("findNotes", query="")) == 2)
    world.server.kill()
    wait_for(lambda: "can't be reached" in str(program.ask("syncStatus")["last"]["error"]))
    world.server.start()
    other.add("third")
    other("sync")
    wait_for(lambda: len(program.ask("findNotes", query="")) == 3)
    assert program.stop()[0] == 0


def test_the_last_changes_are_synced_before_exit(
    other: Client, account: list[object], collection_path: Path
) -> None:
    program = in_step(collection_path, *account, "--sync-on-exit")
    note = {"deckName": "Default", "modelName": "Basic", "fields": {"Front": "last"}}
    program.ask("addNote", note=note)
    code, _out, err = program.stop()
    assert (code, logged(err)) == (0, ["AnkiConnect stops", "synced"])
    other("sync")
    assert other.fronts() == {"first", "last"}


def test_it_idles_in_less_than_80_mb_after_syncs_too(
    other: Client, account: list[object], collection_path: Path
) -> None:
    program = in_step(collection_path, *account)
    for number in range(10):
        program.ask("addNote", note=basic(str(number)))
        assert program.ask("sync") is None
    assert program.memory() < 80
    assert program.stop()[0] == 0


def test_an_exit_without_the_server_keeps_the_changes(
    world: World, other: Client, account: list[object], collection_path: Path
) -> None:
    program = in_step(collection_path, *account, "--sync-on-exit")
    program.ask("createDeck", deck="Kept")
    world.server.kill()
    code, _out, err = program.stop()
    assert code == 0
    assert logged(err)[-1].startswith("not synced: sync: the server can't be reached")
    world.server.start()
    program = Program("--collection", collection_path, *account, "--sync-on-exit")
    program.wait_until_it_serves()
    code, _out, err = program.stop()
    assert (code, logged(err)[-1]) == (0, "synced")
    other("sync")
    assert "Kept" in other("deckNames")


def stopped(program: Program) -> str:
    """Stop it, which takes 4.5 s at rest when a server keeps it waiting. Returns its log."""
    code, _out, err = program.stop()
    assert code == 0, err
    return err


# Before the server has said anything, and in the middle of the exchange.
@pytest.mark.parametrize("after", [0, 1500])
@pytest.mark.parametrize("ask", ["sync", "fullSync", "syncMedia", "exit"])
def test_a_sync_that_hangs_is_aborted_by_a_signal(
    world: World, other: Client, account: list[object], collection_path: Path, ask: str, after: int
) -> None:
    options = ["--sync-on-exit"] if ask == "exit" else []
    program = in_step(collection_path, *account, *options)
    program.ask("createDeck", deck="Kept")
    program.ask("storeMediaFile", filename="a.txt", data=secrets.token_hex(4000))
    if ask == "fullSync":
        program.ask("modelFieldAdd", modelName="Basic", fieldName="Ours")
    mode = {"mode": "upload"} if ask == "fullSync" else {}
    with held(world.line, after=after):
        if ask == "exit":
            assert "not waiting for the sync any longer" in stopped(program)
        else:
            running = world.start(program.ask, ask, **mode)
            assert world.line.waiting.wait(60)
            stopped(program)
            running.exception(20)
    program = Program("--collection", collection_path, *account)
    program.wait_until_it_serves()
    assert "Kept" in program.ask("deckNames")
    if ask == "fullSync":
        assert program.ask("fullSync", mode="upload")["side"] == "server"
    else:
        assert program.ask("sync") is None
    program.stop()


def test_the_sync_before_exit_follows_one_that_is_running(
    world: World, other: Client, account: list[object], collection_path: Path
) -> None:
    program = in_step(collection_path, *account, "--sync-on-exit")
    program.ask("storeMediaFile", filename="a.txt", data="YWJj")
    with held(world.line):
        running = world.start(program.ask, "syncMedia")
        assert world.line.waiting.wait(60)
        program.ask("createDeck", deck="Last")
        program.process.send_signal(signal.SIGTERM)
        assert program.process.stderr
        assert "AnkiConnect stops" in program.process.stderr.readline()
    code, _out, err = program.end()
    assert (code, logged(err)) == (0, ["synced"])
    assert running.result(20) == "media sync completed"
    other("sync")
    assert "Last" in other("deckNames")
