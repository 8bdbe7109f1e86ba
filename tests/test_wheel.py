"""The wheel holds the whole product: installed into an empty environment, the command works from any folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = ("connectors/", "core/", "sync/", "web/", "sandbox/", "examples/", "cli.py", "commands/")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed `qudao` of an environment that holds the wheel and what it declares, in the locked versions."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", str(environment), cwd=folder)
    python = environment / "bin" / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text(without_hashes((ROOT / "requirements.lock").read_text()))
    if uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        installer = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install", "--prefer-binary"]
    run(*installer, "-c", str(constraints), str(wheel), cwd=folder)
    return environment / "bin" / "qudao"


def test_every_tracked_product_file_is_in_the_wheel(wheel: Path) -> None:
    tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    wanted = {name for name in tracked if name.startswith(SHIPPED) and (ROOT / name).is_file()}
    assert "cli.py" in wanted
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_installed_command_works_from_another_folder(command: Path, tmp_path: Path) -> None:
    assert "Usage" in run(str(command), "--help", cwd=tmp_path)


def test_the_installed_demo_agrees(command: Path, tmp_path: Path) -> None:
    said = run(str(command), "demo", "--orders", "8", "--duration", "4", "--json", cwd=tmp_path)
    assert json.loads(said)["ok"] is True
    assert list(tmp_path.iterdir()) == []


def without_hashes(lock: str) -> str:
    """The lock as constraints: hashes would make pip ask for the hash of the wheel just built."""
    return "\n".join(re.findall(r"^[\w.-]+==[^\\\n]+", lock, re.MULTILINE))


def run(*arguments: str, cwd: Path) -> str:
    """Run a program that must succeed, apart from this checkout and its environment; returns what it printed."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "UV_PYTHON", "VIRTUAL_ENV"}}
    done = subprocess.run(
        arguments, cwd=cwd, env=kept, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
