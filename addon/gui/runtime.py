"""The runtime inside Anki: which thread runs what.

    HTTP threads       call the methods of the runtime, and wait there for results
    collection thread  Anki's own executor with one worker, which its own operations use too
    main thread        everything that touches Qt: work of gui actions, refreshes, tooltips, hooks

Work for the main thread crosses over in a queued signal. Work for the collection goes to Anki's executor
directly: measured on Anki 26.09 that takes 0.02 ms, against 0.1 ms and up through the main thread and
`taskman.run_in_background`, and it does not wait while the window is busy. Where a future Anki lacks the
private executor, the public way is taken.

A collection call on the main thread would block the window while another program's request holds the
collection, so only gui actions make any there, and what windows must not disturb (`run_exclusively`).
"""

from __future__ import annotations

import contextlib
import html
import logging
import threading
import time
from collections.abc import Collection as Ids
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, InvalidStateError
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar, cast

from anki import buildinfo
from anki.collection import Collection, OpChanges
from aqt import gui_hooks
from aqt.main import AnkiQt
from aqt.qt import QObject, Qt, pyqtSignal

from ..core.backups import Backups
from ..core.errors import Unavailable
from ..core.plain_text import printable
from ..core.private_api import private
from ..core.sync.engine import Syncer
from . import sync_account
from .editor_copy import EditorCopy
from .editor_sync import Editors
from .opening import Opening
from .permissions import Permissions
from .refresh import Refresh
from .review_screen import Concern, ReviewScreen, Shown

private(
    "aqt.taskman",
    "TaskManager._collection_executor",
    otherwise="requests wait while Anki's window is busy",
)

log = logging.getLogger("ankiconnect")

T = TypeVar("T")

_WAIT_SECONDS = 2.0  # for a collection that is closed for the moment


class _Closed(Exception):
    """The collection closed, or another is being opened, since the check."""


class QtRuntime(QObject):
    """Made on the main thread, once."""

    anki_version = buildinfo.version

    _posted = pyqtSignal(object)

    def __init__(self, mw: AnkiQt) -> None:
        super().__init__()
        self._mw = mw
        self._stopped = False
        self._away = False  # closed for a full sync or an export, and about to come back
        self._untold: list[str] = []  # until there is a window to show it in
        self._opened = threading.Condition()
        self._waiting: set[Future[Any]] = set()
        self._editors = Editors()
        self._editing = threading.Lock()
        self._copies: list[EditorCopy] = []  # on the collection's thread: those of the work that runs
        self._review = ReviewScreen(mw)
        self._shown: Optional[Shown] = (
            None  # on the collection's thread: the card under review, before the work that runs
        )
        self._refresh = Refresh(mw, self._editors, self._review)
        self.permissions = Permissions()
        self.backups = Backups(lambda: Path(mw.pm.backupFolder()))
        self.syncer = Syncer(self, sync_account.ProfileAccount(mw, self))
        self._posted.connect(self._run_posted, type=Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        gui_hooks.profile_will_close.append(lambda: self.syncer.stop(0))
        gui_hooks.profile_did_open.append(self._tell_untold)
        self._opening = Opening(mw, self._on_opened)
        gui_hooks.collection_will_temporarily_close.append(self._on_away)
        gui_hooks.collection_did_temporarily_close.append(lambda _col: self._on_opened())

    # For HTTP threads

    def profile(self) -> Optional[str]:
        return self._mw.pm.name if self.is_ready() else None

    def profiles(self) -> list[str]:
        # Anki's list of profiles is a database that belongs to the main thread.
        names: list[str] = self._wait(self._post(self._mw.pm.profiles))
        return names

    def collection(self) -> Optional[Collection]:
        return self._mw.col if self.is_ready() else None

    def is_closing(self) -> bool:
        # Anki tells that it closes a profile before it asks the person about half-written notes. From when
        # that is settled until another profile is open, the window is disabled.
        return self._stopped or not self._mw.isEnabled()

    def is_ready(self) -> bool:
        return not self._away and self._opening.is_over()

    def run_on_collection(self, work: Callable[[Collection], T]) -> T:
        def job() -> T:
            if not self.is_ready():
                raise _Closed()
            try:
                return work(self._mw.col)
            finally:
                self._copies, self._shown = [], None  # they would keep closed windows alive

        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            with self._opened:
                self._opened.wait_for(
                    lambda: self._stopped or self.is_ready(), max(0, deadline - time.monotonic())
                )
            if self._stopped or not self.is_ready():
                raise Unavailable()
            try:
                return self._submit(job)
            except _Closed:
                continue

    def run_on_main(self, work: Callable[[], Any]) -> Any:
        """A Future that `work` returns is waited for here, not on the main thread."""

        def job() -> Any:
            if self._opening.is_under_way():
                raise _Closed()
            return work()

        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            with self._opened:
                self._opened.wait_for(
                    lambda: self._stopped or not self._opening.is_under_way(),
                    max(0, deadline - time.monotonic()),
                )
            if self._opening.is_under_way():
                raise Unavailable()
            try:
                return self.on_main_thread(job)
            except _Closed:
                continue

    def on_main_thread(self, work: Callable[[], Any]) -> Any:
        """As `run_on_main`, but also while Anki is opening a profile."""

        def refreshed_work() -> tuple[Optional[Future[None]], Any]:
            refreshed = self._refresh.flush()
            return (None, work()) if refreshed.done() else (refreshed, None)

        refreshed, result = self._wait(self._post(refreshed_work))
        if refreshed is not None:
            self._wait(refreshed)
            result = self._wait(self._post(work))
        return self._wait(result) if isinstance(result, Future) else result

    def post_to_main(self, work: Callable[[], Any]) -> None:
        """Run `work` on the main thread, without waiting for it. What it raises is logged."""
        self._posted.emit((work, None))

    def run_exclusively(self, work: Callable[[], T]) -> T:
        # Anki's windows call the collection from the main thread, so nothing but work there keeps them off.
        return cast(T, self._wait(self._post(work)))

    @contextlib.contextmanager
    def sync_editors(self, notes: Optional[Ids[int]]) -> Iterator[None]:
        if not self._editors.showing(notes):
            yield
            return
        with self._editing:
            # Begun when that thread is free, so that little can be typed between this and the write.
            self.run_on_collection(lambda _col: None)
            self.save_editors(notes)
            yield
            # A web view sends back what it was given as if it had been typed. That must be over before
            # the next write, or it would put an old text over a new one.
            try:
                self.save_editors(notes)
            except Exception:  # the write has landed
                log.exception("editors could not be saved after a change")

    def save_editors(self, notes: Optional[Ids[int]], *, tags_too: bool = False) -> None:
        """Have the editors of these notes, or of any for None, save what was typed."""
        if self._editors.showing(notes):
            self._wait(self._wait(self._post(lambda: self._editors.save(notes, tags_too=tags_too))))

    def full_sync(self, work: Callable[[Collection], T]) -> T:
        return cast(T, self.on_main_thread(lambda: sync_account.full_sync(self._mw, work)))

    def will_change(self, *, undoing: bool = False) -> None:
        # An undo would take back what is saved here, and what waits to be saved comes after it.
        col = self._mw.col
        self._shown = self._review.before_write(col)
        saved = OpChanges() if undoing else self._editors.save_unsaved(col)
        if saved.note:
            concern = self._review.after_write(col, self._shown)
            self.post_to_main(lambda: self._refresh.add(saved, concern))
            self._shown = self._review.before_write(col)
        self._copies = self._editors.copies(col)

    def notify_changes(self, changes: OpChanges, *, undone: bool = False) -> None:
        col = self._mw.col
        stale = [copy for copy in self._copies if _attempted(partial(copy.take_over, col))]
        # What is undone can be an answer, whose card is the next one again.
        concern = None if undone else self._review.after_write(col, self._shown)
        self.post_to_main(lambda: self._show(stale, changes, concern))

    def panicked(self) -> None:
        log.error("Anki's backend has failed; until Anki is restarted, it may answer nothing any more")

    def _show(self, stale: list[EditorCopy], changes: OpChanges, concern: Optional[Concern]) -> None:
        for copy in stale if self._mw.col else ():
            _attempted(copy.show)
        self._refresh.add(changes, concern)
        if any(copy.gone for copy in stale):
            self._refresh.flush()

    def ask_permission(self, origin: str) -> bool:
        try:
            answer: bool = self._wait(self._wait(self._post(lambda: self.permissions.ask(origin))))
        except Unavailable:
            return False
        return answer

    def notify_user(self, text: str) -> None:
        """Log `text` and show it as a tooltip, once there is a window to show it in."""
        log.warning(text)
        self.post_to_main(partial(self._tell, text))

    # For the main thread

    def _tell(self, text: str) -> None:
        from aqt.utils import tooltip

        if self._mw.col is None:
            self._untold.append(text)
        else:
            tooltip(html.escape(printable(" ".join(text.split()))), period=6000)

    def _tell_untold(self) -> None:
        untold, self._untold = self._untold, []
        for text in untold:
            self._tell(text)

    def refresh_all(self) -> Future[None]:
        """Have all windows show what the collection holds now. Done when they have been told."""
        changes = OpChanges()
        for field in changes.DESCRIPTOR.fields:
            if field.name != "kind":
                setattr(changes, field.name, True)
        self._refresh.add(changes, None)
        return self._refresh.flush()

    def stop(self) -> None:
        """Refuse all further work, and what still waits: Anki is quitting."""
        with self._opened:
            self._stopped = True
            self._opened.notify_all()
        for waiter in list(self._waiting):
            with contextlib.suppress(InvalidStateError):
                waiter.set_exception(Unavailable())

    def _on_opened(self) -> None:
        with self._opened:
            self._away = False
            self._opened.notify_all()

    def _on_away(self, _col: Collection) -> None:
        self._away = True

    # Crossing over

    def _submit(self, job: Callable[[], T]) -> T:
        taskman = self._mw.taskman
        executor = getattr(taskman, "_collection_executor", None)
        if executor is None:
            started = self._wait(self._post(lambda: taskman.run_in_background(job)))
            return cast(T, self._wait(started))
        try:
            future = executor.submit(job)
        except RuntimeError:  # shut down: Anki is exiting
            raise Unavailable() from None
        try:
            return cast(T, self._wait(future))
        finally:
            del future  # as in _run_posted

    def _post(self, work: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._posted.emit((work, future))
        return future

    def _run_posted(self, posted: tuple[Callable[[], Any], Optional[Future[Any]]]) -> None:
        work, future = posted
        try:
            result = work()
            if future:
                future.set_result(result)
        except BaseException as error:
            if future:
                future.set_exception(error)
            else:
                log.exception("work on the main thread failed")
        finally:
            del posted, future  # it holds the error, whose trace holds this frame: see without_frames

    def _wait(self, future: Future[Any]) -> Any:
        """The future's result, or Unavailable as soon as Anki quits."""
        waiter: Future[Any] = Future()
        self._waiting.add(waiter)
        try:
            if self._stopped:
                raise Unavailable()
            future.add_done_callback(partial(_hand_over, waiter))
            return waiter.result()
        finally:
            self._waiting.discard(waiter)
            del waiter, future  # as in _run_posted


def _hand_over(waiter: Future[Any], done: Future[Any]) -> None:
    """Give the outcome of `done` to a waiter, unless it has gone away."""
    with contextlib.suppress(InvalidStateError):
        error = CancelledError() if done.cancelled() else done.exception()
        if error:
            waiter.set_exception(error)
        else:
            waiter.set_result(done.result())


def _attempted(work: Callable[[], Optional[bool]]) -> bool:
    """What `work`, which brings an editor up to date, tells; False when it fails.

    The change has landed by then, so that its request is not to fail.
    """
    try:
        return bool(work())
    except Exception:
        log.exception("an editor could not be brought up to date")
        return False
