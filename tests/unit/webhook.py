"""A web server of one's own that remembers what was posted to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Webhook:
    """Its address, and the bodies posted to it so far."""

    url: str
    posted: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def webhook(answer: int = 200, path: str = "/hook?token=secret-of-the-hook") -> Iterator[Webhook]:
    """Listen on this machine while the body runs, and answer every post with `answer`."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append(json.loads(self.rfile.read(length)))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Webhook(f"http://127.0.0.1:{server.server_port}{path}", posted)
    finally:
        server.shutdown()
        server.server_close()
