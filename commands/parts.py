"""`qudao serve | worker | beat | listen | webhooks | sandbox | migrate`: the parts of the product alone, to run them
apart.
"""

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from commands.supervisor import follow_starter
from commands.terminal import SETTINGS, AsJson, Stop, opened, print_json, say, settings

if TYPE_CHECKING:
    from core.settings import Settings

Port = Annotated[int, typer.Option(min=0, max=65_535, help="0: QUDAO_PORT, else 8080 · 端口。", show_default=False)]
Host = Annotated[str, typer.Option(help="Where to listen; QUDAO_HOST, else 127.0.0.1 · 监听地址。")]


def add_to(app: typer.Typer) -> None:
    for part in (serve, worker, beat, listen, webhooks, sandbox, migrate):
        app.command()(part)


def serve(host: Host = "", port: Port = 0) -> None:
    """Run the web server: /v1, /hooks, /healthz · 运行 Web 服务。"""
    from web import serve as server

    configured = _prepared()
    configured = configured.model_copy(update={"host": host or configured.host, "port": port or configured.port})
    refuse_taken(configured.host, configured.port)
    server.run(configured)


def worker(
    count: Annotated[
        int, typer.Option("--count", "-c", min=0, help="0: QUDAO_WORKERS, else 3 · 进程数。", show_default=False)
    ] = 0,
) -> None:
    """Run the workers that drain lanes · 运行工作进程。"""
    from sync.queue import run_workers

    configured = _prepared()
    run_workers(configured.redis_url, count or configured.workers)


def beat() -> None:
    """Run the beat: what is due gets done. Several may run, one leads · 运行定时调度。"""
    from sync import beat as beating

    _prepared()
    with opened(service=True) as runtime:
        beating.run(runtime, stopping())


def listen() -> None:
    """Hold the long connections that some channels push over · 运行长连接接收。"""
    from sync import listen as listening

    _prepared()
    with opened(service=True) as runtime:
        listening.run(runtime, stopping())


def webhooks() -> None:
    """Send the feed to those who subscribed. Several may run · 运行 Webhook 推送。"""
    from sync import webhooks as sending

    _prepared()
    with opened(service=True) as runtime:
        sending.run(runtime, stopping())


def sandbox(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="· 端口。")] = 9700,
    seed: Annotated[int, typer.Option(help="Same seed, same world · 随机种子。")] = 1,
    shops: Annotated[int, typer.Option(min=1, max=50, help="Shops per channel · 每渠道店铺数。")] = 1,
    orders: Annotated[int, typer.Option(min=0, help="Orders each shop starts with · 初始订单数。")] = 0,
    host: Annotated[str, typer.Option(help="Where to listen · 监听地址。")] = "127.0.0.1",
    jd_push_database: Annotated[
        str | None, typer.Option(metavar="URL", help="Database that JD's push rows go to · 京东推送库。")
    ] = None,
) -> None:
    """Run the simulated platforms · 运行模拟平台沙箱。"""
    from sandbox import serve as simulated

    push_databases = {} if jd_push_database is None else {"jd": jd_push_database}

    follow_starter()
    refuse_taken(host, port)
    try:
        simulated.run(port, seed, host, shops=shops, orders=orders, push_databases=push_databases)
    except simulated.NoDatabase as refused:
        raise Stop(str(refused), "京东推送库不可用", SETTINGS) from None


def migrate(json: AsJson = False) -> None:
    """Bring the database to this version's tables · 升级数据库结构。"""
    from core.db import Database, migrations
    from sync.runtime import vault_of

    configured = settings()
    database = Database(configured.database, vault_of(configured))
    before, after = migrations.upgrade(database)
    database.close()
    if json:
        print_json({"before": before or None, "after": after})
    elif before == after:
        say(f"the database is at {after} already", "数据库已是最新")
    else:
        say(f"the database went from {before or 'nothing'} to {after}", "数据库已升级")


def refuse_taken(host: str, port: int) -> None:
    """Says so in one line when the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise Stop(
                f"cannot listen on {host}:{port} ({reason}); choose another with --port or QUDAO_PORT",
                f"无法监听 {host}:{port}，请用 --port 或 QUDAO_PORT 换一个端口",
                SETTINGS,
            ) from None


def stopping() -> threading.Event:
    """An event that SIGINT and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _prepared() -> "Settings":
    """What every part does first: follow its starter, log, and put settings where its own children find them."""
    from web.logs import configure

    follow_starter()
    configured = settings()
    configure(configured.log_level)
    os.environ["QUDAO_REDIS_URL"] = configured.redis_url
    return configured
