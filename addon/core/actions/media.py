"""Media files: storing, reading, deleting, and what a note brings along."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Optional, Union

from anki.collection import Collection

from ..addresses import is_public
from ..context import RequestContext
from ..errors import ApiError, BadParams, Conflict, reason, without_frames
from ..file_access import check_may_name
from ..media.downloads import DownloadFailed, check_url, download
from ..media.names import UNFINISHED, changing, entry, find_file, has_folder, hashed_name, media_name
from ..registry import read, write
from ..schema.codecs import ONE_OR_MANY, Name, composed

_PARALLEL_DOWNLOADS = 8
_CHUNK = 2**20

FileName = Annotated[Name, "file name in the media folder"]
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
    fields: Annotated[Optional[list[Name]], "names of the fields that get the markup appended"] = None

    # Filled in on the HTTP thread.
    content: Optional[bytes] = field(default=None, init=False)
    refusal: Optional[ApiError] = field(default=None, init=False)

    def load(self, context: RequestContext) -> None:
        """Read the content, or note why it is missing.

        A download that fails costs the file: the caller is warned. Anything else that is wrong is the
        caller's mistake and kept as the note's refusal.
        """
        try:
            self.content = load(self, context)
        except DownloadFailed as error:
            context.warn(str(without_frames(error)))
        except ApiError as error:
            self.refusal = without_frames(error)


Attachments = Annotated[list[Attachment], ONE_OR_MANY]


def load(source: Attachment, context: RequestContext) -> Optional[bytes]:
    """The content of `source`; None if it is what `skip_hash` leaves out. Raises ApiError."""
    media_name(source.filename)  # before a long download
    content = _content(source, context)
    if source.skip_hash and hashlib.md5(content).hexdigest() == source.skip_hash.lower():
        return None
    return content


def load_all(attachments: Iterable[Attachment], context: RequestContext) -> None:
    """Load several attachments; downloads run side by side."""
    waiting = [a for a in attachments if a.content is None and a.refusal is None]
    if len(waiting) > 1 and any(a.url for a in waiting):
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            list(pool.map(lambda a: a.load(context), waiting))
    else:
        for attachment in waiting:
            attachment.load(context)


def _content(source: Attachment, context: RequestContext) -> bytes:
    elsewhere = source.path or source.url
    if source.data is not None and (source.data or not elsewhere):
        return source.data
    if source.path:
        check_may_name(context, "path", "send the content as data")
        try:
            return _read_file(Path(source.path))
        except (OSError, ValueError) as error:
            raise BadParams(str(error)) from None
    if source.url:
        settings = context.settings
        check_url(source.url)
        return download(
            source.url,
            timeout=settings.webTimeout / 1000,
            limit=settings.webDownloadLimit * 10**6,
            reachable=is_public if context.reaches_public_only else None,
        )
    raise BadParams('You must provide a "data", "path", or "url" field.')


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file() and not path.is_dir():
        # A device may never end, and a pipe never begin.
        raise BadParams(f"path should name an ordinary file: {str(path)!r}")
    return path.read_bytes()


@dataclass(frozen=True)
class StoredFile:
    name: str  # that was really used
    content: bytes
    warnings: tuple[str, ...] = ()  # for the caller


class MediaTransaction:
    """Stores files for one request and can take all of it back.

    A file is written under another name and renamed once it is whole. So nobody ever finds a part of it,
    whatever ends the process, and nothing is written through a link.
    """

    def __init__(self, col: Collection) -> None:
        self._col = col
        self._folder = Path(col.media.dir())
        self._trash = self._folder.with_name("media.trash")  # Anki's
        # The names that we wrote, and whether something was there before, which is in the trash now.
        self._written: dict[str, bool] = {}

    def add(self, filename: str, content: bytes, *, delete_existing: bool) -> StoredFile:
        """Store `content`. Raises ApiError.

        With `delete_existing`, a different file of that name is replaced, and goes to the media trash.
        Otherwise, and if `filename` has a folder and so may mean another file, the content's SHA-1 gets
        into the name. An identical file is reused. A file of that name in other case counts as well.
        """
        wanted = media_name(filename)
        present = entry(self._folder, wanted)
        name = present or wanted
        is_there = self._is_there(name, content)
        if present and not is_there and (has_folder(filename) or not delete_existing):
            name, is_there = self._free_name(wanted, content)
        if not is_there:
            self._write(name, content)
        stored = _register(self._col, self._folder / name, content)
        if present in (None, wanted):
            return StoredFile(stored, content)
        warning = f"{wanted!r} is stored as {stored!r}: the media folder had a file {present!r} already"
        return StoredFile(stored, content, (warning,))

    def _free_name(self, wanted: str, content: bytes) -> tuple[str, bool]:
        """A longer name, of no other content, and whether this content is there already."""
        for taken in itertools.count():
            name = hashed_name(wanted, content, taken)
            present = entry(self._folder, name)
            if present is None:
                return name, False
            if self._is_there(present, content):
                return present, True
        raise AssertionError

    def _is_there(self, name: str, content: bytes) -> bool:
        """Whether `name` has that content. Raises Conflict for what can't be replaced, such as a folder."""
        path = self._folder / name
        if os.path.lexists(path) and not (os.path.islink(path) or os.path.isfile(path)):
            raise Conflict(f"filename: {name!r} in the media folder is no file, but a folder or a device")
        return _holds(path, content)

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        try:
            self._folder.mkdir(exist_ok=True)
            with changing(self._folder, name), _unfinished(self._folder) as unfinished:
                with open(unfinished, "xb") as file:
                    file.write(content)
                # What this request wrote itself is no loss.
                replaces = name not in self._written and os.path.lexists(path)
                if replaces:
                    self._trash.mkdir(exist_ok=True)
                    _duplicate(path, self._trash / name)
                os.replace(unfinished, path)
                self._written.setdefault(name, replaces)
        except OSError as error:
            raise ApiError(f"Failed to write '{path}': {reason(error)}") from None

    def rollback(self, *, keep: Iterable[StoredFile] = ()) -> None:
        """Leave the folder as if only the files in `keep` had been stored."""
        kept = {file.name: file.content for file in keep}
        lost = [name for name, content in kept.items() if not _holds(self._folder / name, content)]
        # Files of this request are no loss. Gone first, they make room for what comes back.
        for name, replaced in self._written.items():
            if name in lost or (name not in kept and not replaced):
                (self._folder / name).unlink(missing_ok=True)
        for name, replaced in self._written.items():
            if name not in kept and replaced:
                _duplicate(self._trash / name, self._folder / name)
                (self._trash / name).unlink()
        self._written = {name: replaced for name, replaced in self._written.items() if name in kept}
        for name in lost:
            self._write(name, kept[name])


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Where a file is written before it gets its name. One that a killed process has left is removed."""
    path = folder / UNFINISHED
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _duplicate(source: Path, target: Path) -> None:
    """Put the file or link `source` under `target` as well, in place of what was there."""
    with _unfinished(target.parent) as copy:
        if source.is_symlink():
            os.symlink(os.readlink(source), copy)
        else:
            try:
                os.link(source, copy)
            except OSError:  # no second names there, or another disk
                shutil.copy2(source, copy)
        os.replace(copy, target)


def _register(col: Collection, path: Path, content: bytes) -> str:
    """Have Anki's media database know a file of the media folder, and return its name."""
    if hasattr(col._backend, "add_media_from_path"):  # from Anki 26.08 on: without copies of the content
        return col._backend.add_media_from_path(str(path))
    return col.media.write_data(path.name, content)


def _holds(path: Path, content: bytes) -> bool:
    """Whether there is a file with this content."""
    if not os.path.isfile(path) or os.path.getsize(path) != len(content):
        return False
    with open(path, "rb") as file:
        return all(
            file.read(_CHUNK) == content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK)
        )


@write("storeMediaFile")
def store_media_file(
    context: RequestContext,
    filename: FileName,
    data: Data = None,
    path: LocalPath = None,
    url: Url = None,
    skip_hash: SkipHash = None,
    delete_existing: Annotated[
        bool, "replace a different file of that name, which goes to the media trash"
    ] = True,
) -> Annotated[Optional[str], "the name really used; null if the content matched skipHash"]:
    """Store a file in the media folder.

    Use the name that is returned: characters that some systems don't allow are dropped, and long names
    are shortened. Capitals stay, unless the folder has a file of that name in other case: then that file
    is used, and the header X-AnkiConnect-Warning tells. A name that is taken by different content gets
    longer if `deleteExisting` is false, and always if a folder was sent with it, such as in `a/b.png`.
    Names that begin with an underscore are never counted as unused.
    """
    content = load(Attachment(filename, data, path, url, skip_hash), context)
    if content is None:
        return None

    def put(col: Collection) -> StoredFile:
        transaction = MediaTransaction(col)
        try:
            return transaction.add(filename, content, delete_existing=delete_existing)
        except BaseException:
            transaction.rollback()
            raise

    file = context.run_on_collection(put)
    context.warnings.extend(file.warnings)
    return file.name


@read("retrieveMediaFile")
def retrieve_media_file(
    context: RequestContext, filename: FileName
) -> Annotated[Union[str, Literal[False]], "content in base64, or false if there is no such file"]:
    """Read a file of the media folder. Only the last part of a path counts."""
    path = find_file(_folder(context), filename)
    return base64.b64encode(path.read_bytes()).decode("ascii") if path else False


@read("getMediaFilesNames")
def media_files_names(
    context: RequestContext,
    pattern: Annotated[
        Name, "shell-style wildcard, in whatever case; names with a leading dot need one in it"
    ] = "*",
) -> list[FileName]:
    """List the names in the media folder that match a pattern, in the folder's order."""
    names = [name for name in os.listdir(_folder(context)) if name != UNFINISHED]
    if not pattern.startswith("."):
        names = [name for name in names if not name.startswith(".")]
    matches = re.compile(fnmatch.translate(pattern.lower())).match
    return [name for name in names if matches(composed(name).lower())]


def _folder(context: RequestContext) -> Path:
    """The media folder. Files are read on the HTTP thread: the collection has no part in that."""
    return Path(context.run_on_collection(lambda col: col.media.dir()))


@read("getMediaDirPath")
def media_dir_path(col: Collection) -> Annotated[str, "path on the machine that Anki runs on"]:
    """Return the absolute path of the open profile's media folder."""
    return os.path.abspath(col.media.dir())


@write("deleteMediaFile")
def delete_media_file(col: Collection, filename: FileName) -> None:
    """Move a file of the media folder to the media trash, where Anki's Check Media can restore it.

    A name that is not in the folder, or leads out of it, has no effect.
    """
    path = find_file(Path(col.media.dir()), filename)
    if path and not has_folder(filename):
        with changing(path.parent, path.name):
            col.media.trash_files([path.name])
