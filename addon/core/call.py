"""The surroundings of a request: who asks, and what runs the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Ids
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Callable, Optional, Protocol, TypeVar

from ..config import Settings

if TYPE_CHECKING:
    from anki.collection import Collection, OpChanges

    from .backups import Backups
    from .syncing import Syncer

T = TypeVar("T")


class Host(Protocol):
    """Where the API runs: inside Anki, or on a collection file without it.

    The methods that take work wait for it and raise what it raises. But for `undisturbed` they are
    called from a thread of the HTTP server, never from within work.
    """

    anki_version: str
    backups: Backups
    syncer: Syncer

    def profile(self) -> Optional[str]:
        """The name of the open profile, None while there is none."""

    def profiles(self) -> list[str]:
        """The names of all profiles."""

    def is_ready(self) -> bool:
        """Whether a collection is open and, inside Anki, its profile all set up."""

    def on_collection(self, work: Callable[[Collection], T]) -> T:
        """Run `work` on the collection's one lane. Raises Unavailable when none opens soon."""

    def on_window(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread of Anki's window, but not while Anki is opening a profile.

        Raises NeedsWindow where there is no window, and Unavailable when Anki is not done soon.
        """

    def undisturbed(self, work: Callable[[], T]) -> T:
        """Run `work`, itself part of work on the collection, while no window can call in between."""

    def editing(self, notes: Optional[Ids[int]]) -> AbstractContextManager[None]:
        """Around a visit to the collection that changes these notes, or for None any: windows where a
        person edits them save what was typed before, and show the change after.
        """

    def full_sync(self, work: Callable[[Collection], T]) -> T:
        """Run `work`, which closes the collection for a full sync, while everybody else is kept off it.

        Others wait from before `work` begins until the collection is open again, which it is in the end,
        come what may.
        """

    def will_change(self) -> None:
        """Remember what windows show, before the first change of a visit. Called on the lane."""

    def changed(self, changes: OpChanges) -> None:
        """Have open windows show `changes`, soon and together with others. Called on the lane."""

    def ask_permission(self, origin: str) -> bool:
        """Ask the person whether pages of `origin` may use the API. False where nobody can be asked."""

    def tell(self, text: str) -> None:
        """Tell the person at the screen, if there is one, in passing."""


@dataclass
class Call:
    """One request: its version, who sent it and the warnings that go with its reply."""

    host: Host
    settings: Settings
    version: int = 6
    origin: str = ""
    allowed: bool = True
    is_local_program: bool = False  # neither a web page nor from another machine
    warnings: list[str] = field(default_factory=list)
    depth: int = 0  # of the multi that it is part of
    reading: Callable[[], AbstractContextManager[None]] = nullcontext  # while JSON is made into arguments
    performed: Counter[str] = field(default_factory=Counter)  # actions, for the request log
    failed: Counter[str] = field(default_factory=Counter)  # actions with the kind of their error

    @property
    def is_web_page(self) -> bool:
        """Whether a page asks that anyone may have written; extensions and apps were installed."""
        return self.origin == "null" or self.origin.lower().startswith(("http:", "https:"))

    def warn(self, text: str) -> None:
        """Report what went wrong without failing the request."""
        self.warnings.append(text)
        self.host.tell(text)

    def at_version(self, version: int) -> Call:
        """The same call for a request of `version`; warnings and counts are shared."""
        return replace(self, version=version)
