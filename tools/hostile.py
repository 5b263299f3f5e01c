"""Input that a well-meaning client would never send: values of a schema, spoiled, and bytes, spoiled.

Everything is chosen by a `random.Random`, so that a seed repeats it and a property test can drive it.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Union

from addon.core.schema.codecs import Schema

DEEP = 200  # deeper than any honest value, and not so deep that a parser gives up
_MAX_ITEMS = 3


@dataclass(frozen=True)
class Words:
    """What is known to the collection, so that a part of the values means something."""

    texts: Sequence[str] = ()
    ids: Sequence[int] = ()
    by_name: dict[str, Sequence[Any]] = field(default_factory=dict)  # values by the name of a member


# The collection of tools/examples.py.
EXAMPLE_WORDS = Words(
    texts=("Default", "Lang::Verbs", "Basic", "Cloze", "Front", "Back", "Text", "neko", "animal", "Card 1"),
    ids=(1, 1700000000001, 1700000000002, 1700000000101, 1700000000102, 1700000000800, 1700000000900),
    by_name={
        "deckName": ("Default", "lang::verbs", "Nowhere"),
        "deck": ("Default", "Lang::Verbs", "New::Deck"),
        "decks": (["Lang::Verbs"], ["Default", "Nowhere"]),
        "modelName": ("Basic", "cloze", "Nothing"),
        "fields": ({"Front": "a"}, {"front": "neko", "Back": "b"}, {"Text": "{{c1::x}}"}, ["prop:r"]),
        "query": (
            "",
            "deck:current",
            "is:due -tag:x",
            'front:"neko"',
            "(",
            "prop:due=1",
            "re:(",
            "cid:1,2",
        ),
        "keys": (["due"], ["factor", "flags"], ["ivl", "reps", "ord"], ["mod"]),
        "newValues": ([5], [1, 2**31], [-1, "7"], [1, 2, 3]),
        "reviews": ([[1600000000000, 1700000000101, -1, 3, 5, 4, 2500, 1000, 1]],),
        "config": ({"id": 1, "name": "Default", "new": {"perDay": 5}}, {"id": "1700000000800"}),
        "actions": ([{"action": "version"}, {"action": "createDeck", "params": {"deck": "A"}}],),
        "templates": ({"Card 1": {"Front": "{{Front}}x"}},),
        "cards": ([1700000000101], [1700000000102, 1700000000101], [1]),
        "notes": ([1700000000001], [1700000000002, 5]),
        "data": ("aGVsbG8=", "", "aGVsbG8", "===="),
        "filename": ("a.txt", "_b.js", "con", "../c.png", "x" * 300, ""),
        # Ports on which nothing listens: nothing here may leave the machine.
        "url": ("http://127.0.0.1:9/a", "ftp://127.0.0.1/a", "http://[", "file:///etc/passwd", "http://"),
        "path": ("package.apkg", "no/such/file", "a\x00b", "", "~nobody\x00"),
    },
)

_TEXTS = (
    *("", " ", "a", "0", "-1", "007", "1e5", "None", "null", "true", "[]", "{}", "\x00", "a\x00b", "\x1f"),
    *(
        "\ud800",
        "a\udfffb",
        "\U0001f600",
        "é",
        "e\u0301",
        "\u202e\u2066x\u2069",
        "\ufeff",
        "\uffff",
        "ﬀ",
        "İ",
    ),
    *(
        "٣",
        "²",
        "\u3000",
        "\u2028",
        "%",
        "*",
        "_",
        "[",
        "[z-a]",
        "[!",
        "(",
        "\\",
        "\\d{",
        '"',
        "'",
        "--",
        ";",
    ),
    *(
        "..",
        "../../x",
        "a/b",
        "C:\\x",
        "nul.txt",
        "::",
        "a::",
        "::a",
        "a::::b",
        "a::b::c",
        "<b>x</b>",
        "&amp;",
    ),
    *(
        "{{c1::x}}",
        "{{c0::x}}",
        "{{c999999999999::x}}",
        "{{Front}}",
        "{{#Front}}",
        "{{/x}}",
        "{{",
        "[sound:x]",
    ),
    *(
        "<img src=x>",
        "[latex]x[/latex]",
        "deck:",
        "nid:x",
        "re:[",
        "rated:99999999999",
        "prop:ivl>1e9",
        "!",
    ),
    *("99999999999999999999", "9" * 5000, "-9223372036854775809", "0-99999999999!", "0x10", "1_000", " 5 "),
)
_NUMBERS: tuple[Union[int, float], ...] = (
    *(
        0,
        -1,
        1,
        2,
        3,
        7,
        100,
        255,
        256,
        2**15,
        2**16,
        2**31 - 1,
        2**31,
        -(2**31) - 1,
        2**32 - 1,
        2**32,
        2**53,
    ),
    *(
        2**63 - 1,
        2**63,
        -(2**63),
        -(2**63) - 1,
        2**64,
        10**30,
        10**400,
        -(10**400),
        0.0,
        -0.0,
        0.5,
        1.0,
        -2.0,
    ),
    *(1e15, 1e16, 9.3e18, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
)


def _nested(depth: int, member: Optional[str] = None) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value] if member is None else {member: value}
    return value


_ODD: tuple[Callable[[random.Random], Any], ...] = (
    lambda rng: None,
    lambda rng: rng.random() < 0.5,
    lambda rng: rng.choice(_NUMBERS),
    lambda rng: rng.choice(_TEXTS),
    lambda rng: rng.choice(_TEXTS) * rng.choice((2, 50, 3000)),
    lambda rng: "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(8))),
    lambda rng: [],
    lambda rng: {},
    lambda rng: {rng.choice(_TEXTS): rng.choice(_NUMBERS)},
    lambda rng: [rng.choice(_TEXTS), rng.choice(_NUMBERS), None, [], {}],
    lambda rng: [rng.choice((0, None, "", {}, [], "x", 1.5))] * rng.choice((2, 30, 1000)),
    lambda rng: _nested(rng.choice((2, 30, DEEP)), rng.choice((None, "a", "fields", "actions"))),
)


def odd(rng: random.Random) -> Any:
    """A value that fits nowhere, or only just."""
    return rng.choice(_ODD)(rng)


def fitting(schema: Schema, rng: random.Random, words: Words, name: str = "") -> Any:
    """A value of the schema, for a member called `name`."""
    if rng.random() < 0.7 and words.by_name.get(name):
        return copy.deepcopy(rng.choice(words.by_name[name]))
    for options in (schema.get("anyOf"), schema.get("enum")):
        if options:
            chosen = rng.choice(options)
            return fitting(chosen, rng, words, name) if options is schema.get("anyOf") else chosen
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        return _fitting_object(schema, rng, words)
    if kind == "array":
        items = schema.get("items", {})
        return [fitting(items, rng, words, name[:-1]) for _ in range(rng.randrange(_MAX_ITEMS + 1))]
    if kind == "string":
        return rng.choice(words.texts if words.texts and rng.random() < 0.5 else _TEXTS)
    if kind == "integer":
        integers = [number for number in _NUMBERS if type(number) is int and abs(number) < 2**63]
        return rng.choice(words.ids if words.ids and rng.random() < 0.5 else integers)
    if kind == "number":
        return rng.choice((0, 1, -1.5, 1e308))
    if kind == "boolean":
        return rng.random() < 0.5
    return None if kind == "null" else odd(rng)


def _fitting_object(schema: Schema, rng: random.Random, words: Words) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for member, inner in schema.get("properties", {}).items():
        if member in schema.get("required", ()) or rng.random() < 0.5:
            value[member] = fitting(inner, rng, words, member)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        for _ in range(rng.randrange(_MAX_ITEMS)):
            value[rng.choice(words.texts or _TEXTS)] = fitting(rest, rng, words)
    return value


def spoil(value: Any, rng: random.Random) -> Any:
    """A copy of `value`, wrong in one place somewhere inside, in most cases."""
    value = copy.deepcopy(value)
    places = list(_places(value, 0))
    if not places:
        return odd(rng)
    holder, key = rng.choice(places)
    action = rng.randrange(8)
    if action == 0 and isinstance(holder, dict):
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[rng.choice(_TEXTS)] = holder[key]
    elif action == 2 and isinstance(holder, list):
        holder *= rng.choice((2, 20))
    elif action == 3:
        holder[key] = [holder[key]]
    elif action == 4:
        holder[key] = json.dumps(holder[key])
    else:
        holder[key] = odd(rng)
    return value


def _places(value: Any, depth: int) -> list[tuple[Any, Any]]:
    """Each member and element inside, as what holds it and under which key."""
    if depth > 6 or not isinstance(value, (dict, list)):
        return []
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value[:20]))
    found: list[tuple[Any, Any]] = [(value, key) for key, _inner in entries]
    for _key, inner in entries:
        found += _places(inner, depth + 1)
    return found


def encode(value: Any) -> bytes:
    """JSON as Python writes it: halves of surrogate pairs are escaped, NaN and Infinity are bare words."""
    return json.dumps(value).encode()


_NUMBER = re.compile(rb"-?\d+")
_TOKENS = (
    *(
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"9" * 5000,
        b"-" + b"9" * 4000,
        b"0" * 50,
        b"NaN",
        b"-Infinity",
        b"01",
    ),
    *(
        b"1.",
        b".5",
        b"+1",
        b"0x10",
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
    ),
    *(b'"\x00"', b'"\\u0000"', b'"\xf4\x90\x80\x80"', b"'a'", b"[,]", b"{,}", b"// x\n1", b"[" * 100, b"]"),
    *(
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 500 + b"]" * 500,
        b'{"a":1,"a":[]}',
        b"\xef\xbb\xbf",
        b"null",
    ),
)


def spoil_bytes(body: bytes, rng: random.Random) -> bytes:
    """`body` with a few bytes changed: what no JSON library would write."""
    how = rng.randrange(9)
    at = rng.randrange(len(body) + 1)
    numbers = list(_NUMBER.finditer(body))
    if how <= 1 and numbers:
        number = rng.choice(numbers)
        return body[: number.start()] + rng.choice(_TOKENS) + body[number.end() :]
    if how == 2:
        return body[:at] + rng.choice(_TOKENS) + body[at:]
    if how == 3:
        return body[:at]
    if how == 4:
        return body[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5))) + body[at + 1 :]
    if how == 5:
        return body.replace(b"{", b'{"action":"version","key":1,"params":null,', 1)  # members given twice
    if how == 6:
        return body + rng.choice((b"\x00", b"{}", body, b" " * 100_000, b"\xff"))
    if how == 7:
        text = body.decode("utf-8", "replace")
        return text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")), "replace")
    return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
