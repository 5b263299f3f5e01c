"""Syncing inside Anki: its windows, its hooks, and no dialogs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import ApiFailure, LiveServer, basic
from .live import LiveAnki
from .sync_world import Client, World, held, text_of
from .web import Web
from .windows import ADD, BROWSER, EDIT, Editor

_WATCH = """
from aqt import gui_hooks
mw.heard = []
mw.hearers = {name: (lambda *_, name=name: mw.heard.append(name)) for name in NAMES}
for name, hearer in mw.hearers.items():
    getattr(gui_hooks, name).append(hearer)
"""
_UNWATCH = """
from aqt import gui_hooks
for name, hearer in mw.hearers.items():
    getattr(gui_hooks, name).remove(hearer)
"""
_DIALOGS = "[w.windowTitle() for w in mw.app.topLevelWidgets() if w.isVisible() and w.isModal()]"
_SYNC_HOOKS = ["sync_will_start", "sync_did_finish", "state_did_reset"]
_CLOSING_HOOKS = ["collection_will_temporarily_close", "collection_did_temporarily_close"]


@pytest.fixture
def client(world: World, anki: LiveServer, other: Client) -> Client:
    """An Anki in sync with `other`."""
    client = world.anki(anki)
    client("fullSync", mode="download")
    return client


@pytest.fixture
def heard(client: Client, live_anki: LiveAnki) -> Iterator[None]:
    """Anki's hooks are listened to; `mw.heard` tells which were called."""
    live_anki.run(f"NAMES = {[*_SYNC_HOOKS, *_CLOSING_HOOKS]}" + _WATCH)
    yield
    live_anki.run(_UNWATCH)


def test_windows_show_what_came(client: Client, other: Client, live_anki: LiveAnki) -> None:
    client("guiBrowse", query="")
    cell = (
        "aqt.dialogs._dialogs['Browser'][1].table._model.get_row("
        "aqt.dialogs._dialogs['Browser'][1].table._model.index(0, 0)).cells[0].text"
    )
    live_anki.wait_for(f"{cell} == 'first'")
    (note,) = other("findNotes", query="")
    other("updateNoteFields", note={"id": note, "fields": {"Front": "changed"}})
    other("sync")
    client("sync")
    live_anki.wait_for(f"{cell} == 'changed'")
    assert live_anki.look(_DIALOGS) == []


@pytest.mark.usefixtures("heard")
def test_other_addons_hear_of_a_sync(client: Client, live_anki: LiveAnki) -> None:
    client.add("ours")
    client("sync")
    heard = [name for name in live_anki.look("mw.heard") if name in ("sync_will_start", "sync_did_finish")]
    assert heard == ["sync_will_start", "sync_did_finish"]
    assert "state_did_reset" in live_anki.look("mw.heard")


@pytest.mark.usefixtures("heard")
def test_a_full_sync_closes_and_opens_the_collection_as_anki_does(
    client: Client, live_anki: LiveAnki
) -> None:
    client("modelFieldAdd", modelName="Basic", fieldName="Ours")
    client("fullSync", mode="upload")
    heard = live_anki.look("mw.heard")
    assert [name for name in heard if name in _CLOSING_HOOKS] == _CLOSING_HOOKS
    live_anki.wait_for(f"not {_DIALOGS}")  # Anki's progress window stays for half a second
    assert not live_anki.look("mw.progress.busy()")
    assert client("guiDeckReview", name="Default") is True


def test_a_status_leaves_undo_alone_and_a_sync_ends_it(client: Client, live_anki: LiveAnki) -> None:
    client.add("ours")
    client("syncStatus")
    assert live_anki.look("col.undo_status().undo") == "AnkiConnect: add note"
    client("sync")
    assert live_anki.look("col.undo_status().undo") == ""
    assert not live_anki.look("mw.form.actionUndo.isEnabled()")


def test_no_dialog_tells_of_a_failure(world: World, client: Client, live_anki: LiveAnki) -> None:
    world.server.kill()
    for action in ("sync", "syncMedia"):
        with pytest.raises(ApiFailure, match="^sync: the server can't be reached"):
            client(action)
    with pytest.raises(ApiFailure, match="^sync: the server can't be reached"):
        client("fullSync", mode="upload")
    assert live_anki.look(_DIALOGS) == []
    assert client("guiDeckBrowser") is None


def test_the_window_is_free_while_the_server_keeps_everybody_waiting(
    world: World, client: Client, live_anki: LiveAnki
) -> None:
    client.add("ours")
    with held(world.line):
        running = world.start(client, "sync")
        assert world.line.waiting.wait(10)
        assert live_anki.look("col.note_count()") == 2
        assert client("guiDeckBrowser") is None
        assert not running.done()
    assert text_of(running) is None


def test_a_sync_of_ankis_own_comes_first(client: Client, live_anki: LiveAnki) -> None:
    live_anki.run("aqt.gui_hooks.sync_will_start()")
    with pytest.raises(ApiFailure, match="^A synchronization is already in progress$"):
        client("sync")
    live_anki.run("aqt.gui_hooks.sync_did_finish()")
    client("sync")


def test_a_persons_sync_during_ours_waits_for_it(
    world: World, client: Client, other: Client, live_anki: LiveAnki
) -> None:
    client.add("ours")
    with held(world.line, after=1500):
        running = world.start(client, "sync")
        assert world.line.waiting.wait(10)
        live_anki.run("mw.on_sync_button_clicked()")
    assert text_of(running) is None
    live_anki.wait_for("not mw.progress.busy() and not mw.media_syncer.is_syncing()")
    other("sync")
    assert other.fronts() == {"first", "ours"}
    assert client("sync") is None


def test_open_editors_do_not_hold_a_sync_up(client: Client, live_anki: LiveAnki) -> None:
    client("guiBrowse", query="")
    (card,) = client("findCards", query="")
    client("guiSelectCard", card=card)
    client("guiAddCards")
    live_anki.wait_for("aqt.dialogs._dialogs['Browser'][1].editor.note is not None")
    client.add("ours")
    assert client("sync") is None
    client("modelFieldAdd", modelName="Basic", fieldName="Ours")
    assert client("fullSync", mode="upload")["side"] == "server"
    live_anki.wait_for(f"not {_DIALOGS}")  # Anki's progress window stays for half a second


@pytest.fixture
def editor(client: Client, live_anki: LiveAnki) -> Editor:
    """The Browse window's, with the cursor at the end of the front of `first`."""
    client("guiBrowse", query="")
    (card,) = client("findCards", query="front:first*")
    client("guiSelectCard", card=card)
    editor = Editor(live_anki, BROWSER)
    editor.focus(0)
    return editor


def fields_of_first(client: Client) -> list[str]:
    (note,) = client("notesInfo", query="nid:" + str(min(client("findNotes", query=""))))
    return [note["fields"][name]["value"] for name in ("Front", "Back")]


@pytest.mark.parametrize("action", ["sync", "fullSync"])
def test_what_was_typed_a_moment_ago_is_synced(
    client: Client, other: Client, editor: Editor, action: str
) -> None:
    editor.type(" typed")
    client(action, **({"mode": "download"} if action == "fullSync" else {}))
    other("sync")
    assert other.fronts() == {"first typed"}


def test_what_is_typed_during_a_sync_and_what_it_brings_are_both_kept(
    world: World, client: Client, other: Client, editor: Editor
) -> None:
    (note,) = other("findNotes", query="")
    other("updateNoteFields", note={"id": note, "fields": {"Back": "theirs"}})
    other("sync")
    with held(world.line, after=1500):
        running = world.start(client, "sync")
        assert world.line.waiting.wait(10)
        editor.type(" typed")
    assert text_of(running) is None
    editor.wait_until_shown(["first typed", "theirs"])
    editor.save()
    assert fields_of_first(client) == ["first typed", "theirs"]
    client("sync")
    other("sync")
    assert fields_of_first(other) == ["first typed", "theirs"]


def test_a_note_that_is_being_written_outlives_syncs_of_both_kinds(
    client: Client, other: Client, live_anki: LiveAnki
) -> None:
    client("guiAddCards", note={**basic("draft"), "fields": {"Front": "draft", "Back": ""}})
    adding = Editor(live_anki, ADD)
    adding.wait_until_shown(["draft", ""])
    adding.focus(1)
    adding.type("more")
    other.add("theirs")
    other("sync")
    client("sync")
    adding.wait_until_shown(["draft", "more"])
    client("modelTemplateAdd", modelName="Basic", template={"Name": "x", "Front": "{{Back}}", "Back": "x"})
    assert client("fullSync", mode="upload")["side"] == "server"
    adding.wait_until_shown(["draft", "more"])
    assert client.fronts() == {"first", "theirs"}


def test_an_editor_that_has_closed_is_not_waited_for(client: Client, live_anki: LiveAnki, web: Web) -> None:
    (note,) = client("findNotes", query="")
    client("guiEditNote", note=note)
    editor = Editor(live_anki, EDIT)
    editor.wait_until_loaded()
    held = web.hold("held")
    editor.web.keep_busy(held)
    live_anki.run(f"window = {EDIT}; window._clean_up(); window.close()")
    client.add("ours")
    client("sync")  # answered while its web view is still busy
    held.let_go_on()


@pytest.fixture
def own_anki(own_anki: LiveAnki) -> LiveAnki:
    """An Anki of this test's own, started."""
    own_anki.start()
    own_anki.anki.wait_until_ready()
    return own_anki


@pytest.mark.parametrize("action", ["sync", "fullSync"])
@pytest.mark.parametrize("after", [0, 1500])
def test_a_sync_never_goes_on_with_another_profile(
    world: World, other: Client, own_anki: LiveAnki, action: str, after: int
) -> None:
    server = LiveServer(own_anki)
    client = world.anki(server)
    client("fullSync", mode="download")
    client.add("ours")
    own_anki.run("mw.pm.create('Other')")
    mode = {"mode": "upload"} if action == "fullSync" else {}
    with held(world.line, after=after):
        running = world.start(client, action, **mode)
        assert world.line.waiting.wait(10)
        own_anki.run("mw.unloadProfile(lambda: (mw.pm.load('Other'), mw.loadProfile()))")
        own_anki.wait_for("mw.pm.name == 'Other' and mw.col is not None and mw.col.db is not None")
        own_anki.run(
            "note = col.new_note(col.models.current()); note.fields[0] = 'private'\ncol.add_note(note, 1)"
        )
    assert text_of(running) in ("collection is not available", "sync: it was stopped before its end")
    assert own_anki.look("col.note_count()") == 1
    assert own_anki.look("[col.db.scalar('select ls from col'), mw.pm.sync_auth()]") == [0, None]
    other("sync")
    assert other.fronts() <= {"first", "ours"}
    own_anki.run("mw.unloadProfile(lambda: (mw.pm.load('User 1'), mw.loadProfile()))")
    own_anki.wait_for("mw.pm.name == 'User 1' and mw.col is not None and mw.col.db is not None")
    client("sync")
    other("sync")
    assert other.fronts() == client.fronts() == {"first", "ours"}
    server.close()


@pytest.mark.parametrize("after", [0, 1500])
def test_closing_anki_aborts_a_sync_that_hangs(
    world: World, other: Client, own_anki: LiveAnki, after: int
) -> None:
    server = LiveServer(own_anki)
    client = world.anki(server)
    client("fullSync", mode="download")
    client.add("ours")
    with held(world.line, after=after):
        running = world.start(client, "sync")
        assert world.line.waiting.wait(10)
        own_anki.run("mw.unloadProfileAndExit()")
        assert own_anki.anki.wait() == 0
        assert text_of(running) is not None
    server.close()
    assert own_anki.addon.name not in own_anki.output()
