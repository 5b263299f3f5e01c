"""Installing the server, and the files in `deploy/`, whose commands run here without Docker and systemd."""

from __future__ import annotations

import configparser
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from addon.options import settle
from tools.build import build
from tools.ports import free_port

from .conftest import Start
from .program import ROOT, clean_environment

DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text("utf-8"))
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in lines]


def the(name: str) -> str:
    (only,) = [rest for instruction, rest in instructions() if instruction == name]
    return only


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in which the Dockerfile's COPY and `RUN pip` were done, with /src in it."""
    root = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    for name, rest in instructions():
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                into = root / target.lstrip("/")
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    into.mkdir(exist_ok=True)
                    shutil.copy(ROOT / source, into)
        elif name == "RUN" and rest.startswith("pip"):
            command = rest.replace("/src", str(root / "src"))
            # Newer packages than those that all other tests run on are not what is tested here.
            pins = {"PIP_CONSTRAINT": str(ROOT / "requirements.txt")} if sys.version_info >= (3, 10) else {}
            subprocess.run(
                command, shell=True, check=True, env=environment(root, **pins), stdout=subprocess.DEVNULL
            )
    return root


def environment(image: Path, **more: str) -> dict[str, str]:
    path = f"{image / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return clean_environment(PATH=path, PYTHONPATH="", **more)


def test_the_command_is_installed_and_answers(image: Path, start: Start, tmp_path: Path) -> None:
    command = image / "venv" / "bin" / "ankiconnect-server"
    program = start("--collection", tmp_path / "c.anki2", command=[str(command)], cwd=tmp_path)
    program.wait_until_it_serves()
    assert program.ask("version") == 6
    assert program.ask("deckNames") == ["Default"]
    connection = program.connect()
    connection.request("GET", "/", headers={"Accept": "text/html"})
    assert b"page.js" in connection.getresponse().read()
    connection.request("GET", "/_page/page.js")
    assert connection.getresponse().status == 200
    connection.close()
    assert program.stop()[0] == 0


def test_its_version_and_its_name_are_right(image: Path) -> None:
    manifest = json.loads((ROOT / "addon" / "manifest.json").read_text("utf-8"))
    run = [image / "venv" / "bin" / "ankiconnect-server"]
    told = subprocess.run([*run, "--version"], capture_output=True, text=True, check=True).stdout
    assert told == f"AnkiConnect {manifest['human_version']}\n"
    helped = subprocess.run([*run, "--help"], capture_output=True, text=True, check=True).stdout
    assert helped.startswith("usage: ankiconnect-server ")


def test_only_what_the_add_on_holds_is_installed_and_no_qt(image: Path, tmp_path: Path) -> None:
    listed = "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()))"
    python = image / "venv" / "bin" / "python"
    names = subprocess.run(
        [python, "-c", listed], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"anki", "ankiconnect"} <= set(names)
    assert not [name for name in names if name.lower().startswith(("aqt", "pyqt"))]
    (site,) = (image / "venv" / "lib").glob("python*/site-packages")
    assert not (site / "addon").exists()
    package = site / "ankiconnect"
    files = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    with zipfile.ZipFile(build(tmp_path / "a.ankiaddon")) as archive:
        expected = set(archive.namelist()) - {"LICENSE"}
    assert {name for name in files if "__pycache__" not in name} == expected


def test_the_image_serves_and_is_healthy(image: Path, start: Start, tmp_path: Path) -> None:
    variables = dict(pair.split("=", 1) for pair in shlex.split(the("ENV")))
    volume, collection = the("VOLUME"), variables["ANKICONNECT_COLLECTION"]
    assert collection.startswith(f"{volume}/")
    assert variables["ANKICONNECT_BIND_PORT"] == the("EXPOSE")
    secret = tmp_path / "secret"
    secret.write_text("abc\n")
    port = str(free_port())
    variables.update(
        ANKICONNECT_COLLECTION=collection.replace(volume, str(tmp_path)),
        ANKICONNECT_BIND_PORT=port,
        ANKICONNECT_API_KEY_FILE=str(secret),
    )
    inside = environment(image, **variables)

    def is_healthy() -> bool:
        check = the("HEALTHCHECK").partition("CMD ")[2]
        return subprocess.run(check, shell=True, env=inside, capture_output=True).returncode == 0

    assert not is_healthy()
    # Found here, since a program is looked for in our own PATH.
    (name,) = json.loads(the("CMD"))
    command = [str(shutil.which(name, path=inside["PATH"]))]
    program = start(command=command, port=None, cwd=tmp_path, environment=inside)
    assert f" at http://0.0.0.0:{port}" in program.wait_until_it_serves()
    assert is_healthy()
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request("GET", "/deckNames", headers={"X-API-Key": "abc"})
    assert json.loads(connection.getresponse().read())["result"] == ["Default"]
    connection.close()
    assert program.stop()[0] == 0
    assert (tmp_path / "collection.anki2").exists()


def test_the_image_runs_as_nobody_special_and_keeps_what_is_written_in_its_volume() -> None:
    order = [name for name, _rest in instructions()]
    assert the("FROM").endswith("-slim")
    user = the("USER")
    (made,) = [rest for name, rest in instructions() if name == "RUN" and "useradd" in rest]
    assert re.search(rf"useradd .*\b{user} && install -d -o {user} {the('VOLUME')}$", made)
    assert order.index("USER") < order.index("CMD")
    assert order.index("RUN") < order.index("USER")


def test_the_image_is_built_from_nothing_but_the_package() -> None:
    sources = {source for name, rest in instructions() if name == "COPY" for source in rest.split()[:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    assert sources == let_in


# systemd


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "ankiconnect.service")
    return parser


def test_the_units_command_serves_and_stops(image: Path, start: Start, tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    service = unit()["Service"]
    program_path, option, settings_path = shlex.split(service["ExecStart"])
    state = f"/var/lib/{service['StateDirectory']}"
    text = (DEPLOY / "settings.toml").read_text("utf-8")
    assert f'collection = "{state}/' in text
    settings = tmp_path / Path(settings_path).name
    settings.write_text(text.replace(state, str(tmp_path)))
    command = [program_path.replace("/opt/ankiconnect", str(image / "venv")), option, str(settings)]
    program = start(command=command, cwd=tmp_path)
    program.wait_until_it_serves()
    assert program.ask("deckNames") == ["Default"]
    assert program.stop(signal.SIGTERM)[:2] == (0, "")
    assert (tmp_path / "collection.anki2").exists()


def test_the_unit_gives_a_running_action_time_and_does_not_repeat_a_mistake() -> None:
    service = unit()["Service"]
    assert int(service["TimeoutStopSec"]) > 5
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "ankiconnect.service").read_text("utf-8")
    # The program must exist for this.
    (tmp_path / "ankiconnect.service").write_text(re.sub("(?m)^ExecStart=.*", "ExecStart=/bin/true", text))
    checked = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "ankiconnect.service"], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_example_of_settings_is_valid_with_all_its_lines(tmp_path: Path) -> None:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli")
    text = (DEPLOY / "settings.toml").read_text("utf-8")
    (tmp_path / "key").write_text("abc")
    text = re.sub(r"(?m)^#(?=\w+ = )", "", text).replace("/etc/ankiconnect", str(tmp_path))
    (tmp_path / "all.toml").write_text(text)
    settings = settle(["--settings", str(tmp_path / "all.toml")], {}, "")
    assert (settings.apiKey, settings.webBindPort) == ("abc", 8765)
    assert settings.mediaFolder == "/var/lib/ankiconnect/media"
