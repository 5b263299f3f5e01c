"""Methods of Anki's collection that other add-ons have replaced by functions of their own."""

from __future__ import annotations

from typing import Any, Callable

import anki.collection


def is_replaced(method: Callable[..., Any]) -> bool:
    """Whether this method of the collection is not the one that Anki's own module defines.

    A wrapper can bear the name and module of what it wraps. The globals that it runs with tell.
    """
    function = getattr(method, "__func__", method)
    return getattr(function, "__globals__", None) is not vars(anki.collection)
