"""Text to JSON values, and nothing but JSON: Python's own reader also takes NaN and numbers without end."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from ..errors import BadParams

_MAX_INTEGER = 4300  # digits: the limit that newer Pythons set themselves


def parse(text: str) -> Any:
    """The JSON value that `text` is. Raises BadParams, in the decoder's words where it has some."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_float, parse_int=_parse_int)
    except ValueError as error:
        raise BadParams(str(error)) from None
    except RecursionError:
        raise BadParams("the JSON is nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _short_int(text: str) -> int:
    if len(text) > _MAX_INTEGER:
        raise ValueError(f"the number {text[:40]}... is too large")
    return int(text)


# Reading a number takes time that grows with the square of its length.
_parse_int = int if hasattr(sys, "get_int_max_str_digits") else _short_int
