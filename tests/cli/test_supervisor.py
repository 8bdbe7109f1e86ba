"""Children are started, restarted when they die, and gone when their starter is, however it ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.supervisor import Hopeless, Part, Supervisor, child, program

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def until(reached: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


@contextmanager
def running(*parts: Part) -> Iterator[tuple[Supervisor, list[Hopeless]]]:
    supervisor, failed = Supervisor(parts), []

    def run() -> None:
        try:
            supervisor.run()
        except Hopeless as hopeless:
            failed.append(hopeless)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield supervisor, failed
    finally:
        supervisor.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_a_killed_child_is_started_again() -> None:
    with running(child("sleeper", SLEEP, {})) as (supervisor, _):
        until(supervisor.pids)
        first = supervisor.pids()["sleeper"]
        os.kill(first, signal.SIGKILL)
        until(lambda: supervisor.pids().get("sleeper", first) != first)
        second = supervisor.pids()["sleeper"]
    assert not alive(second)


def test_what_a_killed_child_started_goes_with_it(tmp_path: Path) -> None:
    grandchild = tmp_path / "pid"
    source = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(grandchild)!r}, 'w').write(str(p.pid))\ntime.sleep(60)\n"
    )
    with running(child("parent", [sys.executable, "-c", source], {})) as (supervisor, _):
        until(lambda: grandchild.exists() and grandchild.read_text())
        orphan = int(grandchild.read_text())
        os.kill(supervisor.pids()["parent"], signal.SIGKILL)
        until(lambda: not alive(orphan))


def test_a_child_that_keeps_dying_is_not_started_in_a_hurry() -> None:
    part = child("dies", [sys.executable, "-c", "raise SystemExit(1)"], {})
    with running(part):
        time.sleep(2)
    assert 2 <= len(part.exits) <= 4


def test_a_setting_that_is_wrong_ends_it_all() -> None:
    good, wrong = child("good", SLEEP, {}), child("wrong", [sys.executable, "-c", "raise SystemExit(3)"], {})
    with running(good, wrong) as (supervisor, failed):
        until(lambda: failed)
        until(lambda: not supervisor.pids())
    assert (failed[0].name, failed[0].code) == ("wrong", 3)


def test_foundations_start_first_and_stop_last(tmp_path: Path) -> None:
    log = tmp_path / "log"
    source = (
        "import signal, sys, time\n"
        "def say(word):\n    open(sys.argv[1], 'a').write(word + sys.argv[2] + '\\n')\n"
        "def end(*_):\n    time.sleep(0.3)\n    say('-')\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nsay('+')\ntime.sleep(60)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(source)
    above, below = (child(name, program(script, str(log), name), {}) for name in ("above", "below"))
    below.foundation = True
    with running(above, below):
        until(lambda: log.exists() and len(log.read_text().splitlines()) == 2)
    assert log.read_text().splitlines()[2:] == ["-above", "-below"]


def test_children_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import os, time\nopen(os.environ['PID_FILE'], 'w').write(str(os.getpid()))\ntime.sleep(60)\n")
    source = (
        "import sys\nfrom pathlib import Path\nfrom commands.supervisor import Supervisor, child, program\n"
        "Supervisor([child('it', program(Path(sys.argv[1])), {'PID_FILE': sys.argv[2]})]).run()\n"
    )
    pid_file = tmp_path / "pid"
    starter = subprocess.Popen([sys.executable, "-c", source, str(script), str(pid_file)], cwd=ROOT)
    until(lambda: pid_file.exists() and pid_file.read_text())
    pid = int(pid_file.read_text())
    assert alive(pid)
    starter.kill()
    starter.wait()
    until(lambda: not alive(pid))


@pytest.mark.parametrize("arguments", [(), ("one", "two words")])
def test_a_script_gets_its_arguments_and_nothing_of_ours_on_its_path(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:], any(p.endswith('/commands') for p in sys.path))\n")
    done = subprocess.run(program(script, *arguments), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{list(arguments)} False"
