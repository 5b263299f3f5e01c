"""Programs for Node.js that the tests run: libraries of clients, and tools that read `/openapi.json`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CLIENTS = Path(__file__).parent / "clients"


def run(*command: str, **environment: object) -> str:
    """What a program of the clients' folder prints; it must succeed."""
    variables = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    done = subprocess.run(
        command,
        cwd=CLIENTS,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def is_there() -> bool:
    return bool(shutil.which("node") and shutil.which("npm"))


def version() -> tuple[int, ...]:
    """Of Node.js, such as (20, 19, 0)."""
    return tuple(map(int, run("node", "--version").strip().lstrip("v").split(".")))


def install() -> None:
    """Fetch what package-lock.json names, once."""
    installed = CLIENTS / "node_modules" / ".package-lock.json"
    lock = CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
