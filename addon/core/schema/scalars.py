"""Codecs of values that have no parts: texts, numbers, choices. And what all codecs have in common."""

from __future__ import annotations

import base64
import io
import math
import re
import reprlib
import unicodedata
from collections.abc import Sequence
from typing import Any

from ..errors import BadParams
from . import json_text

Json = Any
Schema = dict[str, Any]


class _Repr(reprlib.Repr):
    def repr_NoneType(self, _value: None, _level: int) -> str:
        return "null"  # as the client wrote it


_repr = _Repr()
_repr.maxstring = _repr.maxother = 120
_repr.maxlist = _repr.maxdict = 6


class Invalid(Exception):
    """A value that does not fit; `path` grows from the inside out while the error travels up."""

    def __init__(self, problem: str, *, whole: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.whole = whole  # the text is complete, no path is to be put before it
        self.path: list[str] = []

    def as_bad_params(self) -> BadParams:
        path = "".join(reversed(self.path)).lstrip(".")
        return BadParams(self.problem if self.whole or not path else f"{path}: {self.problem}")


def short_repr(value: Json) -> str:
    """`value` in Python notation, shortened: never a megabyte in an error text."""
    return _repr.repr(value)


def truncated(text: str) -> str:
    """`text` as it is, unless it is too long for an error text."""
    return text if len(text) <= _repr.maxstring else short_repr(text)


def named(value: Json) -> str:
    """`value` as the end of an error text: text as it is, anything else in Python notation."""
    return truncated(value) if type(value) is str else short_repr(value)


class Codec:
    def convert(self, value: Json) -> Any:
        raise NotImplementedError

    def schema(self) -> Schema:
        raise NotImplementedError

    def parse_query(self, texts: Sequence[str]) -> Json:
        """The JSON value that a query string means by the values of one of its names."""
        return texts[-1]

    def is_nullable(self) -> bool:
        return False

    def accepts_all(self, values: list[Json]) -> bool:
        """Whether `values` all are what `convert` would make of them, if that can be told quickly."""
        return False


class Anything(Codec):
    def convert(self, value: Json) -> Any:
        return value

    def schema(self) -> Schema:
        return {}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return json_or_text(texts[-1])

    def is_nullable(self) -> bool:
        return True


class Null(Codec):
    def convert(self, value: Json) -> None:
        if value is not None:
            raise Invalid(f"{short_repr(value)} is not of type 'null'")

    def schema(self) -> Schema:
        return {"type": "null"}

    def is_nullable(self) -> bool:
        return True


_SURROGATE = re.compile("[\ud800-\udfff]")


class Text(Codec):
    def convert(self, value: Json) -> str:
        if type(value) is not str:
            raise Invalid(f"{short_repr(value)} is not of type 'string'")
        if not value.isascii() and _SURROGATE.search(value):
            raise Invalid(f"{short_repr(value)} holds half a surrogate pair, which is no character")
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


def composed(name: str) -> str:
    """`name` in the form in which Anki keeps names (NFC), whichever the client's system prefers."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


class Composed(Text):
    """A name: letters with marks come as one character or as several, and mean the same."""

    def convert(self, value: Json) -> str:
        if type(value) is str and value.isascii():
            return value
        return composed(super().convert(value))


_SLICE = 4 * 250_000  # four characters stand for three bytes


class Base64(Codec):
    """Bytes, which JSON holds in base64; white space in it is ignored, as in mail.

    Read here and not where they are needed, so that the text, which is larger, can go.
    """

    def convert(self, value: Json) -> bytes:
        text = Text().convert(value)
        if any(space in text for space in " \t\r\n"):
            text = "".join(text.split())
        content = io.BytesIO()
        try:
            # In slices, since all other threads, the window's too, wait for each call.
            for start in range(0, len(text), _SLICE):
                if content.tell() < start // 4 * 3:
                    raise ValueError("Excess data after padding")
                content.write(base64.b64decode(text[start : start + _SLICE], validate=True))
        except ValueError as error:
            raise Invalid(str(error), whole=True) from None
        return content.getvalue()

    def schema(self) -> Schema:
        return {"type": "string", "contentEncoding": "base64"}


class Boolean(Codec):
    _WORDS = {"true": True, "1": True, "false": False, "0": False}

    def convert(self, value: Json) -> bool:
        if value is True or value is False:
            return bool(value)
        raise Invalid(f"{short_repr(value)} is not of type 'boolean'")

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return self._WORDS.get(texts[-1].lower(), texts[-1])


_INT64 = range(-(2**63), 2**63)


class Integer(Codec):
    def convert(self, value: Json) -> int:
        if type(value) is int and value in _INT64:
            return value
        if type(value) is float and value.is_integer() and abs(value) < 2**53:
            return int(value)
        raise Invalid(f"{short_repr(value)} is not of type 'integer'")

    def accepts_all(self, values: list[Json]) -> bool:
        return set(map(type, values)) == {int} and min(values) in _INT64 and max(values) in _INT64

    def schema(self) -> Schema:
        return {"type": "integer"}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return _decimal(texts[-1])


class Id(Integer):
    """An id: a 64-bit integer, or a string of its digits."""

    def convert(self, value: Json) -> int:
        return super().convert(_decimal(value) if type(value) is str else value)

    def schema(self) -> Schema:
        return {"type": "integer", "format": "int64"}


class Number(Codec):
    def convert(self, value: Json) -> float:
        if type(value) not in (int, float):
            raise Invalid(f"{short_repr(value)} is not of type 'number'")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Invalid(f"{short_repr(value)} is too large a number")
        return number

    def schema(self) -> Schema:
        return {"type": "number"}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return json_or_text(texts[-1])


class EnumOf(Codec):
    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = values

    def convert(self, value: Json) -> Any:
        if isinstance(value, (str, int)) and value in self.values:
            return value
        expected = ", ".join(repr(v) for v in self.values)
        raise Invalid(f"{short_repr(value)} is not one of {expected}")

    def schema(self) -> Schema:
        return {"const": self.values[0]} if len(self.values) == 1 else {"enum": list(self.values)}


def _decimal(text: str) -> Json:
    """The integer that a string of decimal digits means; anything else as it is."""
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


def json_or_text(text: str) -> Json:
    try:
        return json_text.parse(text)
    except BadParams:
        return text
