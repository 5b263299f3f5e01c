"""Who may name which files: programs on this machine any, web pages and other machines few."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Optional

import pytest

from addon.core.file_access import _is_taken_for_a_collection
from addon.settings_sources import load

from .conftest import HeadlessServer, Wired, add_cards, basic

PAGE = {"Origin": "http://localhost:3000"}
ONLY_PROGRAMS = (
    "path: only programs on the machine that Anki runs on may name a file; send the content as data"
)


@pytest.fixture
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    path.write_text("secret")
    return path


@pytest.fixture
def profile(wired: Wired) -> Path:
    return Path(os.path.realpath(wired.look("__import__('os').path.dirname(col.path)")))


def media(wired: Wired) -> list[str]:
    names: list[str] = wired.send("GET", "/getMediaFilesNames").json["result"]
    hidden: list[str] = wired.send("GET", "/getMediaFilesNames?pattern=.*").json["result"]
    return names + hidden


@pytest.mark.parametrize("origin", ["http://localhost:3000", "moz-extension://0a1b", ""])
def test_a_page_can_not_have_a_local_file_stored(wired: Wired, secret: Path, origin: str) -> None:
    params = {"filename": "x.txt", "path": str(secret)}
    reply = wired.send("POST", "/storeMediaFile", params, Origin=origin)
    assert (reply.status, reply.json["error"]) == (403, ONLY_PROGRAMS)
    missing = {**params, "path": f"{secret}.missing"}  # nor learn whether it exists
    assert wired.send("POST", "/storeMediaFile", missing, Origin=origin).json["error"] == ONLY_PROGRAMS
    assert media(wired) == []


def test_a_page_can_not_bring_a_local_file_into_a_note(wired: Wired, secret: Path) -> None:
    note = basic("a", picture={"filename": "x.txt", "path": str(secret), "fields": ["Back"]})
    multi = {"actions": [{"action": "addNote", "version": 6, "params": {"note": note}}]}
    (reply,) = wired.send("POST", "/", {"action": "multi", "version": 6, "params": multi}, **PAGE).json[
        "result"
    ]
    assert reply["error"] == ONLY_PROGRAMS
    assert ONLY_PROGRAMS in wired.send("POST", "/addNotes", {"notes": [note]}, **PAGE).json["error"]
    card = add_cards(wired, "b")[0]
    (note_id,) = wired.send("POST", "/cardsToNotes", {"cards": [card]}).json["result"]
    update = {"id": note_id, "fields": {"Back": "x"}, "picture": note["picture"]}
    for action in ("updateNoteFields", "updateNote"):
        assert wired.send("POST", f"/{action}", {"note": update}, **PAGE).json["error"] == ONLY_PROGRAMS
    assert wired.send("GET", "/findNotes?query=Back:_*").json["result"] == []
    assert media(wired) == []


def test_a_program_may_name_any_file(wired: Wired, secret: Path) -> None:
    note = basic("a", picture={"filename": "x.txt", "path": str(secret), "fields": ["Back"]})
    assert wired.send("POST", "/addNote", {"note": note}).status == 200
    assert media(wired) == ["x.txt"]


def asked_from(
    address: str, headless: HeadlessServer, action: str, params: dict[str, Any]
) -> tuple[int, Any]:
    reply = headless.app.test_client().post(
        f"/{action}", data=json.dumps(params), environ_base={"REMOTE_ADDR": address}
    )
    return reply.status_code, reply.get_json()


def on_other_machine(headless: HeadlessServer, action: str, params: dict[str, Any]) -> tuple[int, Any]:
    return asked_from("192.0.2.7", headless, action, params)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_a_program_on_this_machine_is_known_by_its_address(
    headless: HeadlessServer, secret: Path, address: str
) -> None:
    params = {"filename": "x.txt", "path": str(secret)}
    assert asked_from(address, headless, "storeMediaFile", params)[0] == 200


@pytest.mark.parametrize(
    "address",
    # The later ones hold an address of this machine, which a gateway would unwrap.
    [
        "",
        "192.168.0.2",
        "::ffff:10.0.0.1",
        "fe80::1%eth0",
        "2002:7f00:1::1",
        "64:ff9b::7f00:1",
        "2001::80ff:fffe",
        "::127.0.0.1",
        "0.0.0.0",
    ],
)
def test_any_other_address_is_of_another_machine(
    headless: HeadlessServer, secret: Path, address: str
) -> None:
    params = {"filename": "x.txt", "path": str(secret)}
    assert asked_from(address, headless, "storeMediaFile", params)[0] == 403


def test_another_machine_can_not_name_files(headless: HeadlessServer, secret: Path) -> None:
    params = {"filename": "x.txt", "path": str(secret)}
    assert on_other_machine(headless, "storeMediaFile", params)[0] == 403
    assert on_other_machine(headless, "importPackage", {"path": str(secret)})[0] == 403
    target = secret.with_name("x.apkg")
    assert on_other_machine(headless, "exportPackage", {"deck": "Default", "path": str(target)})[0] == 403
    assert not target.exists()


def export(wired: Wired, path: object, **headers: str) -> tuple[int, Optional[str]]:
    reply = wired.send("POST", "/exportPackage", {"deck": "Default", "path": str(path)}, **headers)
    return reply.status, reply.json["error"]


def import_(wired: Wired, path: object, **headers: str) -> tuple[int, Optional[str]]:
    reply = wired.send("POST", "/importPackage", {"path": str(path)}, **headers)
    return reply.status, reply.json["error"]


def test_packages_of_a_page_stay_in_the_profiles_folder(wired: Wired, profile: Path, secret: Path) -> None:
    add_cards(wired, "a")
    try:
        for path in ("../page.apkg", "in-media.apkg", profile / "page.apkg", "x/../../page.apkg"):
            assert export(wired, path, **PAGE) == (200, None)
            assert import_(wired, path, **PAGE) == (200, None)
        assert (profile / "page.apkg").stat().st_size > 100
    finally:
        (profile / "page.apkg").unlink()
    outside: list[object] = [
        secret.with_name("x.apkg"),
        "../../x.apkg",
        "../../../../../../../../tmp/x.apkg",
        "~/x.apkg",
        f"{profile}-else/x.apkg",
        profile,
    ]
    for far in outside:
        for status, error in (export(wired, far, **PAGE), import_(wired, far, **PAGE)):
            assert (status, "in the profile's folder only" in str(error)) == (403, True)
    assert not secret.with_name("x.apkg").exists()


def test_a_link_does_not_lead_a_page_out(wired: Wired, profile: Path, secret: Path) -> None:
    link, file_link = profile / "link", profile / "file.apkg"
    link.symlink_to(secret.parent)
    file_link.symlink_to(secret)
    try:
        for path in ("../link/x.apkg", "../file.apkg"):
            assert export(wired, path, **PAGE)[0] == 403
        for path in ("../link/secret.txt", "../file.apkg"):
            assert import_(wired, path, **PAGE)[0] == 403
    finally:
        link.unlink()
        file_link.unlink()
    assert secret.read_text() == "secret"
    assert os.listdir(secret.parent) == ["secret.txt"]


def test_a_link_from_elsewhere_does_not_lead_a_page_in(wired: Wired, profile: Path, secret: Path) -> None:
    """What is outside by its name is not even looked at: on Windows that could already call a host."""
    secret.with_name("in").symlink_to(profile)
    assert export(wired, secret.with_name("in") / "x.apkg", **PAGE)[0] == 403
    assert not (profile / "x.apkg").exists()


def test_a_setting_names_further_folders(wired: Wired, secret: Path) -> None:
    add_cards(wired, "a")
    target = secret.with_name("x.apkg")
    wired.configure(webFileFolders=[str(secret.parent)])
    assert export(wired, target, **PAGE) == (200, None)
    assert import_(wired, target, **PAGE) == (200, None)
    assert export(wired, f"{secret.parent}/../x.apkg", **PAGE)[0] == 403


def test_a_folder_must_be_named_in_full() -> None:
    with pytest.raises(ValueError, match="setting webFileFolders: 'x' is not an absolute path"):
        load({"webFileFolders": ["~/packages", "x"]}, {})


def test_a_page_writes_nothing_but_packages(wired: Wired, profile: Path) -> None:
    before = sorted(os.listdir(profile))
    for name in (
        "../new.txt",
        "../prefs21.db",
        "../collection.anki2",
        "../collection.anki2-wal",
        "../x.colpkg",
    ):
        status, error = export(wired, name, **PAGE)
        assert (status, "ends with .apkg" in str(error)) == (403, True)
    assert sorted(os.listdir(profile)) == before


def test_an_export_replaces_nothing_but_packages(wired: Wired, secret: Path) -> None:
    folder = secret.with_name("folder.apkg")
    folder.mkdir()
    collection = wired.look("col.path")
    for path in (secret, folder, collection):
        status, error = export(wired, path)
        assert (status, "something that is no package" in str(error)) == (409, True)
    assert secret.read_text() == "secret"
    assert wired.send("GET", "/deckNames").json["result"] == ["Default"]
    for name, content in (("old.apkg", b"old"), ("OLD.APKG", b"old"), ("reserved", b"")):
        package = secret.with_name(name)
        package.write_bytes(content)
        assert export(wired, package) == (200, None)
        assert package.stat().st_size > 100


@pytest.mark.parametrize(
    "name",
    [
        *(
            "o.colpkg",
            "O.COLPKG",
            "o.apkg.colpkg",
            "o.colpkg.",
            "o.colpkg ",
            "o.colpkg . ",
            "o.colpkg:x.apkg",
        ),
        *("collection.apkg", "Collection.APKG", "backup-2026.apkg", "BACKUP-.apkg", "backup-x.apkg."),
    ],
)
def test_a_deck_is_not_exported_as_a_whole_collection(wired: Wired, secret: Path, name: str) -> None:
    """Anki's import goes by the name, and would replace everything with the deck."""
    target = secret.with_name(name)
    for content in (None, b"", b"old"):
        if content is not None:
            target.write_bytes(content)
        status, error = export(wired, target)
        assert (status, "for a whole collection, which replaces everything" in str(error)) == (400, True)
        assert (target.read_bytes() if target.exists() else None) == content


def test_names_that_anki_imports_as_decks_are_exported(wired: Wired, secret: Path) -> None:
    for name in ("colpkg.apkg", "my collection.apkg", "mybackup-1.apkg", "backup.apkg", "o.colpkg.apkg"):
        assert export(wired, secret.with_name(name)) == (200, None)
    assert set(os.listdir(secret.parent)) >= {"colpkg.apkg", "o.colpkg.apkg"}


def test_anki_takes_the_refused_names_for_collections() -> None:
    names = ("o.colpkg", "collection.apkg", "backup-1.apkg", "o.apkg", "backup.apkg", "backup-1.zip")
    program = (
        "import json, sys\n"
        "from aqt.import_export.importing import ColpkgImporter\n"
        "print(json.dumps([name for name in sys.argv[1:] if ColpkgImporter.can_import(name)]))"
    )
    # In a process of its own, since aqt changes how Python opens TLS connections.
    done = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, check=True)
    taken = json.loads(done.stdout.splitlines()[-1])
    assert taken == [name for name in names if _is_taken_for_a_collection(f"/x/{name}")]
    assert taken


@pytest.mark.parametrize("headers", [{}, PAGE])
def test_names_that_no_file_can_have_are_told(wired: Wired, headers: dict[str, str]) -> None:
    for path in ("x\0.apkg", "\0"):
        for status, error in (export(wired, path, **headers), import_(wired, path, **headers)):
            assert (status, "holds a NUL character" in str(error)) == (400, True)
    assert import_(wired, "", **headers)[0] in (400, 403)


NAMES = [
    "../out.txt",
    "..\\out.txt",
    "/etc/out.txt",
    "C:out.txt",
    "C:\\out.txt",
    "\\\\host\\share\\out.txt",
    "a/../../out.txt",
    "out\0.txt",
    "con.txt",
    "nul",
    "LPT1.mp3",
    "..%2fout.txt",
    "....//out.txt",
    "out.txt:stream",
    "\u202etxt.exe",
    "．．／out.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_media_stays_in_its_folder_whatever_its_name(wired: Wired, profile: Path, name: str) -> None:
    def around() -> list[str]:
        # But for Anki's own databases.
        return [n for n in sorted(os.listdir(profile)) if not n.startswith("collection.media.db")]

    before = around()
    data = base64.b64encode(b"x").decode()
    stored = wired.send("POST", "/storeMediaFile", {"filename": name, "data": data}).json["result"]
    assert media(wired) == [stored]
    assert around() == before
    assert wired.send("POST", "/retrieveMediaFile", {"filename": name}).json["result"] == data


def test_reading_media_does_not_lead_out(wired: Wired, profile: Path) -> None:
    for name in ("../collection.anki2", str(profile / "collection.anki2"), "..", ".", "", "/", "\0"):
        reply = wired.send("POST", "/retrieveMediaFile", {"filename": name})
        assert reply.json == {"result": False, "error": None}


def test_patterns_do_not_lead_out(wired: Wired) -> None:
    for pattern in ("../*", "/*", "/etc/*", "..", "**/*", "*/..", "\0", "[", "~/*"):
        assert wired.send("POST", "/getMediaFilesNames", {"pattern": pattern}).json["result"] == []


def test_an_empty_name_never_means_the_folder(wired: Wired) -> None:
    wired.send("POST", "/storeMediaFile", {"filename": "kept.txt", "data": "eA=="})
    for name in ("", ".", "./", " ", "\0", "..", "../"):
        wired.send("POST", "/deleteMediaFile", {"filename": name})
        reply = wired.send("POST", "/storeMediaFile", {"filename": name, "data": "eQ=="})
        assert "filename should name a file" in reply.json["error"]
    assert media(wired) == ["kept.txt"]
