"""The add-on's life inside Anki: start, profiles, interruptions, a busy port, quitting."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.request
from typing import Any

import pytest

from .conftest import LiveServer
from .live import LiveAnki
from .windows import NOTICE

UNAVAILABLE = "collection is not available"


def ask(live: LiveAnki, action: str, **params: Any) -> Any:
    return live.anki.invoke(action, **params)


class Clients:
    """Clients that ask without pause, each on its own connection."""

    def __init__(self, port: int, count: int, message: dict[str, Any]) -> None:
        self.replies: list[tuple[int, Any]] = []
        self.failures: list[Exception] = []
        self._port, self._body = port, json.dumps(message)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(count)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            while not self._stop.is_set():
                connection.request("POST", "/", self._body)
                response = connection.getresponse()
                self.replies.append((response.status, json.loads(response.read())))
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(error)
        finally:
            connection.close()


def test_version_is_answered_while_the_main_thread_is_busy(anki: LiveServer) -> None:
    with anki.live.busy_main_thread():
        assert anki.send("POST", "/", {"action": "version"}).json == 6
        assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_version_is_answered_while_the_collection_is_busy(anki: LiveServer) -> None:
    with anki.live.busy_lane():
        assert anki.send("POST", "/", {"action": "version"}).json == 6
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_the_window_gets_its_turn_at_python_soon(anki: LiveServer) -> None:
    assert anki.live.look("__import__('sys').getswitchinterval()") <= 0.001


def test_a_question_to_the_person_holds_nobody_up(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt.qt import QMessageBox; import builtins\n"
        "builtins.box = QMessageBox(mw)\n"
        "aqt.qt.QTimer.singleShot(0, builtins.box.exec)"
    )
    anki.live.wait_for("__import__('builtins').box.isVisible()")
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]
    assert anki.send("POST", "/guiDeckBrowser").status == 200
    anki.live.run("import builtins; builtins.box.close()")


def test_actions_run_on_the_collection_lane_and_not_on_the_main_thread(anki: LiveServer) -> None:
    anki.live.run(
        "import threading\n"
        "original = col.decks.all_names_and_ids\n"
        "def recording(*a, **k):\n"
        "    mw.seen_thread = threading.current_thread()\n"
        "    return original(*a, **k)\n"
        "col.decks.all_names_and_ids = recording"
    )
    anki.send("GET", "/deckNames")
    name, same = anki.live.look(
        "(mw.seen_thread.name, mw.taskman._collection_executor._threads == {mw.seen_thread})"
    )
    assert (name != "MainThread", same) == (True, True)
    anki.live.run("del col.decks.all_names_and_ids")


def test_windows_show_a_burst_of_changes_once(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "mw.refreshes = []\n"
        "mw.record = lambda changes, handler: mw.refreshes.append(bool(changes.deck))\n"
        "gui_hooks.operation_did_execute.append(mw.record)"
    )
    with anki.live.busy_main_thread():  # so that it hears of all of them at once, however slow the machine
        for number in range(20):
            anki.send("POST", "/createDeck", {"deck": f"Deck {number}"})
    anki.live.wait_for("mw.refreshes")
    anki.send("POST", "/guiDeckBrowser")  # what was not shown by then would be now
    assert anki.live.look("mw.refreshes") == [True]
    assert "create deck" in anki.live.look("mw.form.actionUndo.text()")
    anki.live.run("from aqt import gui_hooks; gui_hooks.operation_did_execute.remove(mw.record)")


def test_changes_are_shown_before_a_gui_action_runs(anki: LiveServer) -> None:
    anki.send("POST", "/createDeck", {"deck": "Seen"})
    anki.send("POST", "/guiDeckBrowser")
    assert "create deck" in anki.live.look("mw.form.actionUndo.text()")


def test_while_the_collection_is_away_requests_wait_and_then_give_up(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "gui_hooks.collection_will_temporarily_close(col); col.close(downgrade=False)"
    )
    reply = anki.send("GET", "/deckNames")
    assert (reply.status, reply.json["error"]) == (503, UNAVAILABLE)
    assert anki.send("GET", "/version").status == 200
    anki.live.run("mw.reopen(after_full_sync=False)")
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_a_request_that_waits_is_served_when_the_collection_is_back(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "gui_hooks.collection_will_temporarily_close(col); col.close(downgrade=False)\n"
        "aqt.qt.QTimer.singleShot(500, lambda: mw.reopen(after_full_sync=False))"
    )
    assert anki.send("GET", "/deckNames").json["result"] == ["Default"]


def test_the_server_lives_through_a_profile_switch(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    message = {"action": "deckNames", "version": 6}
    with Clients(own_anki.anki.port, 4, message) as clients:
        own_anki.run("mw.pm.create('Other'); mw.unloadProfileAndShowProfileManager()")
        own_anki.wait_for("mw.col is None")
        for action in ("deckNames", "reloadCollection", "guiDeckBrowser"):
            assert ask(own_anki, action)["error"] == UNAVAILABLE
        for action in ("guiDeckOverview", "guiDeckReview"):
            assert ask(own_anki, action, name="Default")["error"] == UNAVAILABLE
        assert ask(own_anki, "version")["result"] == 6
        own_anki.run(
            "mw.profileDiag.closeWithoutQuitting() if hasattr(mw.profileDiag, 'closeWithoutQuitting')"
            " else mw.profileDiag.close()\nmw.pm.load('Other'); mw.loadProfile()"
        )
        own_anki.wait_for("mw.col is not None")
        own_anki.anki.wait_until_ready()
    assert clients.failures == []
    assert {reply["error"] for _status, reply in clients.replies} == {None, UNAVAILABLE}
    assert ask(own_anki, "notesInfo", query="")["result"] == []
    assert own_anki.addon.name not in own_anki.output()


def test_a_multi_ends_between_its_elements_when_the_profile_is_closed(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    own_anki.run(
        "import time\n"
        "from anki.hooks import note_will_be_added\n"
        "added = []\n"
        "def close_after_three(*_):\n"
        "    added.append(1)\n"
        "    if len(added) == 3:\n"
        "        mw.taskman.run_on_main(mw.unloadProfileAndShowProfileManager)\n"
        "        while mw.isEnabled(): time.sleep(0.01)\n"
        "note_will_be_added.append(close_after_three)"
    )
    note = {"deckName": "Default", "modelName": "Basic", "options": {"allowDuplicate": True}}
    add = {"action": "addNote", "version": 6, "params": {"note": {**note, "fields": {"Front": "x"}}}}
    replies = ask(own_anki, "multi", actions=[add] * 20)["result"]
    added = sum(reply["error"] is None for reply in replies)
    assert added in (2, 3)  # the third can find its collection closed
    assert [reply["error"] for reply in replies] == [None] * added + [UNAVAILABLE] * (20 - added)
    assert ask(own_anki, "loadProfile", name="User 1")["result"] is True
    assert len(ask(own_anki, "findNotes", query="")["result"]) == added


def test_quitting_under_load_is_quick_and_clean(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    with Clients(own_anki.anki.port, 8, {"action": "deckNames", "version": 6}) as clients:
        while len(clients.replies) <= 8:
            time.sleep(0.01)
        own_anki.run("mw.unloadProfileAndExit()")
        own_anki.anki.wait()
    assert own_anki.addon.name not in own_anki.output()  # the folder that a trace would name
    assert {reply["error"] for _status, reply in clients.replies} <= {None, UNAVAILABLE}


def test_anki_exits_when_asked(own_anki: LiveAnki) -> None:
    own_anki.start()
    own_anki.anki.wait_until_ready()
    assert ask(own_anki, "guiExitAnki") == {"result": None, "error": None}
    assert own_anki.anki.wait() == 0


def test_a_busy_port_is_told_and_taken_when_it_is_freed(own_anki: LiveAnki) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", own_anki.anki.port))
        holder.listen()
        own_anki.start()
        assert "can't listen" in own_anki.wait_for(f"{NOTICE} and {NOTICE}.text()")
        assert not own_anki.look("mw.app.activeModalWidget()")
    own_anki.anki.wait_until_ready()
    own_anki.look("True")  # the main thread logs it
    log = own_anki.log()
    assert "Another program holds the port." in log
    assert "change webBindPort" in log
    assert f"listening on {own_anki.url}" in log


def test_settings_edited_in_anki_are_in_force_at_once(anki: LiveServer) -> None:
    anki.live.configure(apiKey="abc")
    assert anki.send("GET", "/deckNames").status == 401
    anki.live.configure(apiKey=5)
    assert anki.send("GET", "/deckNames").status == 401
    assert "setting apiKey: 5 is not of type 'string'" in anki.live.log()
    anki.live.configure()
    assert anki.send("GET", "/deckNames").status == 200


def test_a_bad_configuration_at_the_start_is_told_and_nothing_is_served(own_anki: LiveAnki) -> None:
    meta = {"config": {"apiKey": 5}}
    (own_anki.addon / "meta.json").write_text(json.dumps(meta))
    own_anki.start()
    text = own_anki.wait_for(f"{NOTICE} and {NOTICE}.text()")
    assert "setting apiKey: 5 is not of type" in text
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(own_anki.url, timeout=2)


def test_nothing_of_ours_is_printed(anki: LiveServer) -> None:
    for action in ("version", "deckNames", "nope"):
        anki.send("POST", "/", {"action": action})
    anki.send("POST", "/createDeck", {"deck": "A"})
    output = anki.live.output()
    assert "ankiconnect" not in output.lower()
    assert anki.live.addon.name not in output


def test_anki_does_not_listen_open_to_all(own_anki: LiveAnki) -> None:
    own_anki.start(ANKICONNECT_BIND_ADDRESS="0.0.0.0")
    shown = own_anki.wait_for(f"{NOTICE} and {NOTICE}.text()")
    assert "AnkiConnect is not listening" in shown
    assert "setting webBindAddress: other machines reach" in shown
    with pytest.raises(ConnectionRefusedError), socket.socket() as sock:
        sock.connect(("127.0.0.1", own_anki.anki.port))
