"""The whole evening on simulated platforms: buyers order, Tryton sells and ships, and a table says whether all agree.

    python -m examples.tryton.play --tryton PYTHON      (a Python that has Tryton; `make example-tryton` makes one)

Sandbox, Qudao, integration and warehouse are processes of their own. The integration is killed thrice: between the
commit of its sales and their acknowledgement, while orders come in, and while shipments are told. Exit code 0 means
that everything agrees.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from examples.erp_client import Qudao
from examples.sandbox_control import SandboxControl
from examples.tryton.decisions import mapping
from examples.tryton.verdict import Row, Verdict, compare

CHANNELS = ("douyin", "jd", "pinduoduo", "taobao")
HERE = Path(__file__).parents[2]
READY_SECONDS = 120
QUIET_SECONDS = 12
SETTINGS = {
    "QUDAO_POLL_ORDERS_SECONDS": "5",
    "QUDAO_POLL_AFTER_SALES_SECONDS": "5",
    "QUDAO_FIRST_PULL_DAYS": "0.04",
    "QUDAO_LOG_LEVEL": "warning",
    "QUDAO_LANG": "en",
}
"""Quicker than in production, and the simulated shops have no past."""


@dataclass
class Stage:
    """Where it plays, and everything that runs. Processes end with it."""

    folder: Path
    tryton: str
    sandbox_port: int
    web_port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def environment(self, **more: str) -> dict[str, str]:
        """Of this play and nothing else: no setting of the surroundings counts."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("QUDAO_", "TRYTON"))}
        gateways = {f"QUDAO_{channel.upper()}_GATEWAY": self.sandbox for channel in CHANNELS}
        data = {"QUDAO_DATA_DIR": str(self.folder / "qudao"), "PYTHONPATH": str(HERE)}
        return plain | SETTINGS | gateways | data | more

    def start(self, name: str, *words: str, **more: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own words
                words, env=self.environment(**more), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)
        return process

    def ask(self, *words: str, **more: str) -> str:
        """Runs a command to its end; its output. Raises when it fails."""
        done = subprocess.run(  # noqa: S603 - our own words
            words, env=self.environment(**more), cwd=self.folder, capture_output=True, check=False, text=True
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def qudao(self, *words: str) -> str:
        return self.ask(str(Path(sys.executable).with_name("qudao")), *words)

    def books(self) -> dict[str, Any]:
        """What Tryton's books say."""
        found: dict[str, Any] = json.loads(self.ask(self.tryton, "-m", "examples.tryton.report", self.database))
        return found

    @property
    def database(self) -> str:
        return str(self.folder / "tryton")

    def integrate(self, key: str, *words: str) -> subprocess.Popen[bytes]:
        module = (self.tryton, "-m", "examples.tryton.integration", self.database, self.web)
        return self.start("integration", *module, *words, QUDAO_KEY=key)

    def end(self) -> None:
        """Last started, first ended."""
        for process in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


@dataclass
class Buyers:
    """People who order, pay at once or later, think better of it, or want their money back before it is sent."""

    sandbox: SandboxControl
    chance: random.Random
    undecided: list[tuple[str, str]] = field(default_factory=list)
    """Channel and order."""
    unhappy: list[str] = field(default_factory=list)

    def order(self, number: int) -> None:
        channel = CHANNELS[number % len(CHANNELS)]
        fate = self.chance.random()
        later = fate < 0.15
        for order_id in self.sandbox.place(channel, paid=not later, restock=False):
            if later:
                self.undecided.append((channel, order_id))
            elif fate > 0.8:
                self.unhappy.append(order_id)

    def make_up_their_minds(self) -> None:
        """On Pinduoduo all pay: what is never paid is never shown there, and only a nightly comparison finds that the
        pieces it held are back.
        """
        for number, (channel, order_id) in enumerate(self.undecided):
            self.sandbox.step(order_id, "cancel" if number % 2 and channel != "pinduoduo" else "pay")

    def want_their_money_back(self) -> None:
        for order_id in self.unhappy:
            self.sandbox.step(order_id, "request_refund")

    def get_it(self) -> None:
        for order_id in self.unhappy:
            self.sandbox.step(order_id, "agree_refund")
            self.sandbox.step(order_id, "refund_paid")


def play(stage: Stage, orders: int, seed: int) -> Verdict:
    with SandboxControl(stage.sandbox) as sandbox:
        key = set_the_stage(stage, sandbox, seed)
        with Qudao(stage.web, key, patience=READY_SECONDS) as qudao:
            until(lambda: all_goods_known(qudao, sandbox), "Qudao knows all goods")
            tell("founding a company in Tryton, a shop for every channel shop, products on shelves")
            founding = (stage.tryton, "-m", "examples.tryton.founding", stage.database, stage.web)
            stage.ask(*founding, QUDAO_KEY=key)
            buyers = Buyers(sandbox, random.Random(seed))
            die_between_sale_and_acknowledgement(stage, key, qudao, buyers)
            integration = stage.integrate(key)
            tell(f"{orders} orders come in")
            for number in range(len(CHANNELS), orders):
                buyers.order(number)
                time.sleep(0.2)
            buyers.want_their_money_back()
            buyers.make_up_their_minds()
            tell(f"{len(buyers.undecided)} buyers paid late or not at all, {len(buyers.unhappy)} want their money back")
            time.sleep(5)
            integration = killed_and_started(stage, key, integration)
            buyers.get_it()
            until(lambda: is_calm(qudao), "Tryton has heard of everything")
            tell("the warehouse packs and sends")
            stage.ask(stage.tryton, "-m", "examples.tryton.warehouse", stage.database)
            time.sleep(2)
            killed_and_started(stage, key, integration)
            return until_all_agree(stage, sandbox, qudao)


def set_the_stage(stage: Stage, sandbox: SandboxControl, seed: int) -> str:
    """Sandbox and Qudao as a user starts them; the ERP's key."""
    tell(f"platforms on {stage.sandbox}, Qudao on {stage.web}, everything kept in {stage.folder}")
    qudao = str(Path(sys.executable).with_name("qudao"))
    stage.start("sandbox", qudao, "sandbox", "--port", str(stage.sandbox_port), "--seed", str(seed))
    until(sandbox.answers, "the platforms answer")
    sandbox.settings(risk_hold=5)
    sandbox.callback("douyin", f"{stage.web}/hooks/douyin")
    stage.qudao("shop", "add", "--from-sandbox", stage.sandbox)
    stage.start("qudao", qudao, "up", "--port", str(stage.web_port), "--workers", "2")
    until(lambda: httpx.get(f"{stage.web}/readyz", trust_env=False).status_code == 200, "Qudao is ready")
    return stage.qudao("key", "create", "tryton").split()[-1]


def die_between_sale_and_acknowledgement(stage: Stage, key: str, qudao: Qudao, buyers: Buyers) -> None:
    """An order is sold in Tryton, Qudao does not know that; after a restart it must not be sold again."""
    doomed = stage.integrate(key, "--die-before-ack")
    for number in range(len(CHANNELS)):
        buyers.order(number)
    until(lambda: doomed.poll() is not None, "the integration has sold something")
    sold = len(stage.books()["sales"])
    (consumer,) = [each for each in qudao.consumers() if each["name"] == "tryton"]
    if doomed.returncode != -signal.SIGKILL or not sold or not consumer["lag"]:
        raise SystemExit(f"it should have been killed after a sale: {doomed.returncode}, {sold} sold, {consumer}")
    tell(f"killed between sale and acknowledgement: {sold} sold, {consumer['lag']} events come again")


def killed_and_started(stage: Stage, key: str, integration: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """At whatever it was doing."""
    integration.kill()
    integration.wait()
    tell("the integration was killed, and is started again")
    return stage.integrate(key)


def all_goods_known(qudao: Qudao, sandbox: SandboxControl) -> bool:
    wanted = {
        sku for each in sandbox.truth()["channels"].values() for shop in each["shops"].values() for sku in shop["skus"]
    }
    return wanted <= {row["sku_id"] for row in qudao.stock()}


def is_calm(qudao: Qudao) -> bool:
    """Nothing new for so long that every channel was asked twice, and Tryton has acknowledged it all."""
    news = qudao.feed("now", wait=QUIET_SECONDS)["events"]
    (consumer,) = [each for each in qudao.consumers() if each["name"] == "tryton"]
    return not news and consumer["lag"] == 0


def until_all_agree(stage: Stage, sandbox: SandboxControl, qudao: Qudao) -> Verdict:
    """The warehouse works until there is nothing left to say, or patience ends."""
    goods = {(shop, sku): parts[0][0] for (shop, _, sku), parts in mapping(list(qudao.stock())).items()}
    deadline = time.monotonic() + READY_SECONDS
    while True:
        stage.ask(stage.tryton, "-m", "examples.tryton.warehouse", stage.database)
        time.sleep(3)
        books = stage.books()
        truth = sandbox.truth()
        verdict = compare(truth, books["sales"], books["free"], goods)
        if verdict.ok or time.monotonic() > deadline:
            (stage.folder / "truth.json").write_text(json.dumps(truth, indent=1))
            return verdict


def until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(httpx.TransportError):
            if reached():
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {READY_SECONDS} s in vain until {what}")
        time.sleep(0.3)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tell(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def table(verdict: Verdict) -> None:
    names = list(Row.__dataclass_fields__)
    print(f"\n{'channel':<10}" + "".join(f"{name.replace('_', ' '):>15}" for name in names))
    for channel, row in verdict.rows.items():
        print(f"{channel:<10}" + "".join(f"{getattr(row, name):>15}" for name in names))
    for reason in verdict.reasons[:20]:
        print(reason)
    print("Tryton and the platforms agree." if verdict.ok else f"{len(verdict.reasons)} things do not agree.")


@contextlib.contextmanager
def place(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        wanted.mkdir(parents=True)
        yield wanted.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="qudao-tryton-") as folder:
        yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Tryton on simulated platforms, from an empty folder to a table.")
    parser.add_argument("--tryton", required=True, help="a Python that has Tryton and httpx")
    parser.add_argument("--orders", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="a new folder that is kept")
    options = parser.parse_args()
    with place(options.folder) as folder:
        stage = Stage(folder, os.path.abspath(options.tryton), free_port(), free_port())  # noqa: PTH100 - resolve() would leave the venv
        try:
            verdict = play(stage, options.orders, options.seed)
        finally:
            stage.end()
    table(verdict)
    sys.exit(not verdict.ok)


if __name__ == "__main__":
    main()
