"""However a run of the tests ends, it leaves no Anki behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Anki is there and nobody has stopped it: in a test, and while a fixture waits for it.
TESTS = """
import os
from pathlib import Path
import pytest
from tests.live import LiveAnki

def tell(live):
    Path("pid.part").write_text(str(live.look("__import__('os').getpid()")))
    os.rename("pid.part", "pid")

@pytest.fixture
def never_ready(tmp_path):
    live = LiveAnki(tmp_path / "anki")
    live.start()
    tell(live)
    live.anki.wait()
    yield

def test_in_a_test(own_anki):
    own_anki.start()
    tell(own_anki)
    own_anki.anki.wait()

def test_in_a_fixture(never_ready):
    pass
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("where", ["in_a_test", "in_a_fixture"])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_anki_ends_with_the_run(tmp_path: Path, where: str, signum: int) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    options = ["-p", "tests.conftest", "--basetemp", str(tmp_path / "temp"), "-k", where]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "pid").exists():
        assert run.poll() is None and time.monotonic() < deadline, "Anki was not started"
        time.sleep(0.05)
    anki = int((tmp_path / "pid").read_text())
    run.send_signal(signum)
    run.wait(60)
    while is_running(anki):
        assert time.monotonic() < deadline, "Anki is left behind"
        time.sleep(0.05)
