"""Media files: storing, reading, deleting, and what a note brings along."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import os
import re
import unicodedata
from collections.abc import Container, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Optional, Union

from anki.collection import Collection

from .actions import read, write
from .call import Call
from .downloads import DownloadFailed, check_url, download
from .errors import ApiError, BadParams
from .shapes import ONE_OR_MANY

_PARALLEL_DOWNLOADS = 8

FileName = Annotated[str, "file name in the media folder"]
Base64 = Annotated[Optional[str], "content in base64; the first choice"]
LocalPath = Annotated[Optional[str], "file on the machine that Anki runs on; the second choice"]
Url = Annotated[Optional[str], "address to download from; the third choice"]
SkipHash = Annotated[Optional[str], "MD5 of content to leave out, in lower-case hex digits"]


@dataclass
class Attachment:
    """A file to store while a note is added or updated."""

    filename: FileName
    data: Base64 = None
    path: LocalPath = None
    url: Url = None
    skip_hash: SkipHash = None
    delete_existing: Annotated[bool, "replace a file of that name; by default it is kept"] = False
    fields: Annotated[Optional[list[str]], "names of the fields that get the markup appended"] = None

    # Filled in on the HTTP thread.
    content: Optional[bytes] = field(default=None, init=False)
    refusal: Optional[ApiError] = field(default=None, init=False)

    def load(self, call: Call) -> None:
        """Read the content, or note why it is missing.

        A download that fails costs the file: the caller is warned. Anything else that is wrong is the
        caller's mistake and kept as the note's refusal.
        """
        try:
            self.content = load(self, call)
        except DownloadFailed as error:
            call.warn(str(error))
        except ApiError as error:
            self.refusal = error


Attachments = Annotated[list[Attachment], ONE_OR_MANY]


def load(source: Attachment, call: Call) -> Optional[bytes]:
    """The content of `source`; None if it is what `skip_hash` leaves out. Raises ApiError."""
    check_name(source.filename)
    content = _content(source, call)
    if source.skip_hash and hashlib.md5(content).hexdigest() == source.skip_hash.lower():
        return None
    return content


def load_all(attachments: Iterable[Attachment], call: Call) -> None:
    """Load several attachments; downloads run side by side."""
    waiting = [a for a in attachments if a.content is None and a.refusal is None]
    if len(waiting) > 1 and any(a.url for a in waiting):
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            list(pool.map(lambda a: a.load(call), waiting))
    else:
        for attachment in waiting:
            attachment.load(call)


def _content(source: Attachment, call: Call) -> bytes:
    elsewhere = source.path or source.url
    if source.data is not None and (source.data or not elsewhere):
        return decode(source.data)
    if source.path:
        try:
            return Path(source.path).read_bytes()
        except (OSError, ValueError) as error:
            raise BadParams(str(error)) from None
    if source.url:
        settings = call.settings
        check_url(source.url)
        return download(
            source.url, timeout=settings.webTimeout / 1000, limit=settings.webDownloadLimit * 10**6
        )
    raise BadParams('You must provide a "data", "path", or "url" field.')


def decode(data: str) -> bytes:
    """The bytes that base64 `data` stands for; white space is ignored, as in mail."""
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadParams(str(error)) from None


# Names. Anki drops these characters when it stores a file; see normalize_filename in rslib.
_DROPPED = re.compile(r'[\[\]<>:"/?*^\\|\x00-\x1f\x7f]')


def clean_name(filename: str) -> str:
    """The name under which Anki stores `filename`, apart from rare cases: use what storing returns."""
    last = re.split(r"[/\\]", filename)[-1]
    return _DROPPED.sub("", unicodedata.normalize("NFC", last)).replace("\xa0", " ")


def check_name(filename: str) -> str:
    """The cleaned name. Raises BadParams if nothing is left of it."""
    name = clean_name(filename)
    if not name.strip(". "):
        raise BadParams(f"filename should name a file: {filename!r}")
    return name


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # unlike Path.is_file, False for names that no file can have


class Store:
    """Stores files for one request and can take all of it back."""

    def __init__(self, col: Collection) -> None:
        self._col = col
        self._folder = Path(col.media.dir())
        self._created: list[str] = []
        self._replaced: dict[str, bytes] = {}

    def put(self, filename: str, content: bytes, *, delete_existing: bool) -> str:
        """Store `content` and return the name that Anki really used.

        With `delete_existing`, a different file of that name goes to the media trash; otherwise Anki
        puts the content's SHA-1 into the new name. An identical file is reused.
        """
        name = check_name(filename)
        digest = hashlib.sha1(content).hexdigest()
        stem, extension = os.path.splitext(name)
        # From 26.05 on Anki lower-cases new names, and before it asks for an unused one it looks for
        # a file of the same name in either case.
        names = {name, name.lower()}
        names |= {f"{n_stem}-{digest}{extension}" for n_stem in (stem, stem.lower())} | {
            f"{stem.lower()}-{digest}{extension.lower()}"
        }
        existing = {n for n in names if _is_file(self._folder / n)}
        if delete_existing:
            self._trash_others({name, name.lower()} & existing, content)
        stored = self._col.media.write_data(name, content)
        if stored in names - existing:
            self._created.append(stored)
        return stored

    def _trash_others(self, names: Iterable[str], content: bytes) -> None:
        for name in names:
            old = (self._folder / name).read_bytes()
            if old != content:
                self._col.media.trash_files([name])
                self._replaced[name] = old

    def take_back(self, *, keep: Container[str] = ()) -> None:
        """Leave the folder as it was before, apart from the files named in `keep`."""
        created = [name for name in self._created if name not in keep]
        if created:
            self._col.media.trash_files(created)
        for name, old in self._replaced.items():
            if name not in keep:
                (self._folder / name).write_bytes(old)
        self._created = [name for name in self._created if name in keep]
        self._replaced = {name: old for name, old in self._replaced.items() if name in keep}


@write("storeMediaFile")
def store_media_file(
    call: Call,
    filename: FileName,
    data: Base64 = None,
    path: LocalPath = None,
    url: Url = None,
    skip_hash: SkipHash = None,
    delete_existing: Annotated[bool, "move a different file of that name to the media trash first"] = True,
) -> Annotated[Optional[str], "the name really used; null if the content matched skipHash"]:
    """Store a file in the media folder.

    Anki cleans names up, so use the one that is returned. With `deleteExisting` false, a file whose
    name is taken by different content gets a longer name. Names that begin with an underscore are
    never counted as unused.
    """
    content = load(Attachment(filename, data, path, url, skip_hash), call)
    if content is None:
        return None

    def put(col: Collection) -> str:
        return Store(col).put(filename, content, delete_existing=delete_existing)

    return call.host.on_collection(put)


@read("retrieveMediaFile")
def retrieve_media_file(
    call: Call, filename: FileName
) -> Annotated[Union[str, Literal[False]], "content in base64, or false if there is no such file"]:
    """Read a file of the media folder. Only the last part of a path counts."""
    name = clean_name(filename)
    path = _folder(call) / name
    if name in ("", ".", "..") or not _is_file(path):
        return False
    return base64.b64encode(path.read_bytes()).decode("ascii")


@read("getMediaFilesNames")
def media_files_names(
    call: Call,
    pattern: Annotated[str, "shell-style wildcard; names with a leading dot need one in it"] = "*",
) -> list[FileName]:
    """List the names in the media folder that match a pattern, in the folder's order."""
    names = os.listdir(_folder(call))
    if not pattern.startswith("."):
        names = [name for name in names if not name.startswith(".")]
    return fnmatch.filter(names, pattern)


def _folder(call: Call) -> Path:
    """The media folder. Files are read on the HTTP thread: the collection has no part in that."""
    return Path(call.host.on_collection(lambda col: col.media.dir()))


@read("getMediaDirPath")
def media_dir_path(col: Collection) -> Annotated[str, "path on the machine that Anki runs on"]:
    """Return the absolute path of the open profile's media folder."""
    return os.path.abspath(col.media.dir())


@write("deleteMediaFile")
def delete_media_file(col: Collection, filename: FileName) -> None:
    """Move a file of the media folder to the media trash, where Anki's Check Media can restore it.

    A name that is not in the folder, or leads out of it, has no effect.
    """
    folder = Path(col.media.dir())
    spellings = {filename, unicodedata.normalize("NFC", filename), filename.lower()}
    names = [n for n in spellings if n == clean_name(n) and n and _is_file(folder / n)]
    if names:
        col.media.trash_files(names)
