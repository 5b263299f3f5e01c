"""The collection as a whole: versions, settings, contents, profiles."""

from __future__ import annotations

from typing import Annotated, Any, Optional, TypedDict

from anki.collection import Collection

from ..context import RequestContext
from ..errors import without_isolates
from ..registry import read, write
from ..version import PROGRAM_VERSION


class Versions(TypedDict):
    anki: Annotated[str, "version of Anki"]
    ankiConnectPlus: Annotated[str, "version of this add-on, under the name that clients look for"]


@read("getVersion")
def versions(context: RequestContext) -> Versions:
    """Return the versions of Anki and of this add-on."""
    return {"anki": context.runtime.anki_version, "ankiConnectPlus": PROGRAM_VERSION}


@read("getProfiles")
def profiles(context: RequestContext) -> list[str]:
    """List the names of all profiles. Works without an open one."""
    return context.runtime.profiles()


@read("getActiveProfile")
def active_profile(context: RequestContext) -> Optional[str]:
    """Return the name of the open profile; null while there is none."""
    return context.runtime.profile()


@read("isFsrsActive")
def is_fsrs_active(col: Collection) -> bool:
    """Tell whether cards are scheduled with FSRS."""
    return bool(col.get_config("fsrs", False))


@read("getCollectionConfig")
def config(col: Collection) -> Annotated[dict[str, Any], "raw settings; names vary between Anki versions"]:
    """Return the collection's own settings, by name in alphabetical order."""
    return dict(sorted(col.all_config().items()))


class CollectionInfo(TypedDict):
    created: Annotated[int, "seconds"]
    modified: Annotated[int, "milliseconds"]
    lastSync: Annotated[int, "milliseconds; 0 if never synced"]
    noteCount: int
    cardCount: int
    config: dict[str, Any]
    models: Annotated[list[dict[str, Any]], "note types in Anki's own layout"]
    decks: Annotated[list[dict[str, Any]], "id, mod, name, desc, dyn and conf of each deck"]
    dconf: Annotated[list[dict[str, Any]], "presets in Anki's own layout"]
    tags: list[str]


_DECK_MEMBERS = ("id", "mod", "name", "desc", "dyn", "conf")


@read("getCollection")
def collection(col: Collection) -> CollectionInfo:
    """Describe the whole collection: counts, settings, note types, decks, presets and tags."""
    assert col.db
    ((created, modified, last_sync),) = col.db.all("select crt, mod, ls from col")
    return {
        "created": created,
        "modified": modified,
        "lastSync": last_sync,
        "noteCount": col.note_count(),
        "cardCount": col.card_count(),
        "config": config(col),
        "models": [dict(note_type) for note_type in col.models.all()],
        "decks": [
            {member: deck[member] for member in _DECK_MEMBERS if member in deck}
            # Anki gives them in no order.
            for deck in sorted(col.decks.all(), key=lambda deck: deck["id"])
        ],
        "dconf": [dict(preset) for preset in col.decks.all_config()],
        "tags": col.tags.all(),
    }


class DatabaseCheck(TypedDict):
    problems: Annotated[str, "report in Anki's words"]
    ok: Annotated[bool, "whether no problem was found"]


@write("checkDatabase")
def check_database(col: Collection) -> DatabaseCheck:
    """Check and repair the collection, and wait for the outcome.

    Anki cannot undo this, and clears the undo history.
    """
    problems, ok = col.fix_integrity()
    # Without problems, Anki still tells that it has rebuilt the database.
    return {"problems": "" if ok else without_isolates(problems), "ok": ok}
