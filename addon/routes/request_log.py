"""The log of requests: one JSON object per line, in a file that begins anew when it is large."""

from __future__ import annotations

import json
import logging
import logging.handlers
import threading
import time
from datetime import datetime
from typing import Any, Optional

from flask import Flask, Response, g, request

from ..core.context import RequestContext

log = logging.getLogger("ankiconnect")

_LARGEST = 5_000_000
_KEPT = 3


def init_app(app: Flask) -> None:
    """Log each request when its reply is complete: to be called before others that add to replies."""
    requests = RequestLog()

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def write(response: Response) -> Response:
        context: Optional[RequestContext] = g.get("context")
        if context and context.settings.apiLogPath:
            requests.write(context.settings.apiLogPath, _entry(context, response))
        return response


def _entry(context: RequestContext, response: Response) -> dict[str, Any]:
    """What the log tells of a request: nothing that the caller could have put a secret into."""
    return {
        "peer": request.remote_addr,
        "origin": context.origin[:200],
        "method": request.method[:20],
        "actions": context.performed,
        "status": response.status_code,
        "errors": context.failed,
        "ms": round((time.perf_counter() - g.began) * 1000, 1),
    }


class RequestLog:
    """Writes to the file that the settings name at the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: Optional[_File] = None

    def write(self, path: str, entry: dict[str, Any]) -> None:
        """Append `entry`. A log that can't be written fails no request; the add-on's own log tells."""
        line = json.dumps({"time": datetime.now().astimezone().isoformat("T", "milliseconds"), **entry})
        with self._lock:
            if not self._file or self._file.path != path:
                self._file = _File(path)
            record = logging.makeLogRecord({"msg": line})
            self._file.handle(record)
            try:
                self._file.close()  # so that a person can move it away at any time; opened anew when needed
            except OSError:  # a full disk once more: what was not written is written again
                self._file.handleError(record)


class _File(logging.handlers.RotatingFileHandler):
    def __init__(self, path: str) -> None:
        super().__init__(path, maxBytes=_LARGEST, backupCount=_KEPT, encoding="utf-8", delay=True)
        self.path = path
        self._failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._failed:
            self._failed = True
            log.warning("requests can't be logged to %s", self.baseFilename, exc_info=True)
