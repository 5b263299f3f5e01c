"""AnkiConnect: Anki's features over HTTP.

Inside Anki, importing this package starts the server. Elsewhere it does nothing; see `__main__`.
"""

import sys

# Asked without an import: only `gui` imports aqt, and only inside Anki.
if getattr(sys.modules.get("aqt"), "mw", None) is not None:
    from .gui.start import start

    start()
