"""Files that requests name: who may name which.

A program on this machine can read and write files by itself, so it may name any. A web page and another
machine may not: to them the API would lend a person's rights.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from anki.collection import Collection

from .context import RequestContext
from .errors import BadParams, Conflict, Forbidden
from .schema.codecs import short_repr

_PACKAGE = ".apkg"
# As `ColpkgImporter` in aqt knows them, in whatever case.
_WHOLE_COLLECTION = ("*.colpkg", "collection.apkg", "backup-*.apkg")


def check_may_name(context: RequestContext, parameter: str, instead: str) -> None:
    """Raise Forbidden unless the caller may name any file in `parameter`."""
    if not context.is_local_program:
        raise Forbidden(
            f"{parameter}: only programs on the machine that Anki runs on may name a file; {instead}"
        )


def resolved(col: Collection, context: RequestContext, path: str) -> str:
    """`path` as an absolute one; a relative one begins in the media folder.

    Raises BadParams, and Forbidden for a file that the caller may not name.
    """
    if "\0" in path:
        raise BadParams(f"path: {short_repr(path)} holds a NUL character, which no path can")
    media = col.media.dir()
    named = os.path.abspath(os.path.join(media, os.path.expanduser(path)))
    if context.is_local_program:
        return named
    folders = [os.path.dirname(col.path), media]
    folders += [os.path.expanduser(folder) for folder in context.settings.webFileFolders]
    folders = [os.path.abspath(folder) for folder in folders]
    real_folders = [os.path.realpath(folder) for folder in folders]
    # Looked at as text first: on Windows, resolving \\host\share would already talk to that host.
    if any(_is_inside(named, folder) for folder in folders + real_folders):
        real = os.path.realpath(named)
        if any(_is_inside(real, folder) for folder in real_folders):
            return real
    raise Forbidden(
        "path: web pages and other machines may name files in the profile's folder only, "
        f"and in those of the setting webFileFolders: {path}"
    )


def package_to_read(col: Collection, context: RequestContext, path: str) -> str:
    """The absolute path of a file that exists. Raises BadParams and Forbidden."""
    source = resolved(col, context, path)
    if not os.path.isfile(source):
        # Checked here, since an import that fails inside Anki clears the undo history.
        raise BadParams(f"Failed to open '{source}': there is no such file")
    return source


def package_to_write(col: Collection, context: RequestContext, path: str) -> str:
    """The absolute path of a file that may be written. Raises BadParams and Forbidden.

    Raises Conflict when that would replace something else than a package.
    """
    target = resolved(col, context, path)
    is_package = target.lower().endswith(_PACKAGE)
    if not is_package and not context.is_local_program:
        raise Forbidden(f"path: the name of a package ends with {_PACKAGE}: {path}")
    if _is_taken_for_a_collection(target):
        raise BadParams(
            f"path: Anki's import takes {', '.join(_WHOLE_COLLECTION)} for a whole collection, "
            f"which replaces everything: {path}"
        )
    if os.path.exists(target) and not (is_package and os.path.isfile(target)) and not _is_empty(target):
        raise Conflict(f"path: something that is no package ({_PACKAGE}) is there already: {target}")
    return target


def _is_taken_for_a_collection(path: str) -> bool:
    name = os.path.basename(path).lower()
    # Windows drops dots and spaces at the end, and takes what follows a colon for a part of the file.
    names = {part.rstrip(". ") for part in (name, name.partition(":")[0])}
    return any(fnmatchcase(n, pattern) for n in names for pattern in _WHOLE_COLLECTION)


def _is_inside(path: str, folder: str) -> bool:
    return Path(os.path.normcase(folder)) in Path(os.path.normcase(path)).parents


def _is_empty(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) == 0
