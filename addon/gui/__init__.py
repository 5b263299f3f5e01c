"""Anki's windows: the only place that imports aqt.

`runtime` and `start` import it when they are loaded, which happens inside Anki only. The other modules
declare actions; a server without a window loads them too, so they import aqt where they use it.
"""
