"""Media files: storing, reading, deleting, and what a note brings along."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Optional, Union

from anki.collection import Collection

from .actions import read, write
from .addresses import is_public
from .call import Call
from .downloads import DownloadFailed, check_url, download
from .errors import ApiError, BadParams, without_frames
from .files import check_may_name
from .pieces import private
from .shapes import ONE_OR_MANY

private("anki._backend", "RustBackend.add_media_file_raw", "storeMediaFile", otherwise="no media in notes")
private("anki.media_pb2", "AddMediaFileRequest", "storeMediaFile", otherwise="no media in notes")

_PARALLEL_DOWNLOADS = 8

FileName = Annotated[str, "file name in the media folder"]
Data = Annotated[Optional[bytes], "content in base64; the first choice"]
LocalPath = Annotated[
    Optional[str], "file on the machine that Anki runs on, for programs on that machine; the second choice"
]
Url = Annotated[
    Optional[str], "address to download from, a public one if a web page asks; the third choice"
]
SkipHash = Annotated[Optional[str], "MD5 of content to leave out, in lower-case hex digits"]


@dataclass
class Attachment:
    """A file to store while a note is added or updated."""

    filename: FileName
    data: Data = None
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
            call.warn(str(without_frames(error)))
        except ApiError as error:
            self.refusal = without_frames(error)


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
        return source.data
    if source.path:
        check_may_name(call, "path", "send the content as data")
        try:
            return _read_file(Path(source.path))
        except (OSError, ValueError) as error:
            raise BadParams(str(error)) from None
    if source.url:
        settings = call.settings
        check_url(source.url)
        return download(
            source.url,
            timeout=settings.webTimeout / 1000,
            limit=settings.webDownloadLimit * 10**6,
            reachable=is_public if call.reaches_public_only else None,
        )
    raise BadParams('You must provide a "data", "path", or "url" field.')


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file() and not path.is_dir():
        # A device may never end, and a pipe never begin.
        raise BadParams(f"path should name an ordinary file: {str(path)!r}")
    return path.read_bytes()


# Names, as `normalize_filename` and its neighbours in rslib make them.

_DROPPED = re.compile(r'[\[\]<>:"/?*^\\|\x00-\x1f\x7f]')
_DEVICE = re.compile(r"\A(con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|\Z)", re.IGNORECASE)
_LONGEST = 120  # bytes of UTF-8


def clean_name(filename: str) -> str:
    """The last part of `filename`, composed (NFC) and without the characters that Anki drops."""
    last = re.split(r"[/\\]", filename)[-1]
    return _DROPPED.sub("", unicodedata.normalize("NFC", last)).replace("\xa0", " ")


def check_name(filename: str) -> str:
    """The cleaned name. Raises BadParams if nothing is left of it."""
    name = clean_name(filename)
    if not name.strip(". "):
        raise BadParams(f"filename should name a file: {filename!r}")
    return name


def _spellings(name: str) -> list[str]:
    """The names that a file may have which was stored under the clean name `name`.

    Anki changes names that Windows can't have and shortens long ones. From 26.05 on it also lower-cases
    those of new files.
    """
    names = []
    for cased in (name, name.lower()):
        portable = _without_bad_end(_DEVICE.sub(r"\1_", cased))
        if len(portable.encode()) > _LONGEST:
            stem, extension = _shorten(portable, _LONGEST)
            portable = _without_bad_end(f"{stem}.{extension}" if extension else stem)
        names += [cased, portable]
    return list(dict.fromkeys(names))


def _hashed(name: str, content: bytes) -> str:
    """The name that Anki gives to new `content` when `name` is taken."""
    digest = hashlib.sha1(content).hexdigest()
    stem, extension = _shorten(name, _LONGEST - len(digest) - 1)
    return f"{stem}-{digest}.{extension}"


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


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # unlike Path.is_file, False for names that no file can have


def _find(folder: Path, filename: str) -> Optional[Path]:
    """The file that was stored as `filename`."""
    paths = (folder / name for name in _spellings(clean_name(filename)))
    return next(filter(_is_file, paths), None)


def _add_file(col: Collection, name: str, content: bytes) -> str:
    """Do what `col.media.write_data` does, with one copy of the content on the way instead of three.

    The message to Anki is put together here, in parts as Protocol Buffers allow, since Python's own
    library copies what it is given, and once more what it writes.
    """
    from anki.generic_pb2 import String
    from anki.media_pb2 import AddMediaFileRequest

    fields = AddMediaFileRequest(desired_name=name).SerializeToString()
    announced = _varint(AddMediaFileRequest.DATA_FIELD_NUMBER << 3 | 2) + _varint(len(content))
    stored = String.FromString(col._backend.add_media_file_raw(b"".join((fields, announced, content))))
    return str(stored.val)


def _varint(number: int) -> bytes:
    """A number as Protocol Buffers write it: seven bits a byte, the lowest first."""
    groups = [number >> shift & 0x7F for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


@dataclass(frozen=True)
class StoredFile:
    name: str  # that Anki really used
    content: bytes
    replaced: tuple[str, ...] = ()  # names of the files that had to go for it


class Store:
    """Stores files for one request and can take all of it back."""

    def __init__(self, col: Collection) -> None:
        self._col = col
        self._folder = Path(col.media.dir())
        # What was under each name that we touched, and is in the media trash now; None for nothing.
        self._before: dict[str, Optional[os.stat_result]] = {}

    def put(self, filename: str, content: bytes, *, delete_existing: bool) -> StoredFile:
        """Store `content`.

        With `delete_existing`, a different file of that name goes to the media trash; otherwise Anki
        puts the content's SHA-1 into the new name. An identical file is reused.
        """
        name = check_name(filename)
        spellings = _spellings(name)
        replaced = self._trash_others(spellings, content) if delete_existing else ()
        possible = {*spellings, *(_hashed(spelling, content) for spelling in spellings)}
        absent = {n for n in possible if not _is_file(self._folder / n)}
        try:
            stored = _add_file(self._col, name, content)
        except BaseException:
            # A full disk leaves the beginning of the file.
            self._before.update((name, self._before.get(name)) for name in absent)
            raise
        if stored in absent:
            self._before.setdefault(stored, None)
        return StoredFile(stored, content, replaced)

    def _trash_others(self, names: Iterable[str], content: bytes) -> tuple[str, ...]:
        replaced = []
        for name in names:
            # Looked for one by one: where case makes no difference, two names can be the same file.
            path = self._folder / name
            if not _is_file(path) or _is(path, content):
                continue
            if name in self._before:
                path.unlink()  # of this request: the trash is to hold what was there before
            else:
                self._before[name] = path.stat()
                self._col.media.trash_files([name])
            replaced.append(name)
        return tuple(replaced)

    def take_back(self, *, keep: Iterable[StoredFile] = ()) -> None:
        """Leave the folder as if only the files in `keep` had been stored."""
        kept: dict[str, Optional[bytes]] = {}
        for file in keep:
            kept.update(dict.fromkeys(file.replaced))
            kept[file.name] = file.content
        wanted = {**self._before, **kept}
        # Files of this request are no loss. Gone first, they make room for what comes back.
        for name, what in wanted.items():
            if not _is(self._folder / name, what):
                (self._folder / name).unlink(missing_ok=True)
        for name, what in wanted.items():
            if what is not None and not _is(self._folder / name, what):
                self._put_back(name, what)
        self._before = {name: before for name, before in self._before.items() if name in kept}

    def _put_back(self, name: str, what: Union[bytes, os.stat_result]) -> None:
        if isinstance(what, bytes):
            (self._folder / name).write_bytes(what)
        else:
            self._folder.with_name("media.trash").joinpath(name).replace(self._folder / name)


def _is(path: Path, what: Union[bytes, os.stat_result, None]) -> bool:
    """Whether there is a file with this content, or this very file, wherever it was then."""
    if what is None or not _is_file(path):
        return False
    if isinstance(what, bytes):
        return path.stat().st_size == len(what) and path.read_bytes() == what
    return os.path.samestat(path.stat(), what)


@write("storeMediaFile")
def store_media_file(
    call: Call,
    filename: FileName,
    data: Data = None,
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
        store = Store(col)
        try:
            return store.put(filename, content, delete_existing=delete_existing).name
        except BaseException:
            store.take_back()
            raise

    return call.on_collection(put)


@read("retrieveMediaFile")
def retrieve_media_file(
    call: Call, filename: FileName
) -> Annotated[Union[str, Literal[False]], "content in base64, or false if there is no such file"]:
    """Read a file of the media folder. Only the last part of a path counts."""
    path = _find(_folder(call), filename)
    return base64.b64encode(path.read_bytes()).decode("ascii") if path else False


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
    return Path(call.on_collection(lambda col: col.media.dir()))


@read("getMediaDirPath")
def media_dir_path(col: Collection) -> Annotated[str, "path on the machine that Anki runs on"]:
    """Return the absolute path of the open profile's media folder."""
    return os.path.abspath(col.media.dir())


@write("deleteMediaFile")
def delete_media_file(col: Collection, filename: FileName) -> None:
    """Move a file of the media folder to the media trash, where Anki's Check Media can restore it.

    A name that is not in the folder, or leads out of it, has no effect.
    """
    path = _find(Path(col.media.dir()), filename)
    if path and not re.search(r"[/\\]", filename):
        col.media.trash_files([path.name])
