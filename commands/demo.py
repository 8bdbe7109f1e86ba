"""`qudao demo`: the whole loop on simulated platforms, from an empty folder to a table that says whether all agree.

The product runs as under `qudao up`; platforms, buyers and ERP are outside of it and know only its protocols.
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.demo_result import Journal, Result, compare
from commands.supervisor import Hopeless, Part, Supervisor, child, command, program
from commands.terminal import NO, SETTINGS, AsJson, Stop, console, print_json, say
from commands.up import migrate, parts

if TYPE_CHECKING:
    from core.settings import Settings
    from examples.sandbox_control import SandboxControl

KEPT = ("QUDAO_DATABASE_URL", "QUDAO_LANG", "QUDAO_LOG_LEVEL")
"""The only settings of the surroundings that a demo takes over."""
POLL_SECONDS = 10
"""Quicker than in production, so that what a lost push told of is seen while somebody watches."""
FIRST_PULL_DAYS = 0.04
"""The simulated shops have no past before the demo."""
READY_SECONDS = 60
LOOK_SECONDS = 1.0
RISK_SECONDS = 8
"""How long the simulated risk control holds an order."""
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("throttle", {"probability": 0.01}),
    ("http_5xx", {"probability": 0.02}),
    ("html", {"probability": 0.01}),
    ("truncated", {"probability": 0.01, "spare_tokens": True}),
    ("timeout_before", {"probability": 0.01, "seconds": 0.5}),
    ("timeout_after", {"probability": 0.02, "seconds": 0.5, "spare_tokens": True}),
    ("drop_push", {"probability": 0.05}),
    ("duplicate_push", {"probability": 0.05}),
    ("reorder_push", {"probability": 0.05}),
    ("token_death", {"probability": 0.02, "times": 1}),
)
"""Tokens die, but no answer that brings new ones is lost after the platform has replaced them: on Taobao and Pinduoduo
only the seller could mend that, by authorising the app again. (JD keeps the tokens' values, Douyin hands them out
again to the seller's own app.)
"""


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


@dataclass
class Stage:
    """Where a demo plays: its folder and addresses, and what the ERP has printed until now."""

    folder: Path
    sandbox_port: int
    web_port: int
    channels: list[str]
    journal: Journal = field(default_factory=Journal)
    read_to: int = 0

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def read_journal(self) -> Journal:
        """What is new in the ERP's output, up to its last whole line."""
        path = self.folder / "erp.jsonl"
        if path.exists():
            with path.open("rb") as file:
                file.seek(self.read_to)
                whole = file.read().rpartition(b"\n")[0]
            if whole:
                self.read_to += len(whole) + 1
                self.journal.read(whole.decode().splitlines())
        return self.journal


def demo(
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="How many orders buyers place · 下单总数。")] = 200,
    seed: Annotated[int, typer.Option(help="Same seed, same buyers, goods and faults · 随机种子。")] = 1,
    duration: Annotated[float, typer.Option(min=0, help="Seconds over which they are placed · 下单时长（秒）。")] = 60,
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to wait for agreement after that · 等待一致的时间。")
    ] = 180,
    faults: Annotated[bool, typer.Option(help="Platforms misbehave · 是否注入平台故障。")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes · 工作进程数。")] = 3,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the folder with database and logs · 保留数据目录。")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to play; must be empty · 演示目录。")] = None,
    json: AsJson = False,
) -> None:
    """Watch simulated orders go all the way round · 演示完整闭环。"""
    from connectors import CHANNELS

    with _folder(folder, keep=keep) as place:
        stage = Stage(place, _free_port(), _free_port(), sorted(CHANNELS))
        configured = _surroundings(stage)
        supervisor = Supervisor(_cast(stage, configured, seed, workers), say)
        with _running(supervisor) as failed:
            result = _play(
                stage, configured, orders, seed, duration, patience, faults=faults, failed=failed, bar=not json
            )
    if json:
        print_json(result.as_json())
    else:
        _table(result)
        for note in result.notes:
            say(note)
    for reason in result.reasons[:20]:
        say(reason)
    if not result.ok:
        raise Stop(f"{len(result.reasons)} things do not agree", f"有 {len(result.reasons)} 处不一致", NO)


@contextlib.contextmanager
def _folder(wanted: Path | None, *, keep: bool) -> Iterator[Path]:
    """A fresh folder, which is also the working folder while it lasts, so that nobody's `qudao.toml` counts."""
    if wanted is not None and wanted.exists() and any(wanted.iterdir()):
        raise Stop(f"{wanted} is not empty", "目录不为空", SETTINGS)
    place = Path(tempfile.mkdtemp(prefix="qudao-demo-")) if wanted is None else wanted.absolute()
    place.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(place)
    try:
        yield place
    finally:
        os.chdir(before)
        if keep:
            say(f"kept in {place}", "数据已保留")
        else:
            shutil.rmtree(place, ignore_errors=True)


def _surroundings(stage: Stage) -> "Settings":
    """Settings of this demo and nothing else, in the environment too, where the children find them."""
    from core.settings import Settings
    from sync import embedded

    for name in [name for name in os.environ if name.startswith("QUDAO_") and name not in KEPT]:
        del os.environ[name]
    os.environ |= {
        "QUDAO_DATA_DIR": str(stage.folder),
        "QUDAO_POLL_ORDERS_SECONDS": str(POLL_SECONDS),
        "QUDAO_POLL_AFTER_SALES_SECONDS": str(POLL_SECONDS),
        "QUDAO_FIRST_PULL_DAYS": str(FIRST_PULL_DAYS),
        **{f"QUDAO_{code.upper()}_GATEWAY": stage.sandbox for code in stage.channels},
    }
    os.environ.setdefault("QUDAO_LOG_LEVEL", "warning")
    return embedded.with_redis(Settings.load())


def _cast(stage: Stage, configured: "Settings", seed: int, workers: int) -> list[Part]:
    """Everything that runs: the platforms, the product, the ERP."""
    from core.db.shops import all_shops
    from sync import keys
    from sync.runtime import Runtime

    migrate(configured)
    runtime = Runtime.open(configured)
    with runtime.database.read() as connection:
        if all_shops(connection):
            raise Stop("the demo wants an empty database", "演示需要空数据库", SETTINGS)
    key = keys.create(runtime, "demo").plain
    runtime.close()
    log = stage.folder / "log"
    sandbox = child("sandbox", command("sandbox", "--port", str(stage.sandbox_port), "--seed", str(seed)), {}, log=log)
    sandbox.foundation = sandbox.once = True
    script = Path(__file__).parents[1] / "examples" / "demo_erp.py"
    erp = child(
        "erp",
        program(script, stage.web, "--deliveries", "6", "--state", str(stage.folder / "erp.cursor")),
        {"QUDAO_KEY": key},
        log=log,
        output=stage.folder / "erp.jsonl",
    )
    return [sandbox, *parts(configured, "127.0.0.1", stage.web_port, workers, log=log), erp]


@contextlib.contextmanager
def _running(supervisor: Supervisor) -> Iterator[list[Hopeless]]:
    """Supervises in a thread; Ctrl-C and SIGTERM end the block, and every child is gone after it."""
    failed: list[Hopeless] = []

    def supervise() -> None:
        try:
            supervisor.run()
        except Hopeless as hopeless:
            failed.append(hopeless)

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    thread = threading.Thread(target=supervise, name="supervisor")
    thread.start()
    try:
        yield failed
    finally:
        supervisor.stop()
        thread.join()
        signal.signal(signal.SIGTERM, before)


def _play(
    stage: Stage,
    configured: "Settings",
    orders: int,
    seed: int,
    duration: float,
    patience: float,
    *,
    faults: bool,
    failed: list[Hopeless],
    bar: bool,
) -> Result:
    from examples.sandbox_control import SandboxControl

    with SandboxControl(stage.sandbox) as sandbox, _board(stage, orders, shown=bar) as show:
        _until(sandbox.answers, READY_SECONDS, failed, "the sandbox does not answer")
        _open_shops(stage, configured, sandbox, faults=faults)
        _until(lambda: _goods_known(stage), READY_SECONDS, failed, "the ERP did not learn of any goods")
        buyers = Buyers(sandbox, stage.channels, random.Random(seed), orders, duration)
        deadline = 0.0
        while True:
            done = buyers.act(LOOK_SECONDS)
            deadline = deadline if not done else deadline or time.monotonic() + patience
            result = compare(sandbox.truth(), stage.read_journal(), stage.channels)
            show(result)
            if failed:
                raise Stop(f"{failed[0].name} ended with {failed[0].code}; see {stage.folder / 'log'}", "子进程退出")
            if done and (result.ok or time.monotonic() > deadline):
                return result


def _open_shops(stage: Stage, configured: "Settings", sandbox: "SandboxControl", *, faults: bool) -> None:
    """Connects every simulated shop and says where its channel is to push, as an operator would."""
    from commands.shop import add_from_sandbox
    from connectors import CHANNELS
    from core.channel import Push
    from sync.runtime import Runtime

    sandbox.settings(risk_hold=RISK_SECONDS)
    for code in stage.channels:
        if CHANNELS[code].channel.push is Push.WEBHOOK:
            sandbox.callback(code, f"{stage.web}/hooks/{code}")
        for kind, options in FAULTS if faults else ():
            sandbox.fault(kind, code, **options)
    runtime = Runtime.open(configured)
    try:
        add_from_sandbox(runtime, stage.sandbox)
    finally:
        runtime.close()


@dataclass
class Buyers:
    """People who order, pay at once or later, or think better of it."""

    sandbox: "SandboxControl"
    channels: list[str]
    chance: random.Random
    orders: int
    duration: float
    placed: int = 0
    began: float = field(default_factory=time.monotonic)
    undecided: list[tuple[float, str, str]] = field(default_factory=list)

    def act(self, seconds: float) -> bool:
        """Does what is due in the next seconds. True once every order is placed and decided."""
        end = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            while self.placed < self.orders and now - self.began >= self.duration * self.placed / self.orders:
                self._order(now)
            for due in [entry for entry in self.undecided if entry[0] <= now]:
                self.undecided.remove(due)
                self.sandbox.step(due[1], due[2])
            if now >= end:
                return self.placed == self.orders and not self.undecided
            time.sleep(0.02)

    def _order(self, now: float) -> None:
        from connectors import CHANNELS

        channel = self.channels[self.placed % len(self.channels)]
        self.placed += 1
        undecided = self.chance.random() < 0.1
        # An order that is not shown before it is paid, and never is, cannot be in any feed.
        ends = ("pay", "cancel") if CHANNELS[channel].channel.shows_unpaid else ("pay",)
        for order_id in self.sandbox.place(channel, paid=not undecided, restock=False):
            if undecided:
                self.undecided.append((now + 2 + 3 * self.chance.random(), order_id, self.chance.choice(ends)))


def _goods_known(stage: Stage) -> bool:
    shops = {shop.partition(":")[0] for shop, _ in stage.read_journal().prices}
    return shops == set(stage.channels)


def _until(reached: Callable[[], bool], seconds: float, failed: list[Hopeless], otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if failed or time.monotonic() > deadline:
            raise Stop(otherwise, "演示未能启动")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _board(stage: Stage, orders: int, *, shown: bool) -> Iterator[Callable[[Result], None]]:
    """Live progress on stderr, one line per channel."""
    from commands.terminal import progress_lines

    with progress_lines({name: orders / len(stage.channels) for name in stage.channels}, shown=shown) as update:

        def show(result: Result) -> None:
            for name, row in result.channels.items():
                words = f"placed {row.placed} · in feed {row.in_feed} · shipped {row.shipped} · accepted {row.accepted}"
                update(name, row.accepted, words)

        yield show


def _table(result: Result) -> None:
    from rich.table import Table

    table = Table(title="Do all sides agree? · 各方是否一致")
    table.add_column("channel")
    names = list(next(iter(result.channels.values())).__dict__)
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for name, row in result.channels.items():
        values = row.__dict__.values()
        table.add_row(
            name, *("yes" if v is True else "no" if v is False else "" if v is None else str(v) for v in values)
        )
    console().print(table)
