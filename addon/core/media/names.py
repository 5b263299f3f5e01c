"""Names of media files: as Anki allows them, and found in whatever case."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Optional

from ..collection.temp_collection import scratch_collection
from ..errors import BadParams

# As `normalize_filename` and its neighbours in rslib make them, but for the lower case of Anki 26.05:
# programs put the name that they asked for into notes, whatever the reply says.

_FORBIDDEN = re.compile(r'[\[\]<>:"/?*^\\|\x00-\x1f\x7f]')
_DEVICE = re.compile(r"\A(con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|\Z)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[/\\]")
_LONGEST = 120  # bytes of UTF-8

# A file that is still being written. Anki syncs no file whose name is that long, and a dot hides it.
UNFINISHED = ".unfinished".ljust(_LONGEST + 1, "-")


def has_folder(filename: str) -> bool:
    """Whether `filename` names a folder, too."""
    return bool(_SEPARATOR.search(filename))


def media_name(filename: str) -> str:
    """The name under which `filename` is stored. Raises BadParams if nothing is left of it."""
    name = _clean(filename)
    if not name.strip(". "):
        raise BadParams(f"filename should name a file: {filename!r}")
    return _portable(name)


def hashed_name(name: str, content: bytes, taken: int = 0) -> str:
    """The name for new `content` when `name` is taken, and so many of the names that this gives."""
    digest = hashlib.sha1(content + bytes(taken) if taken else content).hexdigest()
    stem, extension = _shorten(name, _LONGEST - len(digest) - 1)
    return _joined(f"{stem}-{digest}", extension)


def entry(folder: Path, name: str) -> Optional[str]:
    """What `name` is called in `folder`: the same, or the same in other case. None if it is not there."""
    lower = name.lower()
    if os.path.lexists(folder / name):
        if not _ignores_case(folder, name):
            return name
        spellings = _capitals.find(folder, lower)
        return name if name in spellings else next(iter(spellings), lower)
    others = [lower, *sorted(_capitals.find(folder, lower))]
    return next((other for other in others if os.path.lexists(folder / other)), None)


def changing(folder: Path, name: str) -> AbstractContextManager[None]:
    """Around a change of ours that puts `name` into `folder` or takes it away."""
    return _capitals.changing(folder, name)


def find_file(folder: Path, filename: str) -> Optional[Path]:
    """The ordinary file that was stored as `filename`, or put there under that name."""
    clean = _clean(filename)
    if not clean.strip(". "):
        return None
    names = (entry(folder, name) for name in dict.fromkeys((_portable(clean), clean)))
    return next((folder / name for name in names if name and os.path.isfile(folder / name)), None)


def _clean(filename: str) -> str:
    """The last part of `filename`, composed (NFC) and without the characters that Anki drops."""
    last = unicodedata.normalize("NFC", _SEPARATOR.split(filename)[-1])
    name = _FORBIDDEN.sub("", last).replace("\xa0", " ")
    if name.isascii():
        return name
    dropped = _dropped_by_anki(name)
    # Composed again, since what was between two characters can be gone.
    return unicodedata.normalize("NFC", "".join(c for c in name if c not in dropped))


def _dropped_by_anki(name: str) -> set[str]:
    """The characters in `name` without a meaning in the version of Unicode that Anki was built with."""
    # What had a meaning in Unicode 3.2 has one to every Anki.
    newer = {c for c in name if unicodedata.ucd_3_2_0.category(c) == "Cn"}
    unknown = sorted(newer - _dropped.keys())
    if unknown:
        with scratch_collection() as scratch:
            for start in range(0, len(unknown), 20):  # so few that the name is not shortened
                asked = unknown[start : start + 20]
                stored = scratch.media.write_data(f"a{'a'.join(asked)}", b"a")
                _dropped.update((c, c not in stored and c.lower() not in stored) for c in asked)
    return {c for c in newer if _dropped[c]}


_dropped: dict[str, bool] = {}  # what Anki was asked


def _portable(name: str) -> str:
    """A name that every system can have."""
    portable = _without_bad_end(_DEVICE.sub(r"\1_", name))
    return portable if len(portable.encode()) <= _LONGEST else _joined(*_shorten(portable, _LONGEST))


def _joined(stem: str, extension: str) -> str:
    return _without_bad_end(f"{stem}.{extension}" if extension else stem)


def _without_bad_end(name: str) -> str:
    return f"{name}_" if name.endswith((" ", ".")) else name


def _shorten(name: str, limit: int) -> tuple[str, str]:
    """Stem and extension that fit into `limit` bytes, with a dot between and one character after."""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    extension = _first_bytes(extension, 10)
    return _first_bytes(stem, limit - len(extension.encode()) - 2), extension


def _first_bytes(text: str, count: int) -> str:
    return text.encode()[:count].decode(errors="ignore")


def _ignores_case(folder: Path, name: str) -> bool:
    """Whether `name`, which is in `folder`, is there in other case as well."""
    other = folder / name.swapcase()
    return os.path.lexists(other) and os.path.samestat(os.lstat(folder / name), os.lstat(other))


class _Capitals:
    """The names with capitals in the media folder.

    Listing a large folder takes long: 0.2 s for 100,000 names. It is done again only after somebody else
    has changed the folder.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, set[str]] = {}  # by their lower-case form
        self._state: Optional[tuple[Path, int]] = None  # of the folder, when they were right

    def find(self, folder: Path, lower: str) -> set[str]:
        if not folder.exists():
            return set()
        with self._lock:
            state = _state(folder)
            if state != self._state:
                self._names = {}
                for name in os.listdir(folder):
                    self._add(name)
                self._state = state
            return self._names.get(lower, set()).copy()

    @contextmanager
    def changing(self, folder: Path, name: str) -> Iterator[None]:
        before = _state(folder)
        yield
        with self._lock:
            if self._state == before:
                self._names.get(name.lower(), set()).discard(name)
                if os.path.lexists(folder / name):
                    self._add(name)
                self._state = _state(folder)

    def _add(self, name: str) -> None:
        if name.islower():
            return
        composed = unicodedata.normalize("NFC", name)  # file systems of macOS may take names apart
        lower = composed.lower()
        if lower != composed:
            self._names.setdefault(lower, set()).add(composed)


def _state(folder: Path) -> tuple[Path, int]:
    return folder, os.stat(folder).st_mtime_ns


_capitals = _Capitals()
