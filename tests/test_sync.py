"""Syncing between two headless clients and a real Anki, through Anki's own sync server."""

from __future__ import annotations

import json
import secrets
import shutil
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection

from .conftest import ApiFailure, HeadlessServer, LiveServer, Server, Wired, add_cards, basic
from .sync_server import PASSWORD, USER, Moved
from .sync_world import Client, World, held, restored, text_of, wait_for

HOSTS = ["headless", "anki"]


@pytest.fixture(params=HOSTS)
def client(request: pytest.FixtureRequest, world: World) -> Client:
    """A client on each host in turn, with nothing synced yet."""
    if request.param == "headless":
        return world.headless()
    return world.anki(request.getfixturevalue("anki"))


@pytest.fixture
def synced(client: Client, other: Client) -> Client:
    """A client on each host in turn, in sync with `other`."""
    client("fullSync", mode="download")
    return client


def change_note_type(client: Client, field: str) -> None:
    """A change that takes a full sync."""
    client("modelFieldAdd", modelName="Basic", fieldName=field)


def test_notes_reviews_deletions_and_media_travel_all_ways(world: World, anki: LiveServer) -> None:
    clients = [world.headless(), world.headless(), world.anki(anki)]
    first, second, third = clients
    first.add("first")
    first("fullSync", mode="upload")
    for client in (second, third):
        client("fullSync", mode="download")
    for number, client in enumerate(clients):
        client("storeMediaFile", filename=f"{number}.txt", data="aGVsbG8=")
        note = client.add(f"note {number}")
        (card,) = client("findCards", query=f"nid:{note}")
        assert client("answerCards", answers=[{"cardId": card, "ease": 4}]) == [True]
        assert client("sync") is None
    for client in clients:
        assert client("sync") is None
    for client in clients:
        assert client.fronts() == {"first", "note 0", "note 1", "note 2"}
        assert [client("retrieveMediaFile", filename=f"{n}.txt") for n in range(3)] == ["aGVsbG8="] * 3
        reviews = client("getReviewsOfCards", cards=client("findCards", query="rated:1"))
        assert sorted(len(of_card) for of_card in reviews.values()) == [1, 1, 1]
    for number, client in enumerate(clients):
        client("deleteNotes", notes=client("findNotes", query=f'"front:note {number}"'))
        client("deleteMediaFile", filename=f"{number}.txt")
        client("sync")
    for client in clients:
        client("sync")
        assert client.fronts() == {"first"}
        assert client("getMediaFilesNames", pattern="*.txt") == []


@pytest.mark.parametrize("way", ["rpc", "url"])
def test_success_is_a_bare_null_and_a_version_among_the_parameters_is_let_be(
    synced: Client, way: str
) -> None:
    server = synced.server
    if way == "rpc":
        body = {"action": "sync", "version": 2, "params": {"version": 2}}
        assert server.send("POST", "/", body).body == b"null"
    else:
        assert server.send("POST", "/sync", {"version": 2}).json == {"result": None, "error": None}


def test_media_alone_are_synced_by_sync_media(synced: Client, other: Client) -> None:
    other("storeMediaFile", filename="a.txt", data="aGVsbG8=")
    other.add("second")
    assert other("syncMedia") == "media sync completed"
    assert synced("syncMedia") == "media sync completed"
    assert synced("retrieveMediaFile", filename="a.txt") == "aGVsbG8="
    assert synced.fronts() == {"first"}


def test_media_travel_with_their_capitals_at_once(synced: Client, other: Client) -> None:
    for data in ("b25l", "dHdv"):
        other("storeMediaFile", filename="Foo Bar.PNG", data=data)
        for client in (other, synced):
            client("syncMedia")
        assert synced("getMediaFilesNames", pattern="*[fF]oo*") == ["Foo Bar.PNG"]
        assert synced("retrieveMediaFile", filename="Foo Bar.PNG") == data


def test_media_are_left_out_as_the_profile_says(world: World, anki: LiveServer, other: Client) -> None:
    client = world.anki(anki)
    client("fullSync", mode="download")
    other("storeMediaFile", filename="a.txt", data="aGVsbG8=")
    other("sync")
    anki.live.run("mw.pm.profile['syncMedia'] = False")
    client("sync")
    assert client("retrieveMediaFile", filename="a.txt") is False
    anki.live.run("mw.pm.profile['syncMedia'] = True")
    client("sync")
    assert client("retrieveMediaFile", filename="a.txt") == "aGVsbG8="


# Obstacles


@pytest.mark.parametrize("action", ["sync", "syncMedia", "fullSync"])
def test_without_an_account_nothing_is_synced(server: Server, action: str) -> None:
    params = {"mode": "upload"} if action == "fullSync" else {}
    reply = server.send("POST", f"/{action}", params)
    assert (reply.status, reply.json["error"]) == (401, "sync: auth not configured")


def test_without_an_account_the_status_says_so(server: Server) -> None:
    status = server.send("GET", "/syncStatus").json["result"]
    assert (status["state"], status["required"]) == ("idle", None)
    assert status["reason"] == "sync: auth not configured"


def test_a_wrong_password_is_told(world: World) -> None:
    client = world.headless(password="wrong")
    for _ in range(2):
        with pytest.raises(ApiFailure, match="^sync: the server refused the login: the user name or pass"):
            client("sync")


def test_an_expired_login_is_told(world: World, synced: Client) -> None:
    world.server.kill()
    world.server.start(password="another")
    with pytest.raises(ApiFailure, match="^sync: the server refused the login"):
        synced("sync")
    assert synced("syncStatus")["reason"].startswith("sync: the server refused the login")
    assert synced.fronts() == {"first"}


def test_a_login_is_renewed_after_it_was_refused(world: World, other: Client) -> None:
    world.server.kill()
    world.server.start(password="another")
    with pytest.raises(ApiFailure):
        other("sync")
    world.server.kill()
    world.server.start()
    other("sync")


def test_a_request_may_bring_its_own_account(world: World, server: Server, other: Client) -> None:
    account = {"username": USER, "password": PASSWORD, "endpoint": world.line.url}
    reply = server.send("POST", "/sync", account)
    assert (reply.status, reply.json["error"][:13]) == (409, "Sync status 3")
    assert server.send("POST", "/fullSync", {**account, "mode": "download"}).json["error"] is None
    assert server.send("POST", "/sync", account).json == {"result": None, "error": None}
    assert server.send("POST", "/sync").json["error"] == "sync: auth not configured"
    reply = server.send("POST", "/sync", {**account, "password": "wrong"})
    assert reply.json["error"].startswith("sync: the server refused the login")
    reply = server.send("POST", "/sync", {"username": USER})
    assert (reply.status, reply.json["error"][:29]) == (400, "username, password and endpoi")
    reply = server.send("POST", "/sync", {**account, "endpoint": "nonsense"})
    assert (reply.status, reply.json["error"][:33]) == (400, "sync: Invalid sync server specifi")


ASKERS: dict[str, tuple[str, dict[str, str]]] = {
    "a page": ("127.0.0.1", {"Origin": "http://localhost:3000"}),
    "an extension": ("127.0.0.1", {"Origin": "moz-extension://0a1b"}),
    "another machine": ("192.0.2.7", {}),
    "a proxy": ("127.0.0.1", {"Via": "1.1 proxy"}),
}


def asked_by(asker: str, client: Client, action: str, **params: Any) -> tuple[int, Any]:
    """Status and JSON of the reply to somebody who is no program of this machine."""
    assert isinstance(client.server, HeadlessServer)
    address, headers = ASKERS[asker]
    reply = client.server.app.test_client().post(
        f"/{action}", data=json.dumps(params), headers=headers, environ_base={"REMOTE_ADDR": address}
    )
    return reply.status_code, reply.get_json()


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize("action", ["sync", "syncMedia", "fullSync", "syncStatus"])
def test_only_programs_of_this_machine_name_accounts_and_servers(
    world: World, action: str, asker: str
) -> None:
    client = world.headless()
    mode = {"mode": "upload"} if action == "fullSync" else {}
    account = {"username": USER, "password": PASSWORD, "endpoint": world.line.url}
    given = [{name: value} for name, value in account.items()]
    given += [account, {**account, "endpoint": "http://127.0.0.1:9/"}, {**account, "endpoint": "nonsense"}]
    replies = [asked_by(asker, client, action, **params, **mode) for params in given]
    inner = {"action": action, "version": 6, "params": {**account, **mode}}
    _status, reply = asked_by(asker, client, "multi", actions=[inner])
    replies.append((403, reply["result"][0]))
    assert {status for status, _reply in replies} == {403}
    assert {reply["error"] for _status, reply in replies} == {
        "username, password and endpoint: only programs on the machine that Anki runs on may name an "
        "account or a sync server; leave them out to use the account that is set up there"
    }
    assert world.line.passed == 0


@pytest.mark.parametrize("origin", ["http://localhost:3000", "moz-extension://0a1b"])
def test_a_page_has_no_server_of_its_choice_asked(world: World, wired: Wired, origin: str) -> None:
    account = {"username": USER, "password": PASSWORD, "endpoint": world.line.url}
    for action in ("sync", "syncMedia", "syncStatus"):
        assert wired.send("POST", f"/{action}", account, Origin=origin).status == 403
    query = urllib.parse.urlencode(account)
    assert wired.send("GET", f"/syncStatus?{query}", Origin=origin).status == 403
    assert world.line.passed == 0
    assert wired.send("POST", "/syncStatus", account).json["result"]["required"] == 0


@pytest.mark.parametrize("asker", ASKERS)
def test_others_are_not_told_where_the_server_is_and_why_it_can_not_be_reached(
    world: World, other: Client, asker: str
) -> None:
    world.server.kill()
    for action in ("sync", "syncMedia"):
        reply = asked_by(asker, other, action)
        assert reply == (502, {"result": None, "error": "sync: the server can't be reached"})
    with pytest.raises(ApiFailure, match=f"can't be reached: {world.line.url}: ."):
        other("sync")
    _status, reply = asked_by(asker, other, "syncStatus")
    assert reply["result"]["reason"] == "sync: the server can't be reached"
    assert reply["result"]["last"]["error"] == "sync: the server can't be reached"
    assert world.line.url in other("syncStatus")["reason"]
    assert world.line.url in other("syncStatus")["last"]["error"]


def test_a_server_that_has_moved_is_followed_and_only_by_its_own_account(
    world: World, synced: Client, other: Client
) -> None:
    """As AnkiWeb does, which sends each account to a server of its own."""
    moved = Moved(world.server.url)
    try:
        account = {"username": USER, "password": PASSWORD}
        other.add("second")
        other("sync")
        assert synced("sync", **account, endpoint=moved.url) is None
        assert synced.fronts() == {"first", "second"}
        assert moved.asked
        world.line.cut(0)  # the host's own account is where it was
        with pytest.raises(ApiFailure, match=f"can't be reached: {world.line.url}"):
            synced("sync")
    finally:
        moved.close()


def test_a_move_is_remembered(world: World, other: Client) -> None:
    moved = Moved(world.line.url)
    client = world.headless(endpoint=moved.url)
    assert client("syncStatus")["newEndpoint"] == world.line.url
    client("fullSync", mode="download")
    moved.close()
    client.add("second")
    client("sync")
    other("sync")
    assert other.fronts() == {"first", "second"}


def test_syncs_in_a_multi_come_in_their_turn(synced: Client, other: Client) -> None:
    other.add("theirs")
    steps: list[Any] = [
        {"action": "addNote", "params": {"note": basic("ours")}},
        {"action": "sync"},
        {"action": "findNotes", "params": {"query": ""}},
    ]
    other("sync")
    _added, done, found = synced("multi", actions=steps)
    assert done is None
    assert len(found) == 3
    other("sync")
    assert other.fronts() == {"first", "theirs", "ours"}


@pytest.mark.parametrize("action", ["sync", "syncMedia", "fullSync"])
def test_a_server_that_only_reads_does_not_sync_for_a_request(
    world: World, wired: Wired, action: str
) -> None:
    wired.configure(apiReadOnly=True)
    account = {"username": USER, "password": PASSWORD, "endpoint": world.line.url}
    mode = {"mode": "upload"} if action == "fullSync" else {}
    assert wired.send("POST", f"/{action}", {**account, **mode}).status == 403
    assert world.line.passed == 0
    assert wired.send("POST", "/syncStatus", account).json["result"]["required"] == 0


def test_a_server_that_is_not_there_is_named_and_waits_with_the_changes(
    world: World, synced: Client, other: Client
) -> None:
    world.server.kill()
    synced.add("later")
    for action in ("sync", "syncMedia"):
        reply = synced.server.send("POST", f"/{action}")
        assert reply.status == 502
        assert reply.json["error"].startswith(f"sync: the server can't be reached: {world.line.url}: ")
    assert synced("syncStatus")["reason"].startswith("sync: the server can't be reached")
    world.server.start()
    synced("sync")
    other("sync")
    assert other.fronts() == {"first", "later"}


def test_a_needed_full_sync_is_told_with_what_to_do(client: Client, other: Client) -> None:
    with pytest.raises(ApiFailure, match=r"^Sync status 3 not one of \[0, 1\]: .* mode \"download\""):
        client("sync")
    client("fullSync", mode="download")
    change_note_type(other, "Theirs")
    other("fullSync", mode="upload")
    change_note_type(client, "Ours")
    with pytest.raises(ApiFailure, match=r"^Sync status 2 not one of \[0, 1\]: both sides"):
        client("sync")
    assert client("syncStatus")["required"] == 2


def test_a_server_without_cards_is_told(client: Client) -> None:
    client.add("first")
    with pytest.raises(ApiFailure, match=r"^Sync status 4 not one of \[0, 1\]: .* mode \"upload\""):
        client("sync")


def test_one_sync_runs_at_a_time_and_the_others_and_the_status_are_answered_meanwhile(
    world: World, synced: Client
) -> None:
    with held(world.line):
        running = world.start(synced, "sync")
        assert world.line.waiting.wait(60)
        for action in ("sync", "syncMedia"):
            reply = synced.server.send("POST", f"/{action}")
            assert reply.status == 409
            assert reply.json["error"] == "A synchronization is already in progress"
        status = synced("syncStatus")
        assert (status["state"], status["required"]) == ("collection", None)
        assert status["reason"] == "a sync is running"
        assert isinstance(status["progress"], str)
        assert synced("version") == 6
        # A server that does not answer does not keep the collection.
        assert synced("deckNames") == ["Default"]
        assert not running.done()
    assert text_of(running) is None
    assert synced("syncStatus")["last"]["error"] is None


# A full sync


@pytest.mark.parametrize("mode", ["upload", "download"])
def test_a_conflict_is_resolved_in_either_direction_and_the_loser_is_kept(
    synced: Client, other: Client, tmp_path: Path, mode: str
) -> None:
    change_note_type(other, "Theirs")
    other.add("theirs")
    other("fullSync", mode="upload")
    change_note_type(synced, "Ours")
    synced.add("ours")
    replaced = synced("fullSync", mode=mode)
    loser = "theirs" if mode == "upload" else "ours"
    assert replaced["side"] == ("server" if mode == "upload" else "local")
    assert (replaced["notes"], replaced["cards"], replaced["reviews"]) == (2, 2, 0)
    assert Path(replaced["backup"]) in synced.backups()
    lost = restored(replaced["backup"], tmp_path)
    assert len(lost.find_notes(f"front:{loser}")) == 1
    lost.close()
    if mode == "upload":
        other("fullSync", mode="download")
    for client in (synced, other):
        client("sync")
        assert client.fronts() == {"first", "ours" if mode == "upload" else "theirs"}


def test_an_upload_also_backs_up_what_is_here(synced: Client, other: Client) -> None:
    change_note_type(synced, "Ours")
    before = synced.backups()
    synced("fullSync", mode="upload")
    assert len(synced.backups() - before) == 2


def test_what_a_normal_sync_can_do_replaces_nothing(synced: Client, other: Client) -> None:
    other.add("theirs")
    other("sync")
    synced.add("ours")
    before = synced.backups()
    assert synced("fullSync", mode="download") is None
    assert synced.fronts() == {"first", "ours", "theirs"}
    assert synced.backups() == before


def test_an_empty_side_never_replaces_a_full_one(client: Client, other: Client) -> None:
    with pytest.raises(ApiFailure, match="'upload' would leave nothing on both sides: Sync status 3 not"):
        client("fullSync", mode="upload")
    other("sync")
    assert other.fronts() == {"first"}


def test_a_full_collection_is_not_replaced_by_an_empty_server(client: Client) -> None:
    client.add("first")
    with pytest.raises(ApiFailure, match="'download' would leave nothing on both sides: Sync status 4 not"):
        client("fullSync", mode="download")
    assert client.fronts() == {"first"}


def test_an_unknown_mode_is_refused(client: Client) -> None:
    with pytest.raises(ApiFailure, match="^mode must be 'upload' or 'download'$"):
        client("fullSync", mode="both")


def test_requests_wait_for_a_full_sync_and_none_is_lost(
    world: World, client: Client, other: Client
) -> None:
    with held(world.line, after=4000):
        running = world.start(client, "fullSync", mode="download")
        assert world.line.waiting.wait(60)
        wait_for(lambda: client("syncStatus")["state"] == "download")
        reply = client.server.send("POST", "/addNote", {"note": {"deckName": "Default"}})
        assert reply.status == 400  # what needs no collection is answered
        reply = client.server.send("GET", "/deckNames")
        assert (reply.status, reply.json["error"]) == (503, "collection is not available")
        assert client("version") == 6
        waiting = world.start(client.add, "during")
    assert text_of(running) is None
    assert text_of(waiting) is None
    assert client.fronts() == {"first", "during"}


def test_what_is_written_up_to_a_full_sync_is_in_its_backup(
    synced: Client, other: Client, world: World, tmp_path: Path
) -> None:
    change_note_type(synced, "Ours")
    written: list[str] = []

    def write() -> None:
        while not running.done():
            front = f"note {len(written)}"
            body = {"note": {"deckName": "Default", "modelName": "Basic", "fields": {"Front": front}}}
            if synced.server.send("POST", "/addNote", body).status == 200:
                written.append(front)

    def replace() -> Any:
        server = synced.server
        if isinstance(server, LiveServer):  # a connection of its own
            server = LiveServer(server.live)
        reply = server.send("POST", "/fullSync", {"mode": "download"})
        if isinstance(server, LiveServer):
            server.close()
        return reply.json["result"]

    running = world.start(replace)
    write()
    lost = restored(running.result(60)["backup"], tmp_path)
    kept = {lost.get_note(note).fields[0] for note in lost.find_notes("")} | synced.fronts()
    lost.close()
    assert len(written) > 1
    assert set(written) <= kept


def test_without_a_backup_there_is_no_full_sync(synced: Client, other: Client) -> None:
    change_note_type(synced, "Ours")
    synced.add("ours")
    folder = next(iter(synced.backups())).parent
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("A file is in the way.")
    try:
        with pytest.raises(ApiFailure, match="^no backup could be made, so nothing was changed: "):
            synced("fullSync", mode="download")
        assert synced.fronts() == {"first", "ours"}
        assert synced("syncStatus")["state"] == "idle"
    finally:
        folder.unlink()
        aside.rename(folder)
    assert synced("fullSync", mode="download")["notes"] == 2


# A server that goes away


@pytest.mark.parametrize("after", [0, 1_500, 4_000, 7_000, 10_000])
def test_a_line_that_breaks_in_the_middle_loses_nothing(
    world: World, synced: Client, other: Client, after: int
) -> None:
    ours, theirs = ([f"{side} {number}" for number in range(20)] for side in ("ours", "theirs"))
    for front in ours:
        synced.add(front, tags=[secrets.token_hex(500)])
    for front in theirs:  # not at the same time: ids are times
        other.add(front, tags=[secrets.token_hex(500)])
    other("sync")
    world.line.cut(after)
    with pytest.raises(ApiFailure, match="^sync: the server can't be reached"):
        synced("sync")
    assert synced.fronts() >= {"first", *ours}
    world.line.mend()
    synced("sync")
    other("sync")
    assert synced.fronts() == other.fronts() == {"first", *ours, *theirs}


@pytest.mark.parametrize("mode", ["upload", "download"])
def test_a_server_killed_in_a_full_sync_leaves_both_sides_as_they_were(
    world: World, synced: Client, other: Client, mode: str
) -> None:
    change_note_type(synced, "Ours")
    synced.add("ours")
    synced("storeMediaFile", filename="a.txt", data="aGVsbG8=")
    sender = synced if mode == "upload" else other
    sender("createDeck", deck="Large")
    sender("setDeckDescription", deck="Large", description=secrets.token_hex(60_000))
    other("sync")
    with held(world.line, after=30_000):
        running = world.start(synced, "fullSync", mode=mode)
        assert world.line.waiting.wait(60)
        world.server.kill()
        world.line.cut(0)  # what was on its way is lost too
    text = text_of(running)
    assert text is not None
    assert text.startswith("sync: the server can't be reached")
    assert synced.fronts() == {"first", "ours"}
    assert synced("modelFieldNames", modelName="Basic") == ["Front", "Back", "Ours"]
    assert synced("syncStatus")["last"]["error"] == text
    world.server.start()
    world.line.mend()
    other("sync")
    assert other.fronts() == {"first"}
    synced("fullSync", mode="upload")
    other("fullSync", mode="download")
    assert other.fronts() == {"first", "ours"}
    assert other("retrieveMediaFile", filename="a.txt") == "aGVsbG8="


def test_media_that_fail_after_a_full_sync_are_told_apart(
    world: World, client: Client, other: Client
) -> None:
    other("storeMediaFile", filename="a.bin", data=secrets.token_hex(200_000))
    other("sync")
    world.line.cut(100_000)
    with pytest.raises(ApiFailure, match="^sync: the download is done, but media are missing: sync:"):
        client("fullSync", mode="download")
    assert client.fronts() == {"first"}
    world.line.mend()
    client("sync")
    assert client("retrieveMediaFile", filename="a.bin")


def test_a_server_killed_in_a_sync_loses_nothing(world: World, synced: Client, other: Client) -> None:
    for number in range(50):
        synced.add(f"ours {number}")
    with held(world.line, after=3000):
        running = world.start(synced, "sync")
        assert world.line.waiting.wait(60)
        world.server.kill()
        world.line.cut(0)  # what was on its way is lost too
    text = text_of(running)
    assert text is not None
    assert text.startswith("sync: the server can't be reached")
    world.server.start()
    world.line.mend()
    synced("sync")
    other("sync")
    assert other.fronts() == synced.fronts()
    assert len(other.fronts()) == 51


# The status


def test_the_status_tells_which_sync_is_needed(synced: Client, other: Client) -> None:
    synced("sync")
    assert synced("syncStatus")["required"] == 0
    other.add("theirs")
    other("sync")
    assert synced("syncStatus")["required"] == 1
    synced("sync")
    synced.add("ours")
    assert synced("syncStatus")["required"] == 1
    assert synced.fronts() == {"first", "theirs", "ours"}


def test_the_status_tells_how_the_last_sync_went(world: World, synced: Client) -> None:
    assert synced("syncStatus")["last"]["action"] == "fullSync"
    world.server.kill()
    with pytest.raises(ApiFailure) as failure:
        synced("sync")
    last = synced("syncStatus")["last"]
    assert (last["action"], last["error"]) == ("sync", failure.value.text)


# What becomes of a sync when the server without a window stops


def test_a_sync_that_hangs_does_not_keep_the_server_from_stopping(
    world: World, other: Client, tmp_path: Path
) -> None:
    other.add("second")
    server = other.server
    assert isinstance(server, HeadlessServer)
    with held(world.line, after=1500):
        running = world.start(other, "sync")
        assert world.line.waiting.wait(60)
        server.close()
        assert text_of(running) is not None
    path = Path(shutil.copy(other._backups.parent / "collection.anki2", tmp_path))
    col = Collection(str(path))
    assert len(col.find_notes("")) == 2
    col.close()


def test_a_backup_of_the_server_that_hangs_is_aborted_too(world: World, other: Client) -> None:
    change_note_type(other, "Ours")
    server = other.server
    assert isinstance(server, HeadlessServer)
    with held(world.line, after=4000):
        running = world.start(other, "fullSync", mode="upload")
        assert world.line.waiting.wait(60)
        assert other("syncStatus")["state"] == "upload"
        server.close()
        assert text_of(running) == "sync: it was stopped before its end"


def test_cards_of_other_syncs_are_answered_while_media_are_synced(
    world: World, synced: Client, other: Client
) -> None:
    synced("storeMediaFile", filename="a.txt", data="aGVsbG8=")
    with held(world.line):
        running = world.start(synced, "syncMedia")
        assert world.line.waiting.wait(60)
        assert synced("syncStatus")["state"] == "media"
        cards: Any = add_cards(synced.server, "meanwhile")
        assert len(cards) == 1
    assert text_of(running) is None
