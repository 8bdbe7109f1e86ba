"""The embedded Redis: found or started, reused, at home in any folder, and never left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from core.errors import ConfigurationError
from core.settings import Settings
from sync import embedded

ROOT = Path(__file__).parents[2]


def test_a_named_redis_is_used_and_nothing_is_started(redis_url: str, tmp_path: Path) -> None:
    with embedded.available(Settings(data_dir=tmp_path, redis_url=redis_url)) as settings:
        assert settings.redis_url == redis_url
        assert not embedded.is_embedded(settings)
    assert list(tmp_path.iterdir()) == []


def test_a_named_redis_that_is_away_is_not_replaced(tmp_path: Path) -> None:
    away = Settings(data_dir=tmp_path, redis_url=f"unix://{tmp_path}/nobody")
    with pytest.raises(ConfigurationError, match="QUDAO_REDIS_URL"), embedded.available(away):
        pass


def test_a_second_command_finds_the_running_server(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with embedded.available(settings) as first, redis.Redis.from_url(first.redis_url) as client:
        client.set("mark", "here")
        with embedded.available(settings) as second, redis.Redis.from_url(second.redis_url) as other:
            assert other.get("mark") == b"here"
        assert client.ping()
    assert not embedded.answers(first.redis_url)


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    for expected in (None, b"kept"):
        with embedded.available(settings) as named, redis.Redis.from_url(named.redis_url) as client:
            assert client.get("mark") == expected
            client.set("mark", "kept")


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    deep = tmp_path / "渠道" / ("a-folder-name-" * 12)
    place = embedded.socket(deep)
    assert len(os.fsencode(place)) <= 100
    assert place == embedded.socket(deep)
    assert place != embedded.socket(tmp_path)
    with embedded.available(Settings(data_dir=deep)) as settings:
        assert embedded.answers(settings.redis_url)
        assert place.parent.stat().st_mode & 0o077 == 0
    shutil.rmtree(place.parent)


def test_a_short_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        embedded.start(tmp_path)


def test_a_binary_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-server").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "redis-server").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.binary().parent != tmp_path
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="install valkey-server"):
        embedded.binary()


def test_a_killed_starter_leaves_no_server_behind(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom sync import embedded\n"
        "embedded.start(Path(sys.argv[1]))\nprint('up', flush=True)\ntime.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    url = f"unix://{embedded.socket(tmp_path)}"
    assert embedded.answers(url)
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    deadline = time.monotonic() + 20
    while embedded.answers(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not embedded.answers(url)
