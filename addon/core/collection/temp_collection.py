"""An empty collection to try things on.

When an operation fails, Anki drops the user's whole undo history with it. What only Anki can check is
therefore tried elsewhere first. Making and opening a collection takes some 10 ms.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from anki.collection import Collection


@contextmanager
def scratch_collection() -> Iterator[Collection]:
    """A new collection that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Collection(os.path.join(folder, "scratch.anki2"))
        try:
            yield scratch
        finally:
            scratch.close()
