"""`X-AnkiConnect-Warning`, as real HTTP clients read it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from selenium import webdriver

from addon.core.plain_text import header_text, printable

from .conftest import Wired, basic, skip_or_fail

ASK = """
const ask = async (url, note) => {
  const body = JSON.stringify({action: "addNote", version: 6, params: {note}});
  const reply = await fetch(url, {method: "POST", body});
  return [(await reply.json()).result, reply.headers.get("X-AnkiConnect-Warning")];
};
"""
# All that could end a header, be refused in one, or make it too large for a client.
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA1)]))
ODD = [CONTROLS, "\x01", "\x1b[31mred", "a\r\nX-Other: 1", "日本語" * 300, "😀" * 300, "\u202e"]


def note(*names: str) -> dict[str, Any]:
    """A note with pictures that can't be had."""
    urls = [f"http://127.0.0.1:9/{name}" for name in names]
    return basic(" ".join(map(ascii, names)), picture=[{"url": url, "filename": "a.png"} for url in urls])


def check(reply: Any) -> None:
    added, warning = reply
    assert isinstance(added, int)
    assert "http://127.0.0.1:9/" in warning
    assert warning.isascii() and warning.isprintable()


@pytest.mark.parametrize("names", [*([name] for name in ODD), ODD * 5], ids=range(len(ODD) + 1))
def test_node_reads_every_warning(wired: Wired, names: list[str]) -> None:
    node = shutil.which("node")
    if not node:
        skip_or_fail("needs Node.js: apt-get install nodejs")
    program = ASK + (
        "ask(process.env.URL, JSON.parse(process.env.NOTE))"
        ".then((reply) => console.log(JSON.stringify(reply)))"
    )
    environment = {"URL": f"http://127.0.0.1:{wired.port}", "NOTE": json.dumps(note(*names))}
    done = subprocess.run(
        [str(node), "-e", program], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_chromium_and_python_read_every_warning(wired: Wired, chromium: webdriver.Chrome) -> None:
    url = f"http://127.0.0.1:{wired.port}"
    chromium.get(url)
    ask = ASK + "ask(arguments[0], arguments[1]).then(arguments[2], arguments[2])"
    for names in (*([name] for name in ODD), ODD * 5):
        check(chromium.execute_async_script(ask, url, note(*names)))
        reply = wired.send("POST", "/addNote", {"note": note(*names, "python")})
        check((reply.json["result"], reply.headers["x-ankiconnect-warning"]))


def test_a_warning_is_cut_between_characters() -> None:
    assert header_text("a\tb\x01é\ud800", 100) == r"a b\x01\xe9\ud800"
    assert header_text("ab\u3042c", 7) == "ab"
    assert header_text("ab\u3042c", 8) == r"ab\u3042"
    assert len(header_text("😀" * 300, 300)) == 300


def test_text_in_logs_stays_readable_in_every_script() -> None:
    for text in ("é 日本語\u3000です", "می\u200cخواهم", "👨\u200d👩", "a\xa0b"):
        assert printable(text) == text
    assert printable("\x00\t\x1b\x7f\x9b\u202e\u2066\ufeff\ud800") == (
        r"\x00\t\x1b\x7f\x9b\u202e\u2066\ufeff\ud800"
    )
