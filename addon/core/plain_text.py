"""Text that others have written, made fit for logs, tooltips and headers."""

from __future__ import annotations

import logging
import unicodedata

_JOINERS = "\u200c\u200d"  # some scripts and emoji are written with them


def printable(text: str) -> str:
    """`text` with all that is invisible, but for blanks, written as `\\x1b` and the like.

    That includes the codes that terminals obey, marks that turn the direction of writing round, and halves
    of surrogate pairs, which no file can hold.
    """
    return text if text.isprintable() else "".join(c if _is_plain(c) else _escaped(c) for c in text)


def _is_plain(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def header_text(text: str, longest: int) -> str:
    """`text` as one line of ASCII, so many characters at most; all others are written as `\\u3042`."""
    parts = []
    for character in " ".join(text.split()):
        part = character if " " <= character <= "~" else _escaped(character)
        longest -= len(part)
        if longest < 0:
            break
        parts.append(part)
    return "".join(parts)


class LogLines(logging.Formatter):
    """A message begins a line, and what follows its first line is indented: none can pass for another."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return "\n    ".join(map(printable, super().format(record).splitlines()))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
