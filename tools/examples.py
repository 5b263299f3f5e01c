"""The examples of the API's contract, and the collection that they run on."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import yaml
from anki.collection import Collection
from anki.decks import DeckId

_CONTRACT = Path(__file__).resolve().parent.parent / "tests" / "contract"
# Stands in the examples for a folder of the person whose Anki it is.
HOME = "/home/me"


Step = Union[str, tuple[str, dict[str, Any]]]  # an expression, or an action with parameters


@dataclass
class Example:
    action: str
    name: str
    params: dict[str, Any]
    result: Any
    before: list[Step]
    shape_only: bool = False
    elsewhere: bool = False  # needs what this collection can't give

    def __str__(self) -> str:
        return self.name

    def with_text(self, old: str, new: str) -> Example:
        """The example with one text put in place of another in all parameters."""

        def replaced(value: Any) -> Any:
            return json.loads(json.dumps(value).replace(old, new))

        return dataclasses.replace(
            self,
            params=replaced(self.params),
            before=[
                step if isinstance(step, str) else (step[0], replaced(step[1])) for step in self.before
            ],
        )


def contract() -> dict[str, Any]:
    text = (_CONTRACT / "actions.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text.partition("\n---\n")[2])
    return loaded


def examples() -> Iterator[Example]:
    """Each example of the contract."""
    about = _load("examples.yaml")
    for entry in contract()["actions"]:
        action = entry["name"]
        for number, example in enumerate(entry["examples"], 1):
            names = {action, f"{action} {number}"}
            yield Example(
                action,
                f"{action}-{number}",
                example["params"],
                example["result"],
                _steps(next((about["before"][name] for name in names & about["before"].keys()), [])),
                action in about["shape_only"],
                bool(names & about["elsewhere"].keys()),
            )


def error_examples() -> Iterator[Example]:
    """An example for each error text that the contract lists; the text is its result."""
    about = _load("errors.yaml")
    for action, cases in about["cases"].items():
        before = _steps(about["before"] + about["before_action"].get(action, []))
        for text, params in cases.items():
            yield Example(action, f"{action}-{text}", params, text, before)


def replaced_errors() -> set[str]:
    """The texts of the contract that have better ones in their place."""
    return set(_load("errors.yaml")["replaced"])


def errors_elsewhere() -> set[str]:
    """The texts of the contract that tests of their own show."""
    return set(_load("errors.yaml")["elsewhere"])


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_CONTRACT / name).read_text("utf-8"))
    return loaded


def _steps(steps: list[Any]) -> list[Step]:
    return [step if isinstance(step, str) else next(iter(step.items())) for step in steps]


def set_noon() -> None:
    """Have it be about noon in this process and those that it starts.

    Before 4:00, when Anki's day ends, learning steps of minutes become days. `TZ` has the sign that POSIX
    gives it: hours west.
    """
    if hasattr(time, "tzset"):
        os.environ["TZ"] = f"NOON{time.gmtime().tm_hour - 12:+d}"
        time.tzset()


def make_collection(path: Path) -> None:
    """A collection with two notes, two note types and three decks, whose ids are the examples'."""
    col = Collection(str(path))
    models = col.models
    for name, new_id in (("Basic", 1700000000900), ("Cloze", 1700000000901)):
        note_type = models.by_name(name)
        assert note_type
        note_type["css"] = ".card {}"
        if name == "Basic":
            note_type["tmpls"][0]["afmt"] = "{{FrontSide}}<hr id=answer>{{Back}}"
        models.update_dict(note_type)
        assert col.db
        for table, column in (("notetypes", "id"), ("fields", "ntid"), ("templates", "ntid")):
            col.db.execute(f"update {table} set {column} = ? where {column} = ?", new_id, note_type["id"])
    for other in models.all_names_and_ids():
        if other.name not in ("Basic", "Cloze"):
            models.remove(other.id)  # type: ignore[arg-type]
    verbs = col.decks.add_normal_deck_with_name("Lang::Verbs").id
    preset = col.decks.add_config("Fast")["id"]
    assert col.db
    col.db.execute("update decks set id = 1700000000500 where id = ?", verbs)
    col.db.execute("update deck_config set id = 1700000000800 where id = ?", preset)
    col.close()
    # Opened anew: Anki remembers note types and decks that it has read.
    col = Collection(str(path))
    assert col.db
    basic = col.models.by_name("Basic")
    assert basic
    for number, (front, back, tag) in enumerate((("neko", "cat", "animal"), ("inu", "dog", "noun")), 1):
        note = col.new_note(basic)
        note.fields, note.tags = [front, back], [tag]
        col.add_note(note, DeckId(1))
        new_note, new_card = 1700000000000 + number, 1700000000100 + number
        col.db.execute("update cards set id = ?, nid = ? where nid = ?", new_card, new_note, note.id)
        col.db.execute("update notes set id = ? where id = ?", new_note, note.id)
    # Long ago, so that a change within this second shows.
    col.db.execute("update notetypes set mtime_secs = 1700000000")
    col.close()
