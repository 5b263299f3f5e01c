"""guiImportFile opens Anki's import screen and replies before the person decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Api, ApiFailure, LiveServer

SCREENS = "[w for w in mw.app.topLevelWidgets() if type(w).__name__ == 'ImportDialog' and w.isVisible()]"
CHOOSERS = "[w for w in mw.app.topLevelWidgets() if isinstance(w, aqt.qt.QFileDialog) and w.isVisible()]"


def test_the_import_screen_is_opened_for_the_file(gui: Api, anki: LiveServer, tmp_path: Path) -> None:
    file = tmp_path / "cards.txt"
    file.write_text("neko\tcat\n")
    assert gui("guiImportFile", path=str(file)) is None
    anki.live.wait_for(f"bool({SCREENS})")
    assert gui("findNotes", query="") == []
    anki.live.run(f"{SCREENS}[0].close()")


def test_without_a_path_the_person_is_asked_for_a_file(gui: Api, anki: LiveServer) -> None:
    assert gui("guiImportFile") is None
    anki.live.wait_for(f"bool({CHOOSERS})")
    assert gui("deckNames") == ["Default"]  # nobody waits
    anki.live.run(f"{CHOOSERS}[0].reject()")


@pytest.mark.parametrize("name", ["missing.txt", "song.mp3"])
def test_what_cannot_be_imported_is_told_at_once(
    gui: Api, anki: LiveServer, tmp_path: Path, name: str
) -> None:
    (tmp_path / "song.mp3").write_bytes(b"")
    with pytest.raises(ApiFailure, match=name):
        gui("guiImportFile", path=str(tmp_path / name))
    assert gui.look(f"len({SCREENS})") == 0
