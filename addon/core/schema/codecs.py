"""Codecs: what a value looks like on the wire, read from its type hint when it is first asked for.

A codec converts JSON values (`convert`), reads values from a query string (`parse_query`) and describes
itself as JSON Schema (`schema`, Draft 2020-12). `codec_for` makes one from a hint:

    str, int, float, bool, Any, None, list[X], dict[str, X], Optional[X], Union[...], Literal[...]
    Name          text, with letters and their marks composed
    bytes         text in base64
    dataclasses   objects with members; unknown members are ignored, null means not given
    TypedDicts    objects in results
    NewType ids   64-bit integers, also taken from decimal strings

`Union[X, BadParams]` stands for an X that may be wrong: instead of failing the call, its error is handed
over in its place. `Annotated[X, ...]` adds a description (a string), a wire name (`Alias`), an error text
of its own (`ErrorText`), limits (`Constraint`), a more generous reading (`Coerce`) or another codec than
the type's. Of several of a kind the outermost counts; of limits all do. Member names are snake_case in
Python and camelCase on the wire.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Callable, Literal, Optional, TypeVar, Union, get_args, get_origin

from ..errors import BadParams
from .scalars import (
    Anything,
    Base64,
    Boolean,
    Codec,
    Composed,
    EnumOf,
    Integer,
    Null,
    Number,
    Text,
    json_or_text,
)

# For whoever declares actions: these two modules are one to them.
from .scalars import Id as Id
from .scalars import Invalid as Invalid
from .scalars import Json as Json
from .scalars import Schema as Schema
from .scalars import composed as composed
from .scalars import named as named
from .scalars import short_repr as short_repr
from .scalars import truncated as truncated

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Alias:
    """The wire name of a parameter, where it is not the camelCase of the Python name."""

    name: str


@dataclasses.dataclass(frozen=True)
class ErrorText:
    """The whole error text for a value of the wrong type; `{value}` is the value sent."""

    text: str
    inside: bool = True  # also for a value that is wrong somewhere inside


@dataclasses.dataclass(frozen=True, eq=False)
class Coerce:
    """A reading put before the conversion, for what clients really send; `also` is its schema."""

    read: Callable[[Json], Json]
    also: Mapping[str, Any]


class Constraint:
    """What a value must keep to beyond its type, such as what Anki can bear."""

    def check(self, value: Any) -> None:
        """Raise Invalid if the converted `value` goes beyond it."""
        raise NotImplementedError

    def schema(self) -> Schema:
        return {}


@dataclasses.dataclass(frozen=True)
class Range(Constraint):
    """The least and the greatest number that are taken: what Anki can store without loss."""

    least: int
    greatest: int

    def check(self, value: int) -> None:
        if not self.least <= value <= self.greatest:
            raise Invalid(f"{short_repr(value)} is not from {self.least} to {self.greatest}")

    def schema(self) -> Schema:
        return {"minimum": self.least, "maximum": self.greatest}


# A name of something in the collection. Each parameter that is one is declared with it.
Name = Annotated[str, Composed()]


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


class ListOf(Codec):
    def __init__(self, item: Codec) -> None:
        self.item = item

    def convert(self, value: Json) -> list[Any]:
        if type(value) is not list:
            raise Invalid(f"{short_repr(value)} is not of type 'array'")
        if self.item.accepts_all(value):
            return value
        convert = self.item.convert
        done: list[Any] = []
        try:
            for element in value:
                done.append(convert(element))
        except Invalid as error:
            error.path.append(f"[{len(done)}]")
            raise
        return done

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema()}

    def parse_query(self, texts: Sequence[str]) -> Json:
        if len(texts) == 1 and texts[0].lstrip().startswith("["):
            return json_or_text(texts[0])
        return [self.item.parse_query([text]) for text in texts]


class MapOf(Codec):
    """An object used as a mapping: any names, values of one type."""

    def __init__(self, name: Codec, item: Codec) -> None:
        self.name = name
        self.item = item

    def convert(self, value: Json) -> dict[str, Any]:
        if type(value) is not dict:
            raise Invalid(f"{short_repr(value)} is not of type 'object'")
        convert = self.item.convert
        try:
            if isinstance(self.name, Composed):
                return {composed(name): convert(member) for name, member in value.items()}
            return {name: convert(member) for name, member in value.items()}
        except Invalid:
            # Found again, by name, only when something is wrong.
            for name, member in value.items():
                try:
                    convert(member)
                except Invalid as error:
                    error.path.append(f".{truncated(name)}")
                    raise
            raise

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.item.schema()}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return json_or_text(texts[-1])


@dataclasses.dataclass(frozen=True)
class Property:
    name: str  # in Python
    wire: str
    codec: Codec
    default: Any  # dataclasses.MISSING where the member is required
    description: str

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING

    def schema(self) -> Schema:
        described = {"description": self.description} if self.description else {}
        return {**self.codec.schema(), **described}


def properties_schema(members: Sequence[Property]) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {member.wire: member.schema() for member in members},
    }
    required = [member.wire for member in members if member.required]
    if required:
        schema["required"] = required
    return schema


class DataclassOf(Codec):
    """An object with named members, converted to an instance of its dataclass."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        hints = typing.get_type_hints(kind, include_extras=True)
        self.members = [
            property_of(
                field.name,
                hints[field.name],
                None if field.default_factory is not dataclasses.MISSING else field.default,
            )
            for field in dataclasses.fields(kind)
            if field.init
        ]

    def convert(self, value: Json) -> Any:
        if type(value) is not dict:
            raise Invalid(f"{short_repr(value)} is not of type 'object'")
        found: dict[str, Any] = {}
        for member in self.members:
            sent = value.get(member.wire)
            if sent is None and not member.required:
                continue  # null means not given, as clients in typed languages send it
            try:
                if sent is None and member.wire not in value:
                    raise Invalid(f"{member.wire!r} is a required property")
                found[member.name] = member.codec.convert(sent)
            except Invalid as error:
                error.path.append(f".{member.wire}")
                raise
        return self.kind(**found)

    def schema(self) -> Schema:
        return properties_schema(self.members)

    def parse_query(self, texts: Sequence[str]) -> Json:
        return json_or_text(texts[-1])


class TypedDictOf(Codec):
    """An object in a result. Only described: what we send is checked by the type checker and tests."""

    def __init__(self, kind: type) -> None:
        hints = typing.get_type_hints(kind, include_extras=True)
        required = kind.__required_keys__  # type: ignore[attr-defined]
        self.members = [
            property_of(name, Annotated[hint, Alias(name)], *([] if name in required else [None]))
            for name, hint in hints.items()
        ]

    def schema(self) -> Schema:
        return {**properties_schema(self.members), "additionalProperties": False}


class UnionOf(Codec):
    def __init__(self, codecs: list[Codec]) -> None:
        self.codecs = codecs
        self.null = any(codec.is_nullable() for codec in codecs)
        self.others = [codec for codec in codecs if not isinstance(codec, Null)]

    def convert(self, value: Json) -> Any:
        if value is None and self.null:
            return None
        for codec in self.others[:-1]:
            try:
                return codec.convert(value)
            except Invalid:
                continue
        return self.others[-1].convert(value)

    def schema(self) -> Schema:
        return {"anyOf": [codec.schema() for codec in self.codecs]}

    def parse_query(self, texts: Sequence[str]) -> Json:
        return self.others[0].parse_query(texts)

    def is_nullable(self) -> bool:
        return self.null


class ErrorAsValue(Codec):
    """A value whose error is handed over in its place."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    def convert(self, value: Json) -> Any:
        try:
            return self.codec.convert(value)
        except Invalid as error:
            return error.as_bad_params()

    def schema(self) -> Schema:
        return self.codec.schema()

    def parse_query(self, texts: Sequence[str]) -> Json:
        return self.codec.parse_query(texts)


class WithMetadata(Codec):
    """A codec with the extras of its `Annotated`."""

    def __init__(self, codec: Codec, extras: Sequence[Any]) -> None:
        self.codec = codec
        self.accepts = _outermost(Coerce, extras)
        self.otherwise = _outermost(ErrorText, extras)
        self.limits = [extra for extra in extras if isinstance(extra, Constraint)]
        self.description = _outermost(str, extras) or ""

    def convert(self, value: Json) -> Any:
        try:
            converted = self.codec.convert(self.accepts.read(value) if self.accepts else value)
        except Invalid as error:
            if self.otherwise is None or (error.path and not self.otherwise.inside):
                raise
            raise Invalid(self.otherwise.text.format(value=named(value)), whole=True) from None
        if converted is not None:
            for limit in self.limits:
                limit.check(converted)
        return converted

    def schema(self) -> Schema:
        schema = self.codec.schema()
        for limit in self.limits:
            schema = {**schema, **limit.schema()}
        if self.accepts:
            schema = {"anyOf": [schema, dict(self.accepts.also)]}
        return {**schema, "description": self.description} if self.description else schema

    def parse_query(self, texts: Sequence[str]) -> Json:
        return self.codec.parse_query(texts)

    def is_nullable(self) -> bool:
        return self.codec.is_nullable()

    def accepts_all(self, values: list[Json]) -> bool:
        return self.accepts is None and not self.limits and self.codec.accepts_all(values)


def property_of(name: str, hint: Any, default: Any = dataclasses.MISSING) -> Property:
    # Before Python 3.11, a default of None wraps the hint of a parameter into Optional, around its extras.
    inner, *others = get_args(hint) or [hint]
    if others == [type(None)] and get_origin(inner) is Annotated and codec_for(inner).is_nullable():
        hint = inner
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    wire = _outermost(Alias, extras) or Alias(camel(name))
    return Property(name, wire.name, codec_for(hint), default, _outermost(str, extras) or "")


def _outermost(kind: type[T], extras: Sequence[Any]) -> Optional[T]:
    """The last of a kind: an `Annotated` around another one adds its extras behind."""
    return next((extra for extra in reversed(extras) if isinstance(extra, kind)), None)


_SIMPLE: dict[Any, Codec] = {
    Any: Anything(),
    object: Anything(),
    None: Null(),
    type(None): Null(),
    str: Text(),
    bytes: Base64(),
    bool: Boolean(),
    int: Integer(),
    float: Number(),
}


def codec_for(hint: Any) -> Codec:
    """The codec that a type hint stands for."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        extras = args[1:]
        own = [extra for extra in extras if isinstance(extra, Codec)]
        inner = own[0] if own else codec_for(args[0])
        return (
            WithMetadata(inner, extras) if any(not isinstance(e, (Alias, Codec)) for e in extras) else inner
        )
    if origin is Union or (sys.version_info >= (3, 10) and origin is _UnionType):
        if BadParams in args:
            return ErrorAsValue(codec_for(next(arg for arg in args if arg is not BadParams)))
        return UnionOf([codec_for(arg) for arg in args])
    if origin is Literal:
        return EnumOf(args)
    if origin in (list, Sequence):
        return ListOf(codec_for(args[0]))
    if origin is dict:
        return MapOf(*map(codec_for, args))
    if getattr(hint, "__supertype__", None) is int:
        return Id()
    if dataclasses.is_dataclass(hint):
        return DataclassOf(typing.cast(type, hint))
    if typing.is_typeddict(hint) if sys.version_info >= (3, 10) else hasattr(hint, "__total__"):
        return TypedDictOf(hint)
    raise TypeError(f"no codec is known for the type hint {hint!r}")


if sys.version_info >= (3, 10):
    from types import UnionType as _UnionType


# Readings that several actions share.


def _one_or_many(value: Json) -> Json:
    """A single object counts as a list of one; nulls in a list are left out."""
    if type(value) is list:
        return [element for element in value if element is not None]
    return [value]


def _split_at_spaces(value: Json) -> Json:
    return value.split() if type(value) is str else value


_MAX_TAG = 100


class TagDepth(Constraint):
    """Anki can't show a tree of tags with more levels, and dies of far more."""

    def check(self, value: Union[str, list[str]]) -> None:
        for tag in [value] if isinstance(value, str) else value:
            if tag.count("::") >= _MAX_TAG:
                raise Invalid(f"{short_repr(tag)} has more than {_MAX_TAG} levels")


TAG_DEPTH = TagDepth()
ONE_OR_MANY = Coerce(_one_or_many, {"type": "object", "additionalProperties": True})
SPACE_SEPARATED = Coerce(_split_at_spaces, {"type": "string"})
