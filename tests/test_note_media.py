"""Media that a note brings along: audio, video and pictures."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from .conftest import Api, ApiFailure, HeadlessServer, Server, basic


def attachment(name: str = "a.mp3", content: bytes = b"sound", **more: Any) -> dict[str, Any]:
    return {"filename": name, "data": base64.b64encode(content).decode(), **more}


def folder(server: Server) -> Path:
    return Path(server.send("GET", "/getMediaDirPath").json["result"])


def files(server: Server) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder(server).iterdir()}


def fields_of(server: Server, note: int) -> dict[str, str]:
    (info,) = server.send("POST", "/notesInfo", {"notes": [note]}).json["result"]
    return {name: field["value"] for name, field in info["fields"].items()}


def add(server: Server, note: dict[str, Any], version: int = 6) -> Any:
    message = {"action": "addNote", "version": version, "params": {"note": note}}
    return server.send("POST", "/", message).json


def test_markup_is_appended_to_the_listed_fields(api: Api) -> None:
    added = api(
        "addNote",
        note=basic(
            "front",
            audio=[attachment("a.mp3", fields=["Back", "front"])],
            video=attachment("v.mp4", b"video", fields=["BACK"]),
            picture=[None, attachment("p.png", b"picture", fields=["Back", "Nope"])],
        ),
    )
    assert fields_of(api.server, added) == {
        "Front": "front[sound:a.mp3]",
        "Back": '[sound:a.mp3][sound:v.mp4]<img src="p.png">',
    }
    assert files(api.server) == {"a.mp3": b"sound", "v.mp4": b"video", "p.png": b"picture"}


@pytest.mark.parametrize("fields", [{}, {"fields": []}, {"fields": None}])
def test_without_fields_new_versions_only_store(server: Server, fields: dict[str, Any]) -> None:
    added = add(server, basic("a", audio=attachment(**fields)))["result"]
    assert fields_of(server, added) == {"Front": "a", "Back": ""}
    assert files(server) == {"a.mp3": b"sound"}


@pytest.mark.parametrize("kind", ["audio", "video", "picture"])
def test_without_fields_old_versions_embed_in_the_first_field(server: Server, kind: str) -> None:
    added = add(server, {**basic("a"), kind: attachment()}, version=4)
    markup = '<img src="a.mp3">' if kind == "picture" else "[sound:a.mp3]"
    assert fields_of(server, added)["Front"] == f"a{markup}"


def test_the_name_that_anki_used_is_in_the_markup(headless: HeadlessServer) -> None:
    (folder(headless) / "a.mp3").write_bytes(b"another sound")
    added = add(headless, basic("a", audio=attachment("x/A?.mp3", fields=["Back"])))["result"]
    (stored,) = set(files(headless)) - {"a.mp3"}
    assert fields_of(headless, added)["Back"] == f"[sound:{stored}]"


def test_a_different_file_of_that_name_is_kept_unless_told(headless: HeadlessServer) -> None:
    (folder(headless) / "a.mp3").write_bytes(b"old")
    add(headless, basic("a", audio=attachment()))
    longer = f"a-{hashlib.sha1(b'sound').hexdigest()}.mp3"
    assert files(headless) == {"a.mp3": b"old", longer: b"sound"}
    add(headless, basic("b", audio=attachment(content=b"new", deleteExisting=True)))
    assert files(headless)["a.mp3"] == b"new"


def test_what_skip_hash_names_is_left_out(headless: HeadlessServer) -> None:
    digest = hashlib.md5(b"sound").hexdigest()
    note = basic("a", audio=attachment(fields=["Back"], skipHash=digest))
    added = add(headless, note)["result"]
    assert fields_of(headless, added)["Back"] == ""
    assert files(headless) == {}


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ({"filename": "a.mp3", "data": "x"}, "base64"),
        ({"filename": "a.mp3", "data": "abc"}, "Incorrect padding"),
        ({"filename": "a.mp3", "path": "/no/such/file"}, "No such file or directory"),
        ({"filename": "a.mp3", "url": "nonsense"}, "unusable url"),
        ({"filename": "a.mp3"}, 'You must provide a "data", "path", or "url" field.'),
        ({"filename": "", "data": "aGk="}, "filename should name a file"),
        ({"data": "aGk="}, "note.audio[0].filename: 'filename' is a required property"),
        ({"filename": 5, "data": "aGk="}, "note.audio[0].filename: 5 is not of type 'string'"),
    ],
)
def test_media_that_is_wrong_refuses_the_note(server: Server, bad: dict[str, Any], text: str) -> None:
    reply = add(server, basic("a", audio=bad, picture=attachment("p.png")))
    assert reply["result"] is None
    assert text in reply["error"]
    assert server.send("GET", "/findNotes?query=").json["result"] == []
    assert files(server) == {}


@pytest.mark.parametrize("field", ["Front", "Back"])
@pytest.mark.parametrize("version", [4, 6])
def test_a_refused_note_leaves_no_media_behind(server: Server, field: str, version: int) -> None:
    note = basic("a", audio=attachment(fields=[field]))
    add(server, {**note, "audio": None})
    add(server, {**note, "options": {"allowDuplicate": True}})
    server.send("POST", "/deleteMediaFile", {"filename": "a.mp3"})
    assert "duplicate" in add(server, note, version)["error"]
    assert files(server) == {}


def test_markup_in_the_first_field_takes_part_in_the_check(headless: HeadlessServer) -> None:
    note = basic("", audio=attachment(fields=["Front"]))
    assert add(headless, note)["error"] is None
    assert "duplicate" in add(headless, note)["error"]
    assert files(headless) == {"a.mp3": b"sound"}


def test_a_refused_note_keeps_the_files_that_were_there(headless: HeadlessServer) -> None:
    (folder(headless) / "a.mp3").write_bytes(b"sound")
    (folder(headless) / "b.mp3").write_bytes(b"old")
    add(headless, basic("", picture=attachment("p.png", fields=["Front"])))
    audio = [attachment("a.mp3"), attachment("b.mp3", b"new", deleteExisting=True)]
    picture = attachment("p.png", fields=["Front"])
    refused = add(headless, basic("", audio=audio, picture=picture))
    assert "duplicate" in refused["error"]
    assert files(headless) == {"a.mp3": b"sound", "b.mp3": b"old", "p.png": b"sound"}


def test_a_refused_batch_leaves_no_media_behind(api: Api) -> None:
    notes = [
        basic("a", audio=attachment(fields=["Front"])),
        basic("b", audio=attachment("b.mp3")),
        basic(""),
    ]
    with pytest.raises(ApiFailure, match="empty"):
        api("addNotes", notes=notes)
    assert files(api.server) == {}


@pytest.mark.parametrize("before", [{}, {"b.mp3": b"old"}])
def test_a_refused_batch_undoes_each_replacement(
    headless: HeadlessServer, before: dict[str, bytes]
) -> None:
    for name, content in before.items():
        (folder(headless) / name).write_bytes(content)
    notes = [
        basic("a", audio=attachment("b.mp3", b"one", fields=["Front"], deleteExisting=True)),
        basic("b", audio=attachment("b.mp3", b"two", fields=["Front"], deleteExisting=True)),
        basic(""),
    ]
    assert headless.send("POST", "/addNotes", {"notes": notes}).json["result"] is None
    assert files(headless) == before


@pytest.mark.parametrize(
    "name",
    ["x" * 200 + ".mp3", "猫" * 100, "con.mp3", "a.mp3.", "a ", "A.MP3", ".mp3", "a", "x." + "y" * 200],
)
@pytest.mark.parametrize("taken", [False, True])
def test_a_refused_note_leaves_no_file_under_any_name(
    headless: HeadlessServer, name: str, taken: bool
) -> None:
    if taken:
        add(headless, basic("a", audio=attachment(name, b"old")))
    before = files(headless)
    notes = [basic("b", audio=attachment(name, fields=["Front"])), basic("")]
    assert headless.send("POST", "/addNotes", {"notes": notes}).json["result"] is None
    assert files(headless) == before


def test_an_accepted_note_keeps_its_media_where_a_refused_one_replaced_it(headless: HeadlessServer) -> None:
    notes = [
        basic("a", audio=attachment(content=b"accepted", fields=["Front"])),
        basic("a", audio=attachment(content=b"refused", fields=["Front"], deleteExisting=True)),
    ]
    message = {"action": "addNotes", "version": 4, "params": {"notes": notes}}
    added, refused = headless.send("POST", "/", message).json
    assert added
    assert refused is None
    assert files(headless) == {"a.mp3": b"accepted"}


def test_an_accepted_note_replaces_media_beside_a_refused_one(headless: HeadlessServer) -> None:
    (folder(headless) / "A.MP3").write_bytes(b"old")
    notes = [
        basic("a", audio=attachment("A.MP3", b"new", fields=["Front"], deleteExisting=True)),
        basic(""),
    ]
    message = {"action": "addNotes", "version": 4, "params": {"notes": notes}}
    assert headless.send("POST", "/", message).json[1] is None
    assert list(files(headless).values()) == [b"new"]


def test_media_shared_with_an_accepted_note_stays(headless: HeadlessServer) -> None:
    shared = attachment(fields=["Front"])
    notes = [basic("a", audio=shared), basic("a", audio=shared), basic("b", audio=shared)]
    message = {"action": "addNotes", "version": 4, "params": {"notes": notes}}
    first, second, third = headless.send("POST", "/", message).json
    assert first and third
    assert second is None
    assert files(headless) == {"a.mp3": b"sound"}


def test_can_add_notes_stores_nothing(api: Api) -> None:
    assert api("canAddNotes", notes=[basic("a", audio=attachment())]) == [True]
    assert files(api.server) == {}
