"""How commands speak: tables or JSON on stdout, one line per error on stderr in English and Chinese, exit codes.

Lives here: printing, the meaning of errors, opening the runtime. Does not: any noun.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import errors

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from core.settings import Settings
    from sync.runtime import Runtime

OK, NO, USAGE, SETTINGS, AWAY, CHANNEL, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""Exit codes: done · the answer is no (refused, not agreed, a check failed) · wrong usage · a setting to change ·
database or Redis away · a channel said no or did not answer · interrupted."""

WIDE = 1000
"""Columns of a terminal that is none: a program that reads a table must not find its lines folded."""
NARROW = 6
"""Columns that a folded column keeps at least."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON · 输出 JSON。")]
ShopOption = Annotated[str, typer.Option("--shop", help="Only this shop (channel:account) · 只看该店铺。")]


class Stop(Exception):
    """Ends a command with a line in both languages and an exit code."""

    def __init__(self, english: str, chinese: str, code: int = NO) -> None:
        super().__init__(english)
        self.english = english
        self.chinese = chinese
        self.code = code


def line(english: str, chinese: str) -> str:
    """Both languages, or the one that QUDAO_LANG asks for (`en` or `zh`)."""
    wanted = os.environ.get("QUDAO_LANG", "").lower()
    if wanted.startswith("en") or not chinese:
        return english
    return chinese if wanted.startswith("zh") else f"{english} · {chinese}"


def say(english: str, chinese: str = "") -> None:
    """A remark to the person at the terminal; never on stdout, which may be read by a program."""
    typer.echo(line(english, chinese), err=True)


_MEANING: tuple[tuple[type[errors.QudaoError], str, int], ...] = (
    (errors.ConfigurationError, "请检查配置或参数", SETTINGS),
    (errors.Throttled, "平台限流，请稍后重试", CHANNEL),
    (errors.Unavailable, "平台或网络暂不可用，请稍后重试", CHANNEL),
    (errors.NotYet, "时机未到，请稍后重试", CHANNEL),
    (errors.OutcomeUnknown, "写入结果未知，请先核对", CHANNEL),
    (errors.Reauthorize, "授权失效，需卖家重新授权", CHANNEL),
    (errors.Denied, "应用或店铺无权限", CHANNEL),
    (errors.Unsupported, "该渠道不支持此操作", CHANNEL),
    (errors.NotFound, "平台上不存在", CHANNEL),
    (errors.ChannelError, "平台拒绝或应答异常", CHANNEL),
    (errors.QudaoError, "操作失败", NO),
)


def meaning(error: Exception) -> tuple[str, int] | None:
    """The line and exit code for an error that has a meaning to an operator; None for one that is a defect of ours."""
    if isinstance(error, Stop):
        return line(error.english, error.chinese), error.code
    for kind, chinese, code in _MEANING:
        if isinstance(error, kind):
            return line(str(error), chinese), code
    return _storage(error) or _surroundings(error)


def _storage(error: Exception) -> tuple[str, int] | None:
    """Recognised by name: importing the libraries only to compare classes would slow every command down."""
    home = type(error).__module__.partition(".")[0]
    name = type(error).__name__
    if home == "redis" and name in ("ConnectionError", "TimeoutError", "BusyLoadingError"):
        return line("Redis does not answer; `qudao doctor` says more", "Redis 无法连接，运行 `qudao doctor` 排查"), AWAY
    if home == "sqlalchemy" and name in ("OperationalError", "ProgrammingError", "InterfaceError", "DatabaseError"):
        text = str(getattr(error, "orig", error))
        if "no such table" in text or ("relation" in text and "does not exist" in text):
            return line(
                "the database has no tables yet: run `qudao migrate`", "数据库尚未建表，请运行 `qudao migrate`"
            ), SETTINGS
        return line(f"the database does not answer: {text.splitlines()[0]}", "数据库无法使用"), AWAY
    return None


def _surroundings(error: Exception) -> tuple[str, int] | None:
    """A setting, an argument, a file or a pipe that cannot be used."""
    name, home = type(error).__name__, type(error).__module__.partition(".")[0]
    if name == "ValidationError" and home == "pydantic_core":
        fields = ", ".join(".".join(map(str, entry["loc"])) for entry in getattr(error, "errors", list)())
        code = SETTINGS if getattr(error, "title", "") == "Settings" else USAGE
        return line(f"not a usable value: {fields}", "取值无效"), code
    if isinstance(error, BrokenPipeError):
        return "", OK
    if isinstance(error, OSError) and error.filename:
        return line(f"{error.filename}: {error.strerror}", "文件或目录无法使用"), SETTINGS
    return None


def settings() -> "Settings":
    """The settings of this command, with the address that Redis has or will have."""
    from core.settings import Settings
    from sync import embedded

    return embedded.with_redis(Settings.load())


@contextmanager
def opened(*, service: bool = False) -> Iterator["Runtime"]:
    """The runtime for one command. A SQLite database that is not there yet is made.

    A service logs as it is set to; a command keeps its terminal to what it says itself, unless QUDAO_LOG_LEVEL asks.
    """
    from sync.runtime import Runtime
    from web.logs import configure

    configured = settings()
    configure(configured.log_level if service or "QUDAO_LOG_LEVEL" in os.environ else "error")
    fresh = configured.database.startswith("sqlite:///") and not Path(configured.database[10:]).exists()
    runtime = Runtime.open(configured)
    try:
        if fresh:
            from core.db import migrations

            migrations.upgrade(runtime.database)
        yield runtime
    finally:
        runtime.close()


@contextmanager
def calling() -> Iterator["Runtime"]:
    """As `opened`, for a command that calls a channel: the rate budget needs Redis, so one is started if none runs."""
    from sync import embedded

    with embedded.available(settings()), opened() as runtime:
        yield runtime


def plain(value: Any) -> Any:
    """A value as JSON can say it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(each) for name, each in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, StrEnum):
        return value.value
    return value.total_seconds() if isinstance(value, timedelta) else value


def print_json(value: Any) -> None:
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def console(*, to_stderr: bool = False) -> "Console":
    """Rich's console; colours only where a person looks."""
    from rich.console import Console

    person = sys.stdout.isatty()
    return Console(stderr=to_stderr, highlight=False, soft_wrap=not person, width=None if person else WIDE)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "nothing", empty_zh: str = "无") -> None:
    """A list: a table with the keys of the first row as headings, or the rows as JSON."""
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        say(empty, empty_zh)
        return
    from rich.table import Table

    out = console()
    headings = [heading.replace("_", " ") for heading in rows[0]]
    cells = [[cell(value) for value in row.values()] for row in rows]
    whole = _kept_whole(headings, cells, out.width)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, keep in zip(headings, whole, strict=True):
        table.add_column(heading, overflow="fold", no_wrap=keep)
    for row_of_cells in cells:
        table.add_row(*row_of_cells)
    out.print(table)


def _kept_whole(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[bool]:
    """Which columns are never folded: from the left those without blanks, which are ids to be copied, while all fit."""
    columns = [(heading, *column) for heading, column in zip(headings, zip(*rows, strict=True), strict=True)]
    needed = [max(len(word) for text in column for word in text.split(" ")) for column in columns]
    least = [min(each, NARROW) for each in needed]
    keep = []
    for place, (_, *texts) in enumerate(columns):
        whole = [*least[:place], needed[place], *least[place + 1 :]]
        fits = not any(" " in text for text in texts) and sum(whole) + 2 * len(whole) <= width
        keep.append(fits)
        least = whole if fits else least
    return keep


def show_one(values: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: its fields line by line, or as JSON."""
    if as_json:
        print_json(values)
        return
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name.replace("_", " "), cell(value))
    console().print(table)


def cell(value: Any) -> str:
    """A value as a person reads it: local time, empty for nothing."""
    from rich.markup import escape

    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return escape(str(value))


@contextmanager
def progress(title: str, total: float | None, *, shown: bool) -> Iterator[Callable[[float, str], None]]:
    """A progress bar on stderr. Answers a function that says how far it is, and a few words."""
    if not shown or not sys.stderr.isatty():
        yield lambda _done, _words: None
        return
    bar = _bar()
    with bar:
        task = bar.add_task(title, total=total, words="")
        yield lambda done, words: bar.update(task, completed=done, words=words)


@contextmanager
def progress_lines(totals: Mapping[str, float], *, shown: bool) -> Iterator[Callable[[str, float, str], None]]:
    """Several bars on stderr, one for each name. Answers a function that says how far one is, and a few words."""
    if not shown or not sys.stderr.isatty():
        yield lambda _name, _done, _words: None
        return
    bar = _bar()
    with bar:
        tasks = {name: bar.add_task(name, total=total, words="") for name, total in totals.items()}
        yield lambda name, done, words: bar.update(tasks[name], completed=done, words=words)


def _bar() -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.fields[words]}")
    return Progress(
        TextColumn("{task.description}"), BarColumn(), words, TimeElapsedColumn(), console=console(to_stderr=True)
    )


def instant(text: str, now: datetime) -> datetime:
    """`2026-11-11`, `2026-11-11T20:00` (local time), with an offset, or so long ago: `90m`, `12h`, `7d`."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if text[:-1].isdecimal() and text[-1:] in units:
        return now - timedelta(**{units[text[-1]]: int(text[:-1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise Stop(
            f"{text!r} is no time; write 2026-11-11T20:00, or 90m, 12h, 7d for so long ago",
            "时间格式不对，例如 2026-11-11T20:00，或 90m、12h、7d 表示多久以前",
            USAGE,
        ) from None
