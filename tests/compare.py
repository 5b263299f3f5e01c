"""Replies of both hosts made comparable: the same but for what no two runs share."""

from __future__ import annotations

import json
import re
import time
from typing import Any

_DAY = 86_400
_RANDOM = {
    r"\.tmp\w+": ".tmp",  # temporary files
    r"Basic-[0-9a-f]{5}\b": "Basic-x",  # a note type that Anki names in an error
    r"(?<![\w.])-?\d{16,19}(?![\w.])": '"random"',  # ids of fields and templates
    r"backup-[\d.-]+\.colpkg": "backup",  # named by the second
    r"Generated on [\w :]+": "Generated",
    r'"localOffset": -?\d+, ': "",  # kept by Anki's window, and not at Greenwich
    r"#[0-9a-fA-F]{3,6}\b": "#colour",  # Anki's window sets other ones in its statistics
}


def comparable(reply: Any, particular: dict[str, str]) -> Any:
    """`reply` without times of this day, which ids are too, and with the texts of one host replaced."""
    text = json.dumps(reply)
    for own, common in particular.items():
        text = text.replace(json.dumps(own)[1:-1], common)
    for pattern, common in _RANDOM.items():
        text = re.sub(pattern, common, text)
    return json.loads(re.sub(r'(?<![\w."])\d{10,13}(?![\w."])|"\d{10,13}"', _without_now, text))


def _without_now(match: re.Match[str]) -> str:
    number = int(match[0].strip('"'))
    seconds = number / 1000 if number > 10**11 else number
    return '"now"' if abs(seconds - time.time()) < _DAY else match[0]
