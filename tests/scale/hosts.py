"""«Hosts» on one machine: network namespaces with links of their own, or process groups where that cannot be had.

A host that is cut off reaches neither database nor Redis. As a namespace it lives on, and the platforms and its web
server's callers still reach it; as a process group it is frozen, and believes afterwards that no time has passed.
"""

import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from commands.supervisor import Supervisor, child, command
from tests import servers

PGPORT, REDIS_PORT = 25432, 26379


class Network(Protocol):
    """What hosts stand in. Addresses are of the services as a host sees them, and of a host as all others see it."""

    data: str
    """Where database and Redis listen; empty: on sockets in the file system."""
    platforms: str

    def address(self, host: int) -> str: ...

    def enter(self, host: int) -> list[str]:
        """What to write before a command to run it on that host."""

    def cut(self, host: int, pids: list[int]) -> None: ...

    def heal(self, host: int, pids: list[int]) -> None: ...


class Namespaces:
    """Every host has a link to the data and one to the world; addresses are of the range for benchmarks."""

    def __init__(self) -> None:
        self._number = secrets.randbelow(200)
        self._tag = secrets.token_hex(2)
        self.data = f"198.18.{self._number}.1"
        self.platforms = f"198.19.{self._number}.1"

    def address(self, host: int) -> str:
        return f"198.19.{self._number}.{host * 4 + 10}"

    def enter(self, host: int) -> list[str]:
        return ["ip", "netns", "exec", self._name(host)]

    def cut(self, host: int, pids: list[int]) -> None:
        _ip("link", "set", "dev", self._link(host, "data"), "down")

    def heal(self, host: int, pids: list[int]) -> None:
        _ip("link", "set", "dev", self._link(host, "data"), "up")
        _ip("route", "replace", f"198.18.{self._number}.{host * 4 + 10}", "dev", self._link(host, "data"))

    @contextmanager
    def up(self, hosts: int) -> Iterator["Namespaces"]:
        """Raises CalledProcessError where this machine does not let us."""
        with ExitStack() as undo:
            for address in (self.data, self.platforms):
                _ip("address", "add", f"{address}/32", "dev", "lo")
                undo.callback(_ip, "address", "del", f"{address}/32", "dev", "lo")
            for host in range(hosts):
                _ip("netns", "add", self._name(host))
                undo.callback(_ip, "netns", "del", self._name(host))
                _ip("-n", self._name(host), "link", "set", "dev", "lo", "up")
                self._connect(host, "data", "198.18", self.data)
                self._connect(host, "world", "198.19", self.platforms)
            yield self

    def _connect(self, host: int, kind: str, block: str, service: str) -> None:
        """One link: a service's address on our end, the host's on the other."""
        inside, link, own = self._name(host), self._link(host, kind), f"{block}.{self._number}.{host * 4 + 10}"
        _ip("link", "add", link, "type", "veth", "peer", "name", kind, "netns", inside)
        _ip("-n", inside, "address", "add", f"{own}/32", "dev", kind)
        for words in (["-n", inside, "link", "set", "dev", kind, "up"], ["link", "set", "dev", link, "up"]):
            _ip(*words)
        _ip("-n", inside, "route", "add", service, "dev", kind, "src", own)
        _ip("route", "add", own, "dev", link, "src", service)

    def _name(self, host: int) -> str:
        return f"qd{self._tag}{host}"

    def _link(self, host: int, kind: str) -> str:
        return f"qd{self._tag}{host}{kind}"


class Groups:
    """Every host is the process groups of its parts, on the addresses of this machine."""

    data = ""
    platforms = "127.0.0.1"

    def address(self, host: int) -> str:
        return f"127.0.0.{host + 2}"

    def enter(self, host: int) -> list[str]:
        return []

    def cut(self, host: int, pids: list[int]) -> None:
        for pid in pids:
            os.killpg(pid, signal.SIGSTOP)

    def heal(self, host: int, pids: list[int]) -> None:
        for pid in pids:
            os.killpg(pid, signal.SIGCONT)


class NotHere(Exception):
    """This machine cannot have such hosts; the message says why."""


@contextmanager
def namespaces(hosts: int) -> Iterator[Network]:
    """Raises NotHere."""
    if os.geteuid() != 0:
        raise NotHere("network namespaces need root")
    if shutil.which("ip") is None:
        raise NotHere("network namespaces need iproute2")
    with ExitStack() as stack:
        try:
            made = stack.enter_context(Namespaces().up(hosts))
        except subprocess.CalledProcessError as error:
            raise NotHere(f"no network namespaces: {error.stderr.strip()}") from None
        yield made


@contextmanager
def groups(_hosts: int) -> Iterator[Network]:
    yield Groups()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Data:
    """The one database and the one Redis of all hosts, as we see them and as the hosts do."""

    database: str
    redis: str
    surroundings: Mapping[str, str]


@contextmanager
def data(network: Network) -> Iterator[Data]:
    """Fresh servers that the hosts of this network reach. Raises ServerMissing."""
    address = network.data
    listen = ((address, PGPORT), (address, REDIS_PORT)) if address else (None, None)
    with servers.postgres(listen=listen[0]) as cluster, servers.valkey(listen[1]) as redis_url:
        name = cluster.create_database()
        url = cluster.url(name)
        seen = {"QUDAO_DATABASE_URL": url, "QUDAO_REDIS_URL": redis_url}
        if address:
            seen = {
                "QUDAO_DATABASE_URL": f"postgresql://postgres@{address}:{PGPORT}/{name}",
                "QUDAO_REDIS_URL": f"redis://{address}:{REDIS_PORT}",
            }
        yield Data(url, redis_url, seen)


@dataclass
class Host:
    """The parts of the product on one host, restarted when they die, as everywhere."""

    number: int
    network: Network
    folder: Path
    settings: Mapping[str, str]
    workers: int
    port: int
    supervisor: Supervisor = field(init=False)
    _thread: threading.Thread = field(init=False)
    _frozen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        words = {
            "web": ("serve", "--host", self.network.address(self.number), "--port", str(self.port)),
            "worker": ("worker", "--count", str(self.workers)),
            "beat": ("beat",),
            "listen": ("listen",),
        }
        around = {**self.settings, "QUDAO_DATA_DIR": str(self.folder)}
        enter = self.network.enter(self.number)
        self.supervisor = Supervisor(
            [child(n, [*enter, *command(*w)], around, log=self.folder / f"{n}.log") for n, w in words.items()]
        )
        self._thread = threading.Thread(target=self.supervisor.run, name=f"host {self.number}")

    @property
    def url(self) -> str:
        return f"http://{self.network.address(self.number)}:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Host"]:
        self._thread.start()
        try:
            yield self
        finally:
            self.heal()
            self.supervisor.stop()
            self._thread.join()

    def cut(self) -> None:
        """From now on this host reaches neither database nor Redis."""
        self._frozen = list(self.supervisor.pids().values())
        self.network.cut(self.number, self._frozen)

    def heal(self) -> None:
        if self._frozen:
            self.network.heal(self.number, self._frozen)
            self._frozen = []

    def said(self) -> str:
        """What its parts logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))
