"""`qudao up`: everything in one command on embedded defaults."""

import functools
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.parts import Host, Port, refuse_taken
from commands.supervisor import Hopeless, Part, Supervisor, child, command
from commands.terminal import SETTINGS, Stop, say, settings

if TYPE_CHECKING:
    from core.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command()(up)


def up(
    host: Host = "",
    port: Port = 0,
    workers: Annotated[
        int, typer.Option(min=0, help="0: QUDAO_WORKERS, else 3 · 工作进程数。", show_default=False)
    ] = 0,
) -> None:
    """Run everything: migrate, Redis, web, workers, beat, listen, webhooks · 一条命令启动全部。"""
    configured = settings()
    host, port = host or configured.host, port or configured.port
    refuse_taken(host, port)
    migrate(configured)
    supervisor = Supervisor(parts(configured, host, port, workers or configured.workers), say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: supervisor.stop())
    say(
        f"Qudao on http://{host}:{port} with data in {configured.data_dir.absolute()}; Ctrl-C stops it",
        "按 Ctrl-C 停止",
    )
    try:
        supervisor.run()
    except Hopeless as hopeless:
        raise Stop(f"{hopeless.name} cannot run", f"{hopeless.name} 无法启动", hopeless.code) from None


def migrate(configured: "Settings") -> None:
    """Brings the database to this version's tables."""
    from core.db import Database, migrations
    from sync.runtime import vault_of

    database = Database(configured.database, vault_of(configured))
    migrations.upgrade(database)
    database.close()


def parts(
    configured: "Settings",
    host: str,
    port: int,
    workers: int,
    *,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    run: Callable[..., Sequence[str]] = command,
) -> list[Part]:
    """The product as a supervisor runs it. A Redis that answers already is used, and not ours to stop."""
    from sync import embedded

    around = {
        **(environment or {}),
        "QUDAO_DATA_DIR": str(configured.data_dir.absolute()),
        "QUDAO_REDIS_URL": configured.redis_url,
    }
    if configured.database.startswith("sqlite:///"):
        around["QUDAO_DATABASE_URL"] = f"sqlite:///{Path(configured.database[10:]).absolute()}"
    found: list[Part] = []
    if not embedded.answers(configured.redis_url):
        if not embedded.is_embedded(configured):
            raise Stop("Redis at QUDAO_REDIS_URL does not answer", "QUDAO_REDIS_URL 指定的 Redis 无法连接", SETTINGS)
        found.append(Part("redis", functools.partial(_redis, configured.data_dir.absolute()), foundation=True))
    web = run("serve", "--host", host, "--port", str(port))
    for name, arguments in (
        ("web", web),
        ("worker", run("worker", "--count", str(workers))),
        ("beat", run("beat")),
        ("listen", run("listen")),
        ("webhooks", run("webhooks")),
    ):
        found.append(child(name, arguments, around, log=log))
    return found


def _redis(data_dir: Path) -> subprocess.Popen[bytes]:
    from sync import embedded

    return embedded.start(data_dir)
