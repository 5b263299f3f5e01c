"""The media folder: storing, reading, listing, deleting."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import random
import re
import sqlite3
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from anki.collection import Collection
from hypothesis import assume, given, strategies

from addon.core.actions.media import MediaTransaction, StoredFile
from addon.core.errors import BadParams
from addon.core.media.names import UNFINISHED, hashed_name, media_name

from .conftest import Api, ApiFailure, HeadlessServer, Server, basic


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def folder(server: Server) -> Path:
    return Path(server.send("GET", "/getMediaDirPath").json["result"])


def files(server: Server) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder(server).iterdir()}


def test_data_is_stored_and_read_back(api: Api) -> None:
    assert api("storeMediaFile", filename="_style.css", data=b64(b"p{}")) == "_style.css"
    assert api("retrieveMediaFile", filename="_style.css") == b64(b"p{}")
    assert api("getMediaFilesNames") == ["_style.css"]


def test_a_local_file_is_stored(api: Api, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"local")
    assert api("storeMediaFile", filename="y.txt", path=str(tmp_path / "x.txt")) == "y.txt"
    assert files(api.server) == {"y.txt": b"local"}


def test_the_folder_is_told(api: Api) -> None:
    assert api("getMediaDirPath") == api.look("__import__('os').path.abspath(col.media.dir())")
    assert Path(api("getMediaDirPath")).is_dir()


def test_data_comes_before_path_and_path_before_url(headless: HeadlessServer, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"path")
    sources = {"path": str(tmp_path / "x"), "url": "http://127.0.0.1:1/"}
    headless.send("POST", "/storeMediaFile", {"filename": "a", "data": b64(b"data"), **sources})
    headless.send("POST", "/storeMediaFile", {"filename": "b", **sources})
    headless.send("POST", "/storeMediaFile", {"filename": "c", "data": "", **sources})
    assert files(headless) == {"a": b"data", "b": b"path", "c": b"path"}


def test_an_empty_file_can_be_stored(api: Api) -> None:
    assert api("storeMediaFile", filename="empty.txt", data="") == "empty.txt"
    assert api("retrieveMediaFile", filename="empty.txt") == ""


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 2_097_152])
def test_files_of_all_sizes_are_stored(headless: HeadlessServer, size: int) -> None:
    """Their size is part of what Anki is sent, in as many bytes as it takes."""
    content = b"\xff" * size
    headless.send("POST", "/storeMediaFile", {"filename": "a.bin", "data": b64(content)})
    assert files(headless) == {"a.bin": content}


def test_long_base64_is_stored_whole(headless: HeadlessServer) -> None:
    content = bytes(range(256)) * 10_000
    data = base64.b64encode(content).decode()
    for text in (data, data[:900_001] + "\n" + data[900_001:]):
        reply = headless.send("POST", "/storeMediaFile", {"filename": "long.bin", "data": text})
        assert reply.json["result"] == "long.bin"
        stored = headless.send("POST", "/retrieveMediaFile", {"filename": "long.bin"})
        assert stored.json["result"] == data
    padded = "QQ==".rjust(1_000_000, "A") + "QQ=="
    reply = headless.send("POST", "/storeMediaFile", {"filename": "long.bin", "data": padded})
    assert "padding" in reply.json["error"]


def test_white_space_in_base64_is_fine(headless: HeadlessServer) -> None:
    data = "aGVs\r\nbG8=\n"
    headless.send("POST", "/storeMediaFile", {"filename": "a.txt", "data": data})
    assert files(headless) == {"a.txt": b"hello"}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({}, 'You must provide a "data", "path", or "url" field.'),
        ({"data": "aGVsbG8"}, "Incorrect padding"),
        ({"data": "aGV$bG8="}, "base64"),
        ({"data": "äöü="}, "ASCII"),
        ({"path": "/no/such/file"}, "[Errno 2] No such file or directory: '/no/such/file'"),
        ({"path": "/"}, "Is a directory"),
        ({"path": "a\x00b"}, "null byte"),
        ({"url": "file:///etc/passwd"}, "unusable url"),
        ({"data": 5}, "data: 5 is not of type 'string'"),
    ],
)
def test_what_cannot_be_stored_is_told(server: Server, params: dict[str, Any], text: str) -> None:
    reply = server.send("POST", "/storeMediaFile", {"filename": "a.txt", **params})
    assert reply.status == 400
    assert text in reply.json["error"]
    assert files(server) == {}


@pytest.mark.parametrize("filename", ["", ".", "..", "a/..", "/", "\\", "???", "a/", " "])
def test_a_name_that_names_no_file_is_refused(server: Server, filename: str) -> None:
    server.send("POST", "/storeMediaFile", {"filename": "kept.txt", "data": b64(b"kept")})
    reply = server.send("POST", "/storeMediaFile", {"filename": filename, "data": b64(b"x")})
    assert (reply.status, reply.json["error"]) == (400, f"filename should name a file: {filename!r}")
    assert server.send("POST", "/deleteMediaFile", {"filename": filename}).json["error"] is None
    assert server.send("POST", "/retrieveMediaFile", {"filename": filename}).json["result"] is False
    assert files(server) == {"kept.txt": b"kept"}


def test_content_to_skip_is_not_stored(api: Api) -> None:
    digest = hashlib.md5(b"hello").hexdigest()
    for skipped in (digest, digest.upper()):
        assert api("storeMediaFile", filename="x.txt", data=b64(b"hello"), skipHash=skipped) is None
    assert files(api.server) == {}
    assert api("storeMediaFile", filename="x.txt", data=b64(b"other"), skipHash=digest) == "x.txt"


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("/tmp/some/clip.mp3", "clip.mp3"),
        ("C:\\clips\\clip.mp3", "clip.mp3"),
        ("../../clip.mp3", "clip.mp3"),
        ("cl?i:p*.mp3", "clip.mp3"),
        ("re\u0301sume\u0301.mp3", "résumé.mp3"),
        # What came into Unicode after Anki's copy of it, even beside what then goes together.
        ("x\U0001f970.mp3", "x.mp3"),
        ("X\U0001fae8Y.MP3", "XY.MP3"),
        ("re\U0001f970\u0301sume\u0301.mp3", "résumé.mp3"),
        ("x\U0001f600.mp3", "x\U0001f600.mp3"),
    ],
)
def test_names_are_cleaned_and_the_name_used_is_returned(
    headless: HeadlessServer, sent: str, stored: str
) -> None:
    params = {"filename": sent, "data": b64(b"x")}
    assert headless.send("POST", "/storeMediaFile", params).json["result"] == stored
    assert files(headless) == {stored: b"x"}
    assert headless.send("POST", "/retrieveMediaFile", {"filename": sent}).json["result"] == b64(b"x")


PARTS = [
    *"aBßİſ. _<|\x7f\xa0\u0301\u0378\u1100\u1161\u200b\u2126\u226e\ufeff猫각",
    *"\U0001f970\U0001fae8\U00011099\U000110ba\U0001e922",
    *("con", "LPT1", "x" * 60, "é" * 31, ".mp3", ".jpegjpegjpeg"),
]


def test_names_are_those_of_anki_but_for_their_case(collection_path: Path) -> None:
    col = Collection(str(collection_path))
    folder = Path(col.media.dir())
    characters = strategies.characters(exclude_categories=["Cs"])

    @given(strategies.lists(strategies.sampled_from(PARTS) | characters, min_size=1).map("".join))
    def check(filename: str) -> None:
        assume(re.split(r"[/\\]", filename)[-1] == filename)
        try:
            name = media_name(filename)
        except BadParams:
            return
        for path in folder.iterdir():
            path.unlink()
        both = [col.media.write_data(filename, b"x"), name]
        (folder / name).write_bytes(b"x")
        assert col.media.write_data(name, b"x") == name
        longer = hashed_name(name, b"y")
        (folder / longer).write_bytes(b"y")
        assert col.media.write_data(longer, b"y") == longer
        assume(len(name.lower().encode()) <= 120)  # else Anki shortens it once more
        by_anki, ours = (unicodedata.normalize("NFC", each.lower()) for each in both)
        assert ours == by_anki

    check()
    col.close()


def test_a_name_that_is_too_long_is_shortened(headless: HeadlessServer) -> None:
    params = {"filename": "x" * 400 + ".txt", "data": b64(b"x")}
    stored = headless.send("POST", "/storeMediaFile", params).json["result"]
    assert stored.endswith(".txt")
    assert files(headless) == {stored: b"x"}
    assert headless.send("POST", "/retrieveMediaFile", {"filename": "y" * 400}).json["result"] is False


def test_an_existing_file_is_replaced_by_default(api: Api) -> None:
    for content in (b"one", b"two"):
        assert api("storeMediaFile", filename="a.txt", data=b64(content)) == "a.txt"
    assert files(api.server) == {"a.txt": b"two"}


def test_an_existing_file_can_be_kept(api: Api) -> None:
    api("storeMediaFile", filename="a.txt", data=b64(b"one"))
    second = api("storeMediaFile", filename="a.txt", data=b64(b"two"), deleteExisting=False)
    assert second == f"a-{hashlib.sha1(b'two').hexdigest()}.txt"
    assert files(api.server) == {"a.txt": b"one", second: b"two"}
    assert api("storeMediaFile", filename="a.txt", data=b64(b"one"), deleteExisting=False) == "a.txt"


@pytest.mark.parametrize(
    "name",
    [
        *("Foo.TXT", "a[b]c.txt", "con.mp3", "LPT1", "console.mp3", "a.mp3.", "a ", " a", "İ.mp3", ".x"),
        *("x" * 400 + ".TXT", "x" * 400, "猫" * 99 + ".mp3", "x." + "y" * 400, "x" * 114 + " .mp3"),
    ],
)
def test_a_name_that_anki_changes_means_one_file_to_all_actions(
    headless: HeadlessServer, name: str
) -> None:
    for content in (b"one", b"two"):
        params = {"filename": name, "data": b64(content)}
        stored = headless.send("POST", "/storeMediaFile", params).json["result"]
    assert files(headless) == {stored: b"two"}
    assert headless.send("POST", "/retrieveMediaFile", {"filename": name}).json["result"] == b64(b"two")
    headless.send("POST", "/deleteMediaFile", {"filename": name})
    assert files(headless) == {}


@pytest.mark.parametrize(
    "name",
    ["Pasted image 1.PNG", "IMG_0001.JPG", "Größe.png", "ÄÖ.png", "İ.png", "CON.mp3", "X" * 400 + ".PNG"],
)
def test_capitals_stay_and_anki_knows_the_file(api: Api, name: str) -> None:
    """Programs put the name that they asked for into notes, whatever the reply says."""
    stored = api("storeMediaFile", filename=name, data=b64(b"x"))
    assert stored[:3] == name[:3]
    assert stored[-4:] == name[-4:]
    assert api.warnings is None
    assert files(api.server) == {stored: b"x"}
    api("addNote", note=basic(f'<img src="{stored}">'))
    assert api.look("(lambda check: [*check.unused, *check.missing])(col.media.check())") == []
    assert known_to_anki(api.server) == {stored: hashlib.sha1(b"x").hexdigest()}
    assert files(api.server) == {stored: b"x"}


def known_to_anki(server: Server) -> dict[str, str]:
    """The SHA-1 of each file in the database that Anki syncs media by."""
    database = folder(server).with_name("collection.media.db2")
    with contextlib.closing(sqlite3.connect(database)) as db:
        rows = db.execute("select fname, csum from media where csum is not null")
        return dict(rows.fetchall())


def test_anki_knows_at_once_what_replaced_a_file(api: Api) -> None:
    for content in (b"one", b"two"):
        api("storeMediaFile", filename="A.txt", data=b64(content))
        assert known_to_anki(api.server) == {"A.txt": hashlib.sha1(content).hexdigest()}


@pytest.mark.parametrize(
    ("there", "asked"), [("foo.png", "Foo.PNG"), ("FOO.png", "foo.png"), ("FoO.png", "foo.PNG")]
)
def test_a_file_of_the_name_in_other_case_is_used(api: Api, there: str, asked: str) -> None:
    path = folder(api.server) / there
    path.write_bytes(b"old")
    longer = asked.replace(".", f"-{hashlib.sha1(b'new').hexdigest()}.")
    for content, kept, name in ((b"old", True, there), (b"new", True, longer), (b"new", False, there)):
        stored = api("storeMediaFile", filename=asked, data=b64(content), deleteExisting=not kept)
        assert stored == name
        assert (
            api.warnings
            == f"'{asked}' is stored as '{name}': the media folder had a file '{there}' already"
        )
    assert files(api.server) == {there: b"new", longer: b"new"}
    assert (path.parent.with_name("media.trash") / there).read_bytes() == b"old"
    assert api("retrieveMediaFile", filename=asked) == b64(b"new")
    api("deleteMediaFile", filename=asked)
    assert files(api.server) == {longer: b"new"}


def test_the_longer_name_is_found_in_other_case_too(headless: HeadlessServer) -> None:
    """Anki 26.05 to 26.09 made it in lower case."""
    longer = f"foo-{hashlib.sha1(b'new').hexdigest()}.png"
    for name, content in (("Foo.png", b"old"), (longer, b"new")):
        (folder(headless) / name).write_bytes(content)
    params = {"filename": "Foo.png", "data": b64(b"new"), "deleteExisting": False}
    assert headless.send("POST", "/storeMediaFile", params).json["result"] == longer
    assert files(headless) == {"Foo.png": b"old", longer: b"new"}


def test_a_note_names_the_file_that_is_used(headless: HeadlessServer) -> None:
    (folder(headless) / "foo.png").write_bytes(b"x")
    picture = {"filename": "Foo.png", "data": b64(b"x"), "fields": ["Back"]}
    reply = headless.send("POST", "/addNote", {"note": basic("a", picture=picture)})
    assert "'Foo.png' is stored as 'foo.png'" in reply.headers["x-ankiconnect-warning"]
    assert headless.look("[note.fields[1] for note in map(col.get_note, col.find_notes(''))]") == [
        '<img src="foo.png">'
    ]


def test_the_folder_is_listed_once_for_many_new_files(
    headless: HeadlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100,000 names, that takes 0.2 s."""
    media = folder(headless)
    (media / "FOO.png").write_bytes(b"x")
    listed: list[Any] = []
    list_folder = os.listdir

    def listdir(path: Path) -> list[str]:
        listed.append(path)
        return list_folder(path)

    monkeypatch.setattr(os, "listdir", listdir)
    for number in range(20):
        name = f"New {number}.png"
        for params in ({"data": b64(b"x")}, {"data": b64(b"y")}):
            stored = headless.send("POST", "/storeMediaFile", {"filename": name, **params}).json["result"]
            assert stored == name
        headless.send("POST", "/retrieveMediaFile", {"filename": f"None {number}.png"})
        headless.send("POST", "/deleteMediaFile", {"filename": f"New {number - 1}.png"})
    stored = headless.send("POST", "/storeMediaFile", {"filename": "foo.png", "data": b64(b"x")}).json
    assert stored["result"] == "FOO.png"
    assert len(listed) == 1


def ignores_case(folder: Path) -> bool:
    (folder / "case").touch()
    return (folder / "CASE").exists()


def test_where_case_makes_no_difference_the_true_name_is_told(
    headless: HeadlessServer, tmp_path: Path
) -> None:
    if not ignores_case(tmp_path):
        pytest.skip("this file system tells names apart by their case")
    (folder(headless) / "Foo.png").write_bytes(b"old")
    (folder(headless) / "bar.png").write_bytes(b"old")
    for asked, there in (
        ("Foo.png",) * 2,
        ("foo.PNG", "Foo.png"),
        ("bar.png",) * 2,
        ("BAR.png", "bar.png"),
    ):
        for content in (b"old", b"new", b"old"):
            reply = headless.send("POST", "/storeMediaFile", {"filename": asked, "data": b64(content)})
            assert reply.json["result"] == there
            assert ("x-ankiconnect-warning" in reply.headers) == (asked != there)
            assert files(headless)[there] == content
    assert set(files(headless)) == {"Foo.png", "bar.png"}
    for asked in ("FOO.png", "bar.PNG"):
        headless.send("POST", "/deleteMediaFile", {"filename": asked})
    assert files(headless) == {}
    stored = headless.send("POST", "/storeMediaFile", {"filename": "foo.png", "data": b64(b"x")})
    assert stored.json["result"] == "foo.png"
    assert files(headless) == {"foo.png": b"x"}


@pytest.mark.parametrize(
    "names",
    [("img1/fig.png", "img2/fig.png"), ("C:\\a\\fig.png", "C:\\b\\fig.png"), ("./fig.png", "../fig.png")],
)
def test_files_of_one_name_from_different_folders_do_not_replace_each_other(
    api: Api, names: tuple[str, str]
) -> None:
    longer = f"fig-{hashlib.sha1(b'two').hexdigest()}.png"
    for name, content, stored in zip(names, (b"one", b"two"), ("fig.png", longer)):
        assert api("storeMediaFile", filename=name, data=b64(content)) == stored
        assert api("storeMediaFile", filename=name, data=b64(content), deleteExisting=True) == stored
    assert files(api.server) == {"fig.png": b"one", longer: b"two"}
    assert api("storeMediaFile", filename="fig.png", data=b64(b"two")) == "fig.png"  # without a folder
    assert files(api.server) == {"fig.png": b"two", longer: b"two"}
    (folder(api.server) / longer).write_bytes(b"edited by a person")
    (folder(api.server) / "fig.png").write_bytes(b"one")
    longest = api("storeMediaFile", filename=names[1], data=b64(b"two"))
    assert files(api.server) == {"fig.png": b"one", longer: b"edited by a person", longest: b"two"}


def test_a_link_is_replaced_and_not_written_through(headless: HeadlessServer, tmp_path: Path) -> None:
    media, outside = folder(headless), tmp_path / "outside.txt"
    outside.write_bytes(b"outside")
    (media / "link.txt").symlink_to(outside)
    (media / "dead.txt").symlink_to(tmp_path / "missing.txt")
    (media / "folder.txt").symlink_to(tmp_path)
    os.link(outside, media / "hard.txt")
    for name in ("link.txt", "dead.txt", "folder.txt", "hard.txt"):
        kept = {"filename": name, "data": b64(b"kept"), "deleteExisting": False}
        assert headless.send("POST", "/storeMediaFile", kept).json["result"].startswith(f"{name[:-4]}-")
        assert (
            headless.send("POST", "/storeMediaFile", {**kept, "deleteExisting": True}).json["error"] is None
        )
        assert (media / name).read_bytes() == b"kept"
        assert not (media / name).is_symlink()
    assert outside.read_bytes() == b"outside"
    assert not (tmp_path / "missing.txt").exists()
    trash = media.with_name("media.trash")
    assert os.readlink(trash / "link.txt") == str(outside)
    assert (trash / "hard.txt").read_bytes() == b"outside"


def test_a_refused_note_leaves_links_as_they_were(headless: HeadlessServer, tmp_path: Path) -> None:
    media, outside = folder(headless), tmp_path / "outside.txt"
    outside.write_bytes(b"outside")
    (media / "link.txt").symlink_to(outside)
    os.link(outside, media / "hard.txt")
    names = ("link.txt", "hard.txt")
    audio = [{"filename": name, "data": b64(b"new"), "deleteExisting": True} for name in names]
    notes = [basic("a", audio=[{**file, "fields": ["Front"]} for file in audio]), basic("")]
    assert "empty" in headless.send("POST", "/addNotes", {"notes": notes}).json["error"]
    assert os.readlink(media / "link.txt") == str(outside)
    assert os.path.samefile(media / "hard.txt", outside)
    assert outside.read_bytes() == b"outside"
    assert list(media.with_name("media.trash").iterdir()) == []


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("asked", ["sub", "SUB", "other/sub"])
def test_the_name_of_a_folder_is_refused(api: Api, asked: str, existing: bool) -> None:
    (folder(api.server) / "sub").mkdir()
    refusal = "filename: 'sub' in the media folder is no file, but a folder or a device"
    try:
        file = {"filename": asked, "data": b64(b"x"), "deleteExisting": existing}
        with pytest.raises(ApiFailure, match=refusal) as caught:
            api("storeMediaFile", **file)
        assert caught.value.reply.status == (200 if api.way == "rpc" else 409)
        other = {"filename": "other.mp3", "data": b64(b"x")}
        for fields in ([], ["Front"]):
            with pytest.raises(ApiFailure, match=refusal):
                api("addNote", note=basic("a", audio=other, picture={**file, "fields": fields}))
        assert api("retrieveMediaFile", filename=asked) is False
        assert api("deleteMediaFile", filename=asked) is None
        assert api("findNotes", query="") == []
        assert os.listdir(folder(api.server)) == ["sub"]
    finally:
        (folder(api.server) / "sub").rmdir()


def test_what_a_killed_process_left_is_no_media(headless: HeadlessServer) -> None:
    """It syncs no more than what other programs see as hidden, and makes way for the next file."""
    media = folder(headless)
    (media / UNFINISHED).write_bytes(b"half")
    for pattern in ("*", ".*"):
        assert headless.send("POST", "/getMediaFilesNames", {"pattern": pattern}).json["result"] == []
    headless.send("POST", "/storeMediaFile", {"filename": "a.txt", "data": b64(b"x")})
    assert files(headless) == {"a.txt": b"x"}


def test_an_old_file_in_capitals_is_replaced(headless: HeadlessServer) -> None:
    (folder(headless) / "Foo.TXT").write_bytes(b"old")
    params = {"filename": "Foo.TXT", "data": b64(b"new")}
    assert headless.send("POST", "/storeMediaFile", params).json["result"] == "Foo.TXT"
    assert files(headless) == {"Foo.TXT": b"new"}


def test_a_missing_file_is_false(api: Api) -> None:
    assert api("retrieveMediaFile", filename="none.png") is False


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["_a.css", "b.png"]),
        ("_a*", ["_a.css"]),
        ("*.png", ["b.png"]),
        ("*.PNG", ["b.png"]),
        ("B.[O-Q]*", ["b.png"]),
        ("?.png", ["b.png"]),
        (".*", [".hidden"]),
        ("../*", []),
        ("/*", []),
        ("nope", []),
    ],
)
def test_names_are_listed_by_pattern(headless: HeadlessServer, pattern: str, found: list[str]) -> None:
    for name in ("_a.css", "b.png", ".hidden"):
        (folder(headless) / name).write_bytes(b"x")
    reply = headless.send("POST", "/getMediaFilesNames", {"pattern": pattern})
    assert sorted(reply.json["result"]) == found


def test_a_deleted_file_goes_to_the_trash(api: Api) -> None:
    api("storeMediaFile", filename="a.txt", data=b64(b"x"))
    assert api("deleteMediaFile", filename="a.txt") is None
    assert files(api.server) == {}
    trash = folder(api.server).with_name("media.trash")
    assert (trash / "a.txt").read_bytes() == b"x"
    assert api("deleteMediaFile", filename="a.txt") is None


@pytest.mark.parametrize("filename", ["../outside.txt", "sub/../kept.txt", "./kept.txt", "KEPT.txt/"])
def test_a_name_that_leads_out_deletes_nothing(headless: HeadlessServer, filename: str) -> None:
    outside = folder(headless).parent / "outside.txt"
    outside.write_bytes(b"x")
    (folder(headless) / "kept.txt").write_bytes(b"kept")
    assert headless.send("POST", "/deleteMediaFile", {"filename": filename}).status == 200
    assert outside.exists()
    assert files(headless) == {"kept.txt": b"kept"}


def test_of_two_names_in_different_case_the_right_one_is_found(headless: HeadlessServer) -> None:
    for name in ("Foo.txt", "foo.txt"):
        (folder(headless) / name).write_bytes(name.encode())
    found = headless.send("POST", "/retrieveMediaFile", {"filename": "Foo.txt"}).json["result"]
    assert base64.b64decode(found) == b"Foo.txt"
    headless.send("POST", "/deleteMediaFile", {"filename": "Foo.txt"})
    assert files(headless) == {"foo.txt": b"foo.txt"}


def test_media_leaves_the_undo_history_alone(api: Api) -> None:
    api("createDeck", deck="A")
    api("storeMediaFile", filename="a.txt", data=b64(b"x"))
    api("deleteMediaFile", filename="a.txt")
    assert api.look("col.undo_status().undo") == "AnkiConnect: create deck"


def test_missing_parameters_are_named(api: Api) -> None:
    with pytest.raises(ApiFailure, match="missing 1 required positional argument: 'filename'"):
        api("storeMediaFile", data="x")


def test_what_a_request_stored_is_taken_back(collection_path: Path) -> None:
    """Random requests that store files under a few names, keep some of them half-way, and fail."""
    col = Collection(str(collection_path))
    folder = Path(col.media.dir())
    dice = random.Random(7)
    before = {"a.txt": b"old a", "b.txt": b"old b"}

    def put(store: MediaTransaction) -> StoredFile:
        name, content = dice.choice(["a.txt", "b.txt", "c.txt"]), dice.choice([b"1", b"2", b"old a"])
        return store.add(name, content, delete_existing=dice.random() < 0.7)

    for _ in range(300):
        for path in folder.iterdir():
            path.unlink()
        for name, content in before.items():
            (folder / name).write_bytes(content)
        store = MediaTransaction(col)
        for _ in range(dice.randrange(3)):
            stored = [put(store) for _ in range(dice.randrange(5))]
            kept = {file.name: file for file in stored if dice.random() < 0.5}
            store.rollback(keep=kept.values())
            assert all((folder / name).read_bytes() == file.content for name, file in kept.items())
        put(store)
        store.rollback()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    col.close()
