"""`make bench`: every measurement in a process of its own, and what they measured in bench/results.md.

    python -m bench [name …]

A measurement that fails is written down as such, the others run all the same; then the exit code is 1. What was not
measured this time keeps its place on the page, with its date.
"""

import datetime as dt
import importlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bench._report import print_table
from tests import servers

ALL = ("pipeline", "hooks", "push", "workers", "latency", "feed")
RESULTS = Path(__file__).parent / "results.md"
LONGEST_SECONDS = 1800
PACKAGES = ("qudao", "sqlalchemy", "psycopg", "redis", "rq", "uvicorn", "pydantic")


def main() -> None:
    """Runs what is named, or everything, and writes the page."""
    names = sys.argv[1:] or ALL
    sections, failed = kept(), []
    for name in names:
        print(f"== bench.{name}", flush=True)
        began = time.monotonic()
        results, trouble = measure(name)
        if trouble:
            failed.append(name)
            print(trouble)
        else:
            print_table(name, results)
        sections[name] = section(name, results, trouble, time.monotonic() - began)
        RESULTS.write_text("\n".join([head(), *(sections[each] for each in ALL if each in sections)]))
    print(f"written to {RESULTS}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def kept() -> dict[str, str]:
    """The sections that the page has now."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in text.split("\n## ")[1:]}


def measure(name: str) -> tuple[list[dict[str, Any]], str]:
    """The rows, or what went wrong."""
    command = [sys.executable, "-m", f"bench.{name}", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return [], f"no result after {LONGEST_SECONDS} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith("[{")]
    if done.returncode or not lines:
        return [], f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-1000:]}"
    rows: list[dict[str, Any]] = json.loads(lines[-1])
    return rows, ""


def head() -> str:
    """When, on what, with what."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            "# Measured",
            "",
            "`make bench` writes this page.",
            "",
            f"- Machine: {cpu()}, {os.cpu_count()} cores, {memory():.0f} GiB RAM, {platform.system()}",
            f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {postgres()}, {valkey()}",
            f"- {versions}",
            "",
        ]
    )


def section(name: str, results: Sequence[Mapping[str, Any]], trouble: str, seconds: float) -> str:
    """One measurement: what it claims to measure, and its table with a measure per row."""
    today = dt.datetime.now(dt.UTC)
    words = (importlib.import_module(f"bench.{name}").__doc__ or "").strip().partition("\n\n    ")[0]
    lines = [f"## {name}", "", words, "", f"`python -m bench.{name}`, {today:%Y-%m-%d}, took {seconds:.0f} s", ""]
    if trouble:
        return "\n".join([*lines, "**It failed:**", "", "```", trouble, "```", ""])
    rows = [flat(result) for result in results]
    measures = list(dict.fromkeys(measure for row in rows for measure in row))
    lines += ["| measure |" + " |" * len(rows), "|---|" + "--:|" * len(rows)]
    lines += [f"| {measure} | " + " | ".join(row.get(measure, "") for row in rows) + " |" for measure in measures]
    return "\n".join([*lines, ""])


def flat(result: Mapping[str, Any]) -> dict[str, str]:
    """Nested values as measures of their own, which are parts of a whole."""
    found: dict[str, str] = {}
    for name, value in result.items():
        if isinstance(value, Mapping):
            found |= {f"{name}: {part.strip()}": f"{share:.1%}" for part, share in value.items()}
        else:
            found[name] = f"{value:,}" if isinstance(value, int) else str(value)
    return found


def cpu() -> str:
    """The processor's name as the system tells it."""
    path = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in path.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def postgres() -> str:
    try:
        return _version([f"{servers.postgres_binaries()}/postgres", "--version"])
    except servers.ServerMissing:
        return "no PostgreSQL"


def valkey() -> str:
    words = _version([str(servers.valkey_binary()), "--version"]).split()
    return f"Valkey {next(word.removeprefix('v=') for word in words if word.startswith('v='))}"


def _version(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
