"""A real web server for the other end of downloads, with the manners of good and bad ones."""

from __future__ import annotations

import contextlib
import http.server
import ssl
import threading
import time
from typing import Any, Callable
from urllib.parse import urlsplit

Handler = http.server.BaseHTTPRequestHandler


class Held:
    """A page that has its reader wait until the test lets it go on."""

    def __init__(self, closing: threading.Event) -> None:
        self.url = ""
        self.asked = threading.Event()
        self._go_on = threading.Event()
        self._closing = closing

    def wait_until_asked(self) -> None:
        assert self.asked.wait(60), f"nobody asked for {self.url}"

    def let_go_on(self) -> None:
        self._go_on.set()

    def wait(self) -> None:
        """On the server's side."""
        self.asked.set()
        while not self._go_on.wait(0.02) and not self._closing.is_set():
            pass


class Web:
    def __init__(self) -> None:
        pages = self._pages = {}  # type: dict[str, Callable[[Handler], None]]
        self._closing = threading.Event()

        class Pages(Handler):
            def do_GET(self) -> None:
                page = pages.get(urlsplit(self.path).path)  # a whole URL from clients of a proxy
                if page:
                    page(self)
                else:
                    self.send_error(404)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._server.serve_forever).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _page(self, name: str, page: Callable[[Handler], None]) -> str:
        self._pages[f"/{name}"] = page
        return f"{self.url}/{name}"

    def serve(self, name: str, content: bytes, kind: str = "") -> str:
        """The URL of a page that answers with `content`, which is of the given content type."""

        def page(handler: Handler) -> None:
            handler.send_response(200)
            if kind:
                handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        return self._page(name, page)

    def hold(self, name: str, content: bytes = b"") -> Held:
        """A page that answers with `content` once it is let go on."""
        held = Held(self._closing)

        def page(handler: Handler) -> None:
            held.wait()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        held.url = self._page(name, page)
        return held

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def endless_redirect(self, name: str, target: str) -> str:
        """A page that redirects, with a body that never ends."""

        def page(handler: Handler) -> None:
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.end_headers()
            with contextlib.suppress(OSError):
                while not self._closing.is_set():
                    handler.wfile.write(b"x" * 100_000)

        return self._page(name, page)

    def redirect(self, name: str, target: str) -> str:
        def page(handler: Handler) -> None:
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.end_headers()

        return self._page(name, page)

    def drip(self, name: str, *, in_headers: bool = False) -> str:
        """A page that sends a byte a second, in its body or already in its headers."""

        def page(handler: Handler) -> None:
            handler.send_response(200)
            if not in_headers:
                handler.send_header("Content-Length", "1000")
                handler.end_headers()
            while not self._closing.is_set():
                handler.wfile.write(b"x")
                handler.wfile.flush()
                self._closing.wait(1)

        return self._page(name, page)

    def call(self, name: str, tell: Callable[[], None]) -> str:
        """A page that tells when it is asked for, and then keeps its reader waiting."""

        def page(_handler: Handler) -> None:
            tell()
            self._closing.wait()

        return self._page(name, page)

    def endless(self, name: str) -> str:
        def page(handler: Handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while not self._closing.is_set():
                handler.wfile.write(b"x" * 100_000)

        return self._page(name, page)

    def cut(self, name: str) -> str:
        """A page that promises more than it sends."""

        def page(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"half")

        return self._page(name, page)

    def slow(self, name: str, content: bytes, seconds: float) -> str:
        def page(handler: Handler) -> None:
            time.sleep(seconds)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        return self._page(name, page)
