"""Errors a caller can see, and Anki's own errors put into their words.

ApiError                     400
├── BadParams                400  a parameter is missing, unknown or of the wrong type
├── KeyRefused               401
├── NotLoggedIn              401  syncing without an account
├── LoginRefused             401  by the sync server
├── Forbidden                403
├── NotFound                 404
│   ├── UnsupportedAction
│   ├── DeckNotFound, NoteTypeNotFound, NoteNotFound, CardNotFound
├── Conflict                 409  a duplicate, or something is in the way
│   ├── SyncRunning, FullSyncNeeded
│   └── Damaged                   something belongs to what is gone
├── InternalError            500  our bug
│   ├── AnkiLacks                 a piece of Anki that the action needs is gone
│   └── BackendPanic              Anki's backend has failed
├── BackupFailed             500
├── NeedsWindow              501  a gui action without Anki's window
├── SyncFailed               502  for a reason of the sync server's
│   └── ServerUnreachable
└── Unavailable              503  no collection is open

`POST /` reports all of them with status 200 and the text; the URL of an action uses the status too.
"""

from __future__ import annotations

import html
import logging
import re
from typing import TypeVar

from anki import errors as anki_errors

from .private_api import missing_in

log = logging.getLogger("ankiconnect")

E = TypeVar("E", bound=BaseException)

_BREAK = re.compile(r"<br ?/?>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")


class ApiError(Exception):
    """A failure whose text is meant for the caller."""

    status = 400


class BadParams(ApiError):
    pass


class KeyRefused(ApiError):
    status = 401

    def __init__(self) -> None:
        super().__init__("valid api key must be provided")


class Forbidden(ApiError):
    status = 403


class NotFound(ApiError):
    status = 404


class UnsupportedAction(NotFound):
    def __init__(self) -> None:
        super().__init__("unsupported action")


class DeckNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"deck was not found: {name}")


class NoteTypeNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"model was not found: {name}")


class NoteNotFound(NotFound):
    def __init__(self, note_id: int) -> None:
        super().__init__(f"Note was not found: {note_id}")


class CardNotFound(NotFound):
    def __init__(self, card_id: int) -> None:
        super().__init__(f"Card was not found: {card_id}")


class Conflict(ApiError):
    status = 409


class Damaged(Conflict):
    """Something belongs to what is gone, as after a crash of the machine."""

    def __init__(self, what: str, gone: str) -> None:
        super().__init__(f"{what}: its {gone} is gone. checkDatabase repairs the collection")


class NotLoggedIn(ApiError):
    status = 401

    def __init__(self) -> None:
        super().__init__("sync: auth not configured")


class LoginRefused(ApiError):
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "sync: the server refused the login: the user name or password is wrong, or the login "
            "has expired"
        )


class SyncRunning(Conflict):
    def __init__(self) -> None:
        super().__init__("A synchronization is already in progress")


_FULL_SYNC = {
    2: "both sides have changes that can't be merged, so that one must replace the other. Use fullSync "
    'with the mode "download" to keep what the server has, or "upload" to keep what is here',
    3: 'there are no cards here. Use fullSync with the mode "download" to get what the server has',
    4: 'the server has no cards. Use fullSync with the mode "upload" to send what is here',
}


class FullSyncNeeded(Conflict):
    def __init__(self, status: int) -> None:
        super().__init__(f"Sync status {status} not one of [0, 1]: {_FULL_SYNC[status]}")


class SyncFailed(ApiError):
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(f"sync: {reason}")


UNREACHABLE = "the server can't be reached"


class ServerUnreachable(SyncFailed):
    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{UNREACHABLE}: {address}: {reason}")


class InternalError(ApiError):
    status = 500


class AnkiLacks(InternalError):
    def __init__(self, piece: str) -> None:
        super().__init__(f"this Anki lacks {piece}")


class BackendPanic(InternalError):
    """Anki's backend has given up in the middle of its work. As a rule it answers nothing from then on."""

    def __init__(self, panic: BaseException) -> None:
        super().__init__(f"internal error: Anki's backend has failed: {panic}")


class BackupFailed(ApiError):
    status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(f"no backup could be made, so nothing was changed: {reason}")


class NeedsWindow(ApiError):
    status = 501

    def __init__(self) -> None:
        super().__init__("this action needs Anki's window, and this server runs without one")


class Unavailable(ApiError):
    status = 503

    def __init__(self) -> None:
        super().__init__("collection is not available")


def reason(error: OSError) -> str:
    """Why a file could not be read or written, as Anki's backend words it."""
    return f"{error.strerror} (os error {error.errno})" if error.strerror else str(error)


def without_isolates(text: str) -> str:
    """Anki's text without the invisible characters that it puts around inserted values."""
    return text.replace("\u2068", "").replace("\u2069", "")


def plain(text: str) -> str:
    """Anki's text without invisible isolation characters, HTML tags and entities."""
    text = without_isolates(text)
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", _BREAK.sub(" ", text)))
    return text.strip()


def without_frames(error: E) -> E:
    """`error`, fit to be kept: neither it nor its causes hold the frames that they came through any more.

    A frame that leads to the error makes a circle with it, and the circle keeps all that the frame knows:
    the message, its arguments, whole files. Anki runs with Python's garbage collector off, so nothing
    would free it.
    """
    chain: list[BaseException] = [error]
    for link in chain:
        # Some libraries also keep an error among the arguments or attributes of the next one.
        kept = (link.__cause__, link.__context__, *link.args, *getattr(link, "__dict__", {}).values())
        chain.extend(
            e for e in kept if isinstance(e, BaseException) and all(e is not known for known in chain)
        )
        link.__traceback__ = link.__cause__ = link.__context__ = None
    return error


def is_panic(error: BaseException) -> bool:
    """Whether Anki's backend has given up. PyO3 offers no way to import the class of that."""
    return type(error).__name__ == "PanicException"


def as_api_error(error: BaseException) -> ApiError:
    """`error` in the form a caller may see, and without frames.

    Anki's own refusals keep their text. Anything else is logged with its trace. If it tells of a missing
    piece of Anki, the caller learns which; otherwise it is a bug of ours or a panic inside Anki, and the
    caller learns its kind and message only.
    """
    known = _translated(error)
    without_frames(error)
    return known


def _translated(error: BaseException) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, anki_errors.InvalidInput) and "CollectionNotOpen" in str(error):
        return Unavailable()
    if isinstance(error, anki_errors.NotFoundError):
        return NotFound(plain(str(error)))
    if isinstance(error, anki_errors.AnkiException):
        return ApiError(plain(str(error)) or type(error).__name__)
    if isinstance(error, RecursionError):
        return BadParams("the request is nested too deeply")
    log.error("unexpected error", exc_info=error)
    if is_panic(error):
        return BackendPanic(error)
    missing = missing_in(error)
    if missing:
        return AnkiLacks(missing)
    return InternalError(f"internal error: {type(error).__name__}: {error}")
