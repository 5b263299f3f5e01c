"""Builds `dist/ankiconnect.ankiaddon`: the same bytes for the same sources, wherever it is built."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dist" / "ankiconnect.ankiaddon"
_LEFT_OUT = {"__pycache__", "user_files", "meta.json"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip file can hold


def build(package: Path = PACKAGE) -> Path:
    """Write the package: sorted entries, one date, one mode, stored uncompressed by no library's whim."""
    package.parent.mkdir(parents=True, exist_ok=True)
    addon = ROOT / "addon"
    with zipfile.ZipFile(package, "w") as archive:
        for path in sorted(addon.rglob("*")):
            name = path.relative_to(addon)
            if path.is_dir() or _LEFT_OUT.intersection(name.parts):
                continue
            _add(archive, name.as_posix(), path.read_bytes())
        _add(archive, "LICENSE", (ROOT / "LICENSE").read_bytes())
    return package


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    # Not compressed: the same input compresses differently from one zlib to the next.
    archive.writestr(entry, content, zipfile.ZIP_STORED)


if __name__ == "__main__":
    print(build(Path(sys.argv[1]) if sys.argv[1:] else PACKAGE))
