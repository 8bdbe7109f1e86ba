"""Somebody's server that takes webhooks, as a test wants it to answer."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def object(self) -> str:
        return str(self.event["subject"])

    @property
    def revision(self) -> int:
        return int(self.event["revision"])


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


OK = Answer()


@dataclass
class Target:
    """`decide` is asked for every request; what it took is in `got`, in the order of arrival."""

    url: str
    decide: Callable[[Got], Answer] = lambda _: OK
    got: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sequence(self) -> list[tuple[str, int]]:
        return [(got.object, got.revision) for got in self.got]


@contextmanager
def target(port: int = 0) -> Iterator[Target]:
    """A running server on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            got = Got(dict(self.headers.items()), self.rfile.read(length))
            if len(got.body) < length:  # its sender was killed
                self.close_connection = True
                return
            with found.lock:
                found.got.append(got)
            answer = found.decide(got)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """A sender that is killed hangs up."""

    server = Server(("127.0.0.1", port), Handler)
    found = Target(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
