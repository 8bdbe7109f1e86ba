"""A whole run as under `qudao up`, with everything that people write and everything that may go wrong with it: real
processes, the sandbox beside them, a subscriber that answers with what it was sent, and Redis overheard.
"""

import http.server
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis
import sqlalchemy as sa
import uvicorn

from bench._servers import free_port, played
from commands.shop import add_from_sandbox
from commands.up import parts
from connectors import CHANNELS
from core.access import KeyScope
from core.db import Database, keys
from core.db.keys import Grant
from core.db.migrations import upgrade
from core.db.tables import metadata
from core.settings import Settings
from sandbox.model import Buyer, Order
from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from sandbox.steps import STEPS
from sync import embedded
from sync.runtime import Runtime

LOOPBACK = "127.0.0.0/8"


@dataclass
class Run:
    """What a run left, place by place, and the people that were in it."""

    sandbox: Sandbox
    runtime: Runtime
    folder: Path
    web: str
    erp: httpx.Client
    refusals: list[str] = field(default_factory=list)
    """The bodies of all problems."""
    overheard: list[str] = field(default_factory=list)
    """Every command that Redis got."""

    def people(self) -> set[str]:
        """Every name, phone and street of everybody who ordered, or was to get it."""
        found = set()
        for order in self.orders():
            for person in (order.buyer, order.wanted_address):
                if person is not None:
                    found |= parts_of(person)
        return found

    def orders(self) -> list[Order]:
        return [order for code in CHANNELS for order in self.sandbox.world.all_orders(code)]

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request of the ERP, as soon as a budget has room for it; refusals are kept."""
        while True:
            answer = self.erp.request(method, path, **request)
            if answer.status_code >= 400:
                self.refusals.append(answer.text)
            if answer.status_code != 429:
                return answer
            time.sleep(float(answer.headers["Retry-After"]))

    def command(self, method: str, path: str, body: Any) -> httpx.Response:
        """One command under a key of its own."""
        return self.ask(method, path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def until(self, what: str, check: Callable[[], Any], seconds: float = 90) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < deadline, f"{what}\n{self.log()[-4000:]}"
            time.sleep(0.2)
        return found

    def log(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*.log"))

    def places(self) -> dict[str, bytes]:
        """Everything that is left: all files (the database, its journal, Redis' own, the logs), each table as a client
        of the database sees it, what Redis was told, every refusal and the metrics."""
        found = {str(path.name): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        with self.runtime.database.read() as connection:
            for table in metadata.tables.values():
                rows = connection.execute(sa.select(table)).all()
                values = (value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
                found[f"table {table.name}"] = b"\n".join(values)
        found["refusals"] = "\n".join(self.refusals).encode()
        found["redis"] = "\n".join(self.overheard).encode()
        found["metrics"] = self.erp.get("/metrics").content
        return found


def parts_of(person: Buyer) -> set[str]:
    return {person.name, person.phone, person.address.detail}


@contextmanager
def running(database: Database, folder: Path) -> Iterator[Run]:
    """The product, ready: shops connected, goods known."""
    url = database.url.render_as_string(hide_password=False)
    upgrade(database)
    with ExitStack() as stack:
        sandbox = Sandbox(seed=7)
        gateway = stack.enter_context(_served(create_app(sandbox), ws="websockets-sansio"))
        settings = Settings(data_dir=folder, database_url=url, gateways=dict.fromkeys(CHANNELS, gateway))
        settings = embedded.with_redis(settings.model_copy(update={"first_pull_days": 0.002}))
        runtime = Runtime.open(settings)
        stack.callback(runtime.close)
        port = free_port()
        around = {
            "QUDAO_DATABASE_URL": url,
            "QUDAO_LOG_LEVEL": "debug",
            "QUDAO_FIRST_PULL_DAYS": "0.002",
            "QUDAO_POLL_ORDERS_SECONDS": "2",
            "QUDAO_WEBHOOK_ALLOW_NETWORKS": LOOPBACK,
            **{f"QUDAO_{code.upper()}_GATEWAY": gateway for code in CHANNELS},
        }
        cast = parts(settings, "127.0.0.1", port, 3, environment=around, log=folder / "parts.log")
        stack.enter_context(played(cast))
        web = f"http://127.0.0.1:{port}"
        with runtime.database.write() as connection:
            grant = Grant(scopes=frozenset(KeyScope))
            key = keys.create(connection, "everything", runtime.clock.now(), grant).plain
        headers = {"Authorization": f"Bearer {key}"}
        erp = stack.enter_context(httpx.Client(base_url=web, headers=headers, timeout=40, trust_env=False))
        run = Run(sandbox, runtime, folder, web, erp)
        stack.enter_context(_overhearing(run))
        run.until("the server does not answer", lambda: _answers(erp))
        callbacks = sandbox.platforms["douyin"].callbacks
        assert callbacks is not None
        callbacks.set_url(f"{web}/hooks/douyin")
        add_from_sandbox(runtime, gateway)
        yield run


@contextmanager
def echo() -> Iterator[str]:
    """A subscriber that answers with what it was sent, from the buyer's note on."""

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = body[max(0, body.find(b'"buyer_note"')) :]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class says so
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/events"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def step(run: Run, order: Order, name: str, **arguments: Any) -> None:
    with run.sandbox.world.lock:
        STEPS[name](run.sandbox.world, order, **arguments)


def sentence(person: Buyer) -> str:
    """What people write into the wrong field."""
    return f"{person.name} {person.phone} {person.address.detail}"


def to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@contextmanager
def _served(app: Any, **options: Any) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _overhearing(run: Run) -> Iterator[None]:
    """Every command that Redis gets from now on."""
    client = redis.Redis.from_url(run.runtime.settings.redis_url, socket_timeout=None)
    run.until("Redis does not answer", lambda: embedded.answers(run.runtime.settings.redis_url))
    over = threading.Event()

    def listen() -> None:
        overheard: Any = client  # the library leaves it untyped
        with overheard.monitor() as monitor:
            while not over.is_set():
                run.overheard.append(monitor.next_command()["command"])

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        over.set()
        client.ping()  # one more command, so that the listener looks up
        thread.join()
        client.close()


def _answers(erp: httpx.Client) -> bool:
    try:
        return erp.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
