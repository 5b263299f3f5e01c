"""Writes what follows from the declarations: the settings' files and the reference of the API."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from addon import settings_sources
from addon.actions import registry

_ROOT = Path(__file__).resolve().parent.parent
ADDON = _ROOT / "addon"
REFERENCE = _ROOT / "docs" / "api.md"
ARCHITECTURE = _ROOT / "docs" / "architecture.md"

_BEGIN_OF_TABLE = "<!-- actions: made by `make docs` -->"
_END_OF_TABLE = "<!-- end of actions -->"
_CONFIG_HEAD = """Settings of AnkiConnect. Changes are in force at once, and a wrong value changes nothing.

"""


def settings_files() -> dict[Path, str]:
    """Each file that is made from the settings, and what it should hold."""
    return {
        ADDON / "config.json": json.dumps(settings_sources.defaults(), indent=2) + "\n",
        ADDON / "config.schema.json": json.dumps(settings_sources.schema(), indent=2) + "\n",
        ADDON / "config.md": _CONFIG_HEAD + settings_sources.reference(),
    }


def with_table_of_actions(text: str) -> str:
    """A document with the table of the modules that hold the actions, between its two marks."""
    modules: dict[str, list[str]] = {}
    for name, action in sorted(registry.items()):
        modules.setdefault(action.function.__module__.partition(".")[2].replace(".", "/"), []).append(name)
    rows = [f"| `{module}.py` | {', '.join(names)} |" for module, names in sorted(modules.items())]
    table = "\n".join(["| module | actions |", "| --- | --- |", *rows])
    before, _, rest = text.partition(_BEGIN_OF_TABLE)
    _, mark, after = rest.partition(_END_OF_TABLE)
    assert mark, "the document has no place for the table of actions"
    return f"{before}{_BEGIN_OF_TABLE}\n\n{table}\n\n{_END_OF_TABLE}{after}"


def _write_reference() -> None:
    from tests.live import LiveAnki

    from .examples import set_noon
    from .record import record
    from .reference import reference

    set_noon()
    with tempfile.TemporaryDirectory() as folder:
        anki = LiveAnki(Path(folder) / "anki")
        anki.start()
        anki.anki.wait_until_ready()
        try:
            REFERENCE.write_text(reference(record(anki)), "utf-8")
        finally:
            anki.stop()


if __name__ == "__main__":
    for path, content in settings_files().items():
        path.write_text(content, "utf-8")
    ARCHITECTURE.write_text(with_table_of_actions(ARCHITECTURE.read_text("utf-8")), "utf-8")
    _write_reference()
