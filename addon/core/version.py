"""The version of this program, which is not that of the API."""

from __future__ import annotations

import json
from pathlib import Path

# Read at start: an upgrade replaces the file under the running add-on.
PROGRAM_VERSION: str = json.loads((Path(__file__).parent.parent / "manifest.json").read_text("utf-8"))[
    "human_version"
]
