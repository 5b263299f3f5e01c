"""The collection as a whole, and packages."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, LiveServer, Server, add_cards


def test_versions_are_told(api: Api) -> None:
    versions = api("getVersion")
    assert versions["anki"] == api.look("__import__('anki').buildinfo.version")
    assert versions["ankiConnectPlus"].count(".") == 2


def test_profiles_are_told(api: Api) -> None:
    name = "User 1" if api.in_anki else "collection"
    assert api("getProfiles") == [name]
    assert api("getActiveProfile") == name


def test_settings_are_told(api: Api) -> None:
    assert api("isFsrsActive") is False
    api.look("col.set_config('fsrs', True)")
    assert api("isFsrsActive") is True
    config = api("getCollectionConfig")
    assert config["fsrs"] is True
    assert "curDeck" in config


def test_the_collection_is_described(api: Api) -> None:
    add_cards(api.server, "a", "b")
    info = api("getCollection")
    assert (info["noteCount"], info["cardCount"], info["tags"]) == (2, 2, [])
    assert [deck["name"] for deck in info["decks"]] == ["Default"]
    assert "Basic" in [model["name"] for model in info["models"]]
    assert [preset["id"] for preset in info["dconf"]] == [1]
    assert info["created"] * 1000 < info["modified"]


def test_the_database_is_checked(api: Api) -> None:
    assert api("checkDatabase") == {"problems": "", "ok": True}
    (card,) = add_cards(api.server, "a")
    api.look(f"col.db.execute('update cards set nid = 1 where id = {card}')")
    checked = api("checkDatabase")
    assert checked["ok"] is False
    assert checked["problems"]
    assert not {"\u2068", "\u2069"} & set(checked["problems"])


def test_the_open_profile_is_open_without_a_window_too(api: Api) -> None:
    (name,) = api("getProfiles")
    assert api("loadProfile", name=name) is True


def test_windows_are_refreshed(anki: LiveServer) -> None:
    anki.live.run(
        "from aqt import gui_hooks\n"
        "mw.resets = []\n"
        "mw.on_reset = lambda: mw.resets.append(1)\n"
        "gui_hooks.state_did_reset.append(mw.on_reset)"
    )
    assert anki.send("POST", "/reloadCollection", {}).json == {"result": None, "error": None}
    assert anki.look("len(mw.resets)") >= 1
    anki.live.run("from aqt import gui_hooks; gui_hooks.state_did_reset.remove(mw.on_reset)")


def test_a_deck_travels_in_a_package(api: Api, tmp_path: Path) -> None:
    path = str(tmp_path / "verbs.apkg")
    api("createDeck", deck="Verbs::Strong")
    (card,) = add_cards(api.server, "ir", deck="Verbs::Strong")
    api("answerCards", answers=[{"cardId": card, "ease": 4}])
    assert api("exportPackage", deck="Verbs", path=path, includeSched=True) is True
    api("deleteDecks", decks=["Verbs"], cardsToo=True)
    assert api("importPackage", path=path) is True
    assert api.look("col.undo_status().undo") == "AnkiConnect: import package"
    (info,) = api("findCardsInfo", query="deck:Verbs")
    assert (info["fields"]["Front"]["value"], info["type"]) == ("ir", 2)
    api.look("col.undo()")
    assert api("findCards", query="") == []


def test_scheduling_stays_at_home_by_default(headless: HeadlessServer, tmp_path: Path) -> None:
    (card,) = add_cards(headless, "a")
    headless.send("POST", "/answerCards", {"answers": [{"cardId": card, "ease": 4}]})
    params = {"deck": "Default", "path": str(tmp_path / "x.apkg")}
    assert headless.send("POST", "/exportPackage", params).json["result"] is True
    notes = headless.send("GET", "/findNotes?query=").json["result"]
    headless.send("POST", "/deleteNotes", {"notes": notes})
    headless.send("POST", "/importPackage", {"path": params["path"]})
    (info,) = headless.send("GET", "/findCardsInfo?query=").json["result"]
    assert info["type"] == 0


def test_relative_paths_begin_at_the_media_folder(headless: HeadlessServer) -> None:
    add_cards(headless, "a")
    params = {"deck": "Default", "path": "../x.apkg"}
    assert headless.send("POST", "/exportPackage", params).json["result"] is True
    folder = Path(headless.send("GET", "/getMediaDirPath").json["result"])
    assert (folder.parent / "x.apkg").is_file()
    assert headless.send("POST", "/importPackage", {"path": "../x.apkg"}).json["result"] is True


def test_an_unknown_deck_is_not_exported(server: Server, tmp_path: Path) -> None:
    params = {"deck": "Nope", "path": str(tmp_path / "x.apkg")}
    assert server.send("POST", "/exportPackage", params).json == {"result": False, "error": None}
    assert not (tmp_path / "x.apkg").exists()


def test_what_cannot_be_imported_is_told(api: Api, tmp_path: Path) -> None:
    add_cards(api.server, "a")
    missing = str(tmp_path / "none.apkg")
    with pytest.raises(ApiFailure, match=f"^Failed to open '{missing}': "):
        api("importPackage", path=missing)
    assert api.look("col.undo_status().undo") == "AnkiConnect: add note"


def _archive(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, "x" * 1000)
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"no package", _archive("photo.png"), _archive("collection.anki2")[:900]],
    ids=["empty", "text", "another archive", "cut short"],
)
def test_a_file_that_is_no_package_is_told_and_changes_nothing(
    api: Api, tmp_path: Path, content: bytes
) -> None:
    add_cards(api.server, "a")
    file = tmp_path / "x.apkg"
    file.write_bytes(content)
    with pytest.raises(ApiFailure) as failed:
        api("importPackage", path=str(file))
    assert failed.value.text == f"not a package of Anki, or only a part of one: {file}"
    assert api.look("col.undo_status().undo") == "AnkiConnect: add note"


def test_a_package_with_something_behind_it_is_imported(headless: HeadlessServer, tmp_path: Path) -> None:
    add_cards(headless, "a")
    file = tmp_path / "x.apkg"
    params = {"path": str(file)}
    assert headless.send("POST", "/exportPackage", {"deck": "Default", **params}).json["result"] is True
    file.write_bytes(file.read_bytes() + b"x" * 70_000)
    request = (
        f"__import__('anki.collection').collection.ImportAnkiPackageRequest(package_path={str(file)!r})"
    )
    try:
        headless.look(f"col.import_anki_package({request})")
    except Exception:
        pytest.skip("this Anki imports none such either")
    assert headless.send("POST", "/importPackage", params).json == {"result": True, "error": None}


def test_a_folder_that_does_not_exist_is_told(api: Api, tmp_path: Path) -> None:
    with pytest.raises(ApiFailure, match="Failed to create file in"):
        api("exportPackage", deck="Default", path=str(tmp_path / "no" / "x.apkg"))
