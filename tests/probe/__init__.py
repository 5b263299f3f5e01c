"""An add-on for the tests: runs Python that they send, on the main thread of the Anki it is in.

Lets tests look at windows and the collection from inside. `result` is sent back. Errors are kept in
`mw.errors` instead of being shown in a dialog, which would stand in the way of what comes next.
"""

import os
import pickle
import threading
import traceback
from multiprocessing.connection import Listener
from typing import Any

import aqt
import aqt.errors

_errors: list[str] = []


def _keep_errors(handler: Any) -> None:
    _errors.append(handler.pool)
    handler.pool = ""


aqt.mw.errors = _errors  # type: ignore[attr-defined]
aqt.errors.ErrorHandler.onTimeout = _keep_errors  # type: ignore[assignment,method-assign]


def _serve() -> None:
    address = ("127.0.0.1", int(os.environ["ANKI_PROBE_PORT"]))
    with Listener(address, authkey=b"probe") as listener:
        while True:
            with listener.accept() as connection:
                try:
                    while True:
                        connection.send(_run_on_main(connection.recv()))
                except EOFError:
                    pass


def _run_on_main(source: str) -> tuple[bool, object]:
    done = threading.Event()
    answer = []

    def run() -> None:
        names = {"aqt": aqt, "mw": aqt.mw, "col": aqt.mw.col}
        try:
            exec(source, names)
            result = names.get("result")
            pickle.dumps(result)  # fails here, not in the thread that sends it
            answer.append((True, result))
        except BaseException:
            answer.append((False, traceback.format_exc()))
        done.set()

    aqt.mw.taskman.run_on_main(run)
    done.wait()
    return answer[0]


threading.Thread(target=_serve, daemon=True).start()
