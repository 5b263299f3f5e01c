"""Presets: the options that decks share. `getDeckConfig` in deck_details reads them.

Anki's calls for single presets cannot be undone, so changes go through the operation of its options
screen instead. That takes presets in Anki's newer layout; a preset in the layout of the wire is put into
it by a scratch collection.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, Union

from anki.collection import Collection
from anki.decks import DeckConfigId
from anki.decks import DeckId as AnkiDeckId

from ..collection.names import deck_ids
from ..collection.temp_collection import scratch_collection
from ..context import RequestContext
from ..errors import ApiError, as_api_error
from ..private_api import private
from ..registry import write
from ..schema.codecs import Name, composed, short_repr
from ..undo import UndoStep
from .deck_info import ExactDeckName
from .decks import DEFAULT_DECK

if TYPE_CHECKING:
    from anki.deck_config_pb2 import DeckConfig, DeckConfigsForUpdate

private("anki.deck_config_pb2", "DeckConfig", "cloneDeckConfigId")
private(
    "anki.deck_config_pb2",
    "UpdateDeckConfigsRequest",
    "saveDeckConfig cloneDeckConfigId removeDeckConfigId",
)

PresetId = Annotated[DeckConfigId, "preset id; 1 is the default preset"]

_DEFAULT_PRESET = 1


@write("saveDeckConfig", undo="save preset")
def save(
    col: Collection,
    undo_step: UndoStep,
    context: RequestContext,
    config: Annotated[dict[str, Any], "whole preset as getDeckConfig returns it; id may be digits"],
) -> Annotated[bool, "false if the preset is unknown or can't be stored; a header tells why"]:
    """Replace a preset as a whole. Its time of change is set by Anki."""
    preset = copy.deepcopy(config)
    if isinstance(preset.get("name"), str):
        preset["name"] = composed(preset["name"])
    try:
        preset["id"] = int(preset["id"])
    except KeyError:
        raise ApiError("config.id: 'id' is a required property") from None
    except (TypeError, ValueError):
        return _refused(context, f"config.id is no preset id: {short_repr(preset['id'])}")
    known = {known["id"]: known for known in col.decks.all_config()}
    if preset["id"] not in known:
        return _refused(context, f"there is no preset {preset['id']}")
    misfit = _misfit(preset, known[preset["id"]], "config")
    if misfit:
        return _refused(context, misfit)
    try:
        converted = _converted(preset)
    except Exception as error:
        return _refused(context, str(as_api_error(error)))
    _update(col, undo_step, [converted])
    return True


@write("setDeckConfigId", undo="choose preset")
def assign(
    col: Collection, undo_step: UndoStep, decks: list[ExactDeckName], config_id: PresetId
) -> Annotated[
    bool, "false if a deck is unknown or filtered, or the preset unknown; nothing is changed then"
]:
    """Have decks use a preset. Subdecks are not touched."""
    ids = deck_ids(col)
    found = [col.decks.get(ids[name]) for name in dict.fromkeys(decks) if name in ids]
    usable = [deck for deck in found if deck and not deck["dyn"]]
    if not _exists(col, config_id) or len(usable) < len(set(decks)):
        return False
    for deck in usable:
        if deck["conf"] != config_id:
            deck["conf"] = config_id
            undo_step(col.decks.update_dict, deck)
    return True


@write("cloneDeckConfigId", undo="clone preset")
def clone(
    col: Collection,
    undo_step: UndoStep,
    name: Annotated[Name, "name of the new preset; names may repeat"],
    clone_from: Annotated[PresetId, "preset to copy"] = DeckConfigId(_DEFAULT_PRESET),
) -> Annotated[Union[PresetId, Literal[False]], "id of the new preset; false if the source is unknown"]:
    """Copy a preset under a new name."""
    before = {preset.id: preset for preset in _presets(_for_update(col))}
    source = before.get(clone_from)
    if source is None:
        return False
    from anki.deck_config_pb2 import DeckConfig

    copied = DeckConfig()
    copied.CopyFrom(source)
    copied.id = 0
    copied.name = name
    _update(col, undo_step, [copied])
    (added,) = (preset.id for preset in _presets(_for_update(col)) if preset.id not in before)
    return DeckConfigId(added)


@write("removeDeckConfigId", undo="remove preset")
def remove(
    col: Collection, undo_step: UndoStep, config_id: PresetId
) -> Annotated[bool, "false if it is unknown or the default preset"]:
    """Delete a preset; decks that used it use the default one. Needs a full sync afterwards."""
    if config_id == _DEFAULT_PRESET or not _exists(col, config_id):
        return False
    _update(col, undo_step, [], removed=[config_id])
    return True


def _refused(context: RequestContext, reason: str) -> Literal[False]:
    context.warnings.append(reason)
    return False


def _misfit(given: dict[str, Any], current: dict[str, Any], path: str) -> str:
    """What has another shape than it has now; Anki would silently put a default in its place."""
    for name, now in current.items():
        value = given.get(name, now)
        if _kind(value) is not _kind(now):
            return f"{path}.{name}: {short_repr(value)} stands where {short_repr(now)} stood"
        inner = _misfit(value, now, f"{path}.{name}") if isinstance(now, dict) else ""
        if inner:
            return inner
    return ""


def _kind(value: object) -> type:
    return float if isinstance(value, (int, float)) else type(value)


def _exists(col: Collection, preset_id: int) -> bool:
    # get_config answers with the default preset for an unknown id.
    return any(preset["id"] == preset_id for preset in col.decks.all_config())


def _converted(preset: dict[str, Any]) -> DeckConfig:
    """The preset in the layout of Anki's options screen."""
    with scratch_collection() as scratch:
        scratch.decks.update_config(preset)
        presets = _presets(_for_update(scratch))
        return next(found for found in presets if found.id == preset["id"])


def _for_update(col: Collection, deck: AnkiDeckId = DEFAULT_DECK) -> DeckConfigsForUpdate:
    return col.decks.get_deck_configs_for_update(deck)


def _presets(current: DeckConfigsForUpdate) -> list[DeckConfig]:
    return [entry.config for entry in current.all_config]


# Settings of the options screen that are not part of a preset, and are to stay as they are. Which of
# them there are varies between Anki versions.
_OTHER_SETTINGS = (
    *("card_state_customizer", "new_cards_ignore_review_limit", "fsrs"),
    *("apply_all_parent_limits", "fsrs_health_check"),
)


def _update(
    col: Collection, undo_step: UndoStep, presets: Iterable[DeckConfig], removed: Optional[list[int]] = None
) -> None:
    """Add, change and remove presets as Anki's options screen does."""
    from anki.deck_config_pb2 import UpdateDeckConfigsRequest

    gone = removed or []
    current = _for_update(col)
    request = UpdateDeckConfigsRequest(target_deck_id=DEFAULT_DECK, removed_config_ids=gone)
    request.configs.extend(presets)
    # The last one is assigned to the target deck: the one that it has.
    used = current.current_deck.config_id
    kept = _DEFAULT_PRESET if used in gone else used
    changed = {preset.id: preset for preset in request.configs}
    known = {preset.id: preset for preset in _presets(current)}
    request.configs.append(changed.get(kept, known[kept]))
    request.limits.CopyFrom(current.current_deck.limits)
    for name in _OTHER_SETTINGS:
        if name in request.DESCRIPTOR.fields_by_name and name in current.DESCRIPTOR.fields_by_name:
            setattr(request, name, getattr(current, name))
    undo_step(col.decks.update_deck_configs, request)
