"""Sees to the system libraries and programs that pip cannot bring.

    python -m tools.system qt          what Qt needs to start Anki
    python -m tools.system chromium    the browser of the tests
    python -m tools.system node        what runs the tests' JavaScript clients
    python -m tools.system desktop     a screen without a monitor and a window manager, for the focus
    python -m tools.system clock       what gives a process a clock of its own

On Debian and its like, installs them where it may (root), else prints the one line to type. Exits with 1
when something is missing in the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_QT_PACKAGES = (
    "libasound2 libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libnspr4 libnss3 libopengl0 "
    "libxcomposite1 libxdamage1 libxfixes3 libxi6 libxkbcommon0 libxkbfile1 libxrandr2 libxrender1 "
    "libxshmfence1 libxtst6 fonts-dejavu-core"
).split()
_XCB_PACKAGES = (
    "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 "
    "libxcb-shape0 libxcb-xinerama0 libxcb-xkb1 libxkbcommon-x11-0"
).split()


def main() -> int:
    if not sys.platform.startswith("linux"):
        return 0
    if sys.argv[1:] == ["chromium"]:
        return _ensure(["chromium", "chromium-driver"], lambda: _missing("chromium", "chromedriver"))
    if sys.argv[1:] == ["node"]:
        return _ensure(["nodejs", "npm"], lambda: _missing("node", "npm"))
    if sys.argv[1:] == ["clock"]:
        return _ensure(["faketime"], lambda: _missing("faketime"))
    if sys.argv[1:] == ["desktop"]:
        return _ensure(
            ["xvfb", "openbox", "xdotool", *_XCB_PACKAGES],
            lambda: _missing("Xvfb", "openbox", "xdotool") + _missing_libraries(True),
        )
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    packages = _QT_PACKAGES + (_XCB_PACKAGES if has_display else [])
    return _ensure(packages, lambda: _missing_libraries(has_display))


def _ensure(packages: list[str], missing: Callable[[], list[str]]) -> int:
    if not missing():
        return 0
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") and os.geteuid() == 0:
        print(f"installing {' '.join(packages)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
        subprocess.run(install, env=environment, check=True, stdout=subprocess.DEVNULL)
    lacking = missing()
    if lacking:
        print(f"error: missing on this system: {', '.join(lacking)}. Install with:", file=sys.stderr)
        print(f"  sudo {' '.join(install)}", file=sys.stderr)
    return 1 if lacking else 0


def _missing(*programs: str) -> list[str]:
    return [program for program in programs if not shutil.which(program)]


def _missing_libraries(has_display: bool) -> list[str]:
    """Shared libraries that Qt's own files ask for and the system lacks."""
    import PyQt6

    qt = Path(PyQt6.__path__[0]) / "Qt6"
    files = [*qt.glob("lib/libQt6WebEngineCore.so.*"), qt / "plugins/platforms/libqoffscreen.so"]
    if has_display:
        files.append(qt / "plugins/platforms/libqxcb.so")
    listed = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True).stdout
    return sorted({line.split()[0] for line in listed.splitlines() if "not found" in line})


if __name__ == "__main__":
    sys.exit(main())
