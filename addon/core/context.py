"""The surroundings of a request: who asks, and what runs the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Ids
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Callable, Optional, Protocol, TypeVar

from .errors import Unavailable
from .settings import Settings

if TYPE_CHECKING:
    from anki.collection import Collection, OpChanges

    from .backups import Backups
    from .sync.engine import Syncer

T = TypeVar("T")


class Runtime(Protocol):
    """Where the API runs: inside Anki, or on a collection file without it.

    The methods that take work wait for it and raise what it raises. But for `run_exclusively` they are
    called from a thread of the HTTP server, never from within work.
    """

    anki_version: str
    backups: Backups
    syncer: Syncer

    def profile(self) -> Optional[str]:
        """The name of the open profile, None while there is none."""

    def profiles(self) -> list[str]:
        """The names of all profiles."""

    def collection(self) -> Optional[Collection]:
        """The collection that is open; None while there is none. Only to tell one from another."""

    def is_ready(self) -> bool:
        """Whether a collection is open and, inside Anki, its profile all set up."""

    def is_closing(self) -> bool:
        """Whether the collection is about to be closed. Work of many steps then ends between two."""

    def run_on_collection(self, work: Callable[[Collection], T]) -> T:
        """Run `work` on the collection's thread. Raises Unavailable when none opens soon."""

    def run_on_main(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread of Anki's window, but not while Anki is opening a profile.

        Raises NeedsWindow where there is no window, and Unavailable when Anki is not done soon.
        """

    def run_exclusively(self, work: Callable[[], T]) -> T:
        """Run `work`, itself part of work on the collection, while no window can call in between."""

    def sync_editors(self, notes: Optional[Ids[int]]) -> AbstractContextManager[None]:
        """Around a visit to the collection that changes these notes, or for None any: windows where a
        person edits them save what was typed before, and show the change after.
        """

    def full_sync(self, work: Callable[[Collection], T]) -> T:
        """Run `work`, which closes the collection for a full sync, while everybody else is kept off it.

        Others wait from before `work` begins until the collection is open again, which it is in the end,
        come what may.
        """

    def will_change(self, *, undoing: bool = False) -> None:
        """Remember what windows show, before the first change of a visit.

        What was typed there is saved, unless the change is an undo. Called on the collection's thread.
        """

    def notify_changes(self, changes: OpChanges, *, undone: bool = False) -> None:
        """Have open windows show `changes`, soon and together with others.

        Called on the collection's thread. `undone` if they come from undoing an operation: a card that was
        answered is the next one again.

        Never raises: the changes are made, and a program that got an error would make them twice.
        """

    def panicked(self) -> None:
        """Anki's backend has failed, and may answer nothing any more."""

    def ask_permission(self, origin: str) -> bool:
        """Ask the person whether pages of `origin` may use the API. False where nobody can be asked."""

    def notify_user(self, text: str) -> None:
        """Tell the person at the screen, if there is one, in passing."""


class CollectionBinding:
    """The collection that a request belongs to: the one that was open when it came, else the next one.

    While a request waits, for a download or a person, another profile can be opened. What was meant for
    the one must not get into the other.
    """

    def __init__(self, col: Optional[Collection] = None) -> None:
        self._col = col

    def check(self, col: Collection) -> Collection:
        """`col`. Raises Unavailable when the request belongs to another one."""
        if self._col is None:
            self._col = col
        if self._col is not col:
            raise Unavailable()
        return col

    def follow(self, col: Optional[Collection]) -> None:
        """Belong to another collection from now on: the request itself has opened it."""
        self._col = col


@dataclass
class RequestContext:
    """One request: its version, who sent it and the warnings that go with its reply."""

    runtime: Runtime
    settings: Settings
    version: int = 6
    origin: str = ""
    allowed: bool = True
    is_local: bool = False  # from this machine
    is_local_program: bool = False  # neither a web page nor from another machine
    warnings: list[str] = field(default_factory=list)
    depth: int = 0  # of the multi that it is part of
    parse_lock: Callable[[], AbstractContextManager[None]] = (
        nullcontext  # while JSON is made into arguments
    )
    performed: Counter[str] = field(default_factory=Counter)  # actions, for the request log
    failed: Counter[str] = field(default_factory=Counter)  # actions with the kind of their error
    binding: CollectionBinding = field(default_factory=CollectionBinding)

    @property
    def reaches_public_only(self) -> bool:
        """Whether downloads for it have to come from the public internet.

        They do for pages that anyone may have written; extensions and apps were installed, and use servers
        on this machine. Those of another machine can't be told from any other program there.
        """
        is_installed = self.origin not in ("", "null") and not self.origin.lower().startswith(
            ("http:", "https:")
        )
        return not (self.is_local_program or (self.is_local and is_installed))

    def warn(self, text: str) -> None:
        """Report what went wrong without failing the request."""
        self.warnings.append(text)
        self.runtime.notify_user(text)

    def run_on_collection(self, work: Callable[[Collection], T]) -> T:
        """Run `work` on the thread of the collection that the request belongs to. Raises Unavailable."""
        return self.runtime.run_on_collection(lambda col: work(self.binding.check(col)))

    def run_on_main(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread of Anki's window, unless another collection is open by now.

        Raises Unavailable for that, and NeedsWindow where there is no window.
        """

        def checked() -> T:
            col = self.runtime.collection()
            if col is not None:
                self.binding.check(col)
            return work()

        return self.runtime.run_on_main(checked)

    def with_version(self, version: int) -> RequestContext:
        """The same call for a request of `version`; warnings and counts are shared."""
        return replace(self, version=version)
