"""The package: reproducible, clean, and installed by Anki's own add-on manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.build import build

from .live import LiveAnki

ROOT = Path(__file__).parent.parent
FOLDER = "1234567890"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return build(tmp_path / "one.ankiaddon")


def test_it_is_the_same_bytes_wherever_it_is_built(package: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for part in ("addon", "tools"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "LICENSE", copy)
    (copy / "addon" / "__pycache__").mkdir(exist_ok=True)
    (copy / "addon" / "__pycache__" / "x.pyc").write_bytes(b"cache")
    (copy / "addon" / "meta.json").write_text("{}")
    for path in copy.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    other = tmp_path / "two.ankiaddon"
    subprocess.run([sys.executable, "-m", "tools.build", str(other)], cwd=copy, check=True)
    assert other.read_bytes() == package.read_bytes()


def test_it_holds_what_the_add_on_needs_and_nothing_else(package: Path) -> None:
    names = zipfile.ZipFile(package).namelist()
    assert {
        "__init__.py",
        "manifest.json",
        "config.json",
        "config.schema.json",
        "config.md",
        "LICENSE",
    } < set(names)
    assert {"routes/index/page.html", "routes/index/page.js", "routes/index/page.css"} < set(names)
    endings = {Path(name).suffix for name in names}
    assert endings == {".py", ".json", ".md", ".html", ".js", ".css", ""}
    assert not [name for name in names if "__pycache__" in name or "user_files" in name]


@pytest.fixture
def clean_anki(tmp_path: Path) -> Iterator[LiveAnki]:
    live = LiveAnki(tmp_path / "anki", with_addon=False)
    live.start()
    yield live
    live.stop()


def test_ankis_add_on_manager_installs_it_under_a_number(clean_anki: LiveAnki, package: Path) -> None:
    manifest = {"package": FOLDER, "name": "AnkiConnect"}
    installed = f"type(mw.addonManager.install({str(package)!r}, {manifest!r})).__name__"
    assert clean_anki.look(installed) == "InstallOk"
    clean_anki.stop()
    clean_anki.start()
    clean_anki.anki.wait_until_ready()
    assert clean_anki.anki.invoke("version") == {"result": 6, "error": None}
    assert clean_anki.anki.invoke("deckNames") == {"result": ["Default"], "error": None}
    assert clean_anki.look(f"mw.addonManager.addonName({FOLDER!r})") == "AnkiConnect"
    assert clean_anki.look(f"mw.addonManager.getConfig({FOLDER!r})['webBindPort']") == 8765
    output = clean_anki.output()
    assert FOLDER not in output
    assert "ankiconnect" not in output.lower()
