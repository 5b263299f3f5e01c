"""Writes what follows from the declarations: the add-on's `config.json` and `config.md`."""

from __future__ import annotations

import json
from pathlib import Path

from addon import config

ADDON = Path(__file__).resolve().parent.parent / "addon"

_CONFIG_HEAD = """Settings of AnkiConnect. `webBindAddress`, `webBindPort` and `webBacklog` take effect when
Anki starts, all others at once.

"""


def generated() -> dict[Path, str]:
    """Each generated file and what it should hold."""
    return {
        ADDON / "config.json": json.dumps(config.defaults(), indent=2) + "\n",
        ADDON / "config.md": _CONFIG_HEAD + config.reference(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_text(content, "utf-8")
