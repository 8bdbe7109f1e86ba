"""Cheap facts about the tree: what must never be committed, and the one shape of every connector."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from connectors import CHANNELS
from core.channel import Capability

ROOT = Path(__file__).parents[1]
CHANNEL_MODULES = {
    "__init__",
    "wire",
    "signing",
    "client",
    "errors",
    "mapping",
    "messages",
    "connector",
    "goods",
    "shipping",
    "after_sales",
    "receivers",
}
OWN_MODULES = {"taobao": {"frames", "batch", "stock", "prices", "shelf"}}
"""What one channel has beside them: the message connection of Taobao speaks binary frames, and its goods are written
through two families of calls, Taobao's and Tmall's.
"""
MAPPING_MODULES = {"__init__", "tables", "values", "orders", "after_sales", "listings"}
CHANNEL_FOLDERS = sorted(path for path in (ROOT / "connectors").iterdir() if (path / "__init__.py").exists())

# Put together here, so that this file does not contain what it forbids.
REGISTRY_HOSTS = [
    ".".join(words)
    for words in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
]
LINK = re.compile(r"\]\(([^)#:]*)(#[^)]*)?\)")
"""Of a Markdown document, to a file of this tree (empty: itself) and a heading in it."""
MACHINE_PATH = re.compile(r"/(?:work|farm|root|Users)/|/home/\w+/|" + re.escape("../" + "shared"))


@cache
def tracked_files() -> tuple[str, ...]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(name for name in listing.split("\0") if name and (ROOT / name).is_file())


def tracked_lines() -> Iterator[tuple[str, int, str]]:
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            for number, line in enumerate(content.decode().splitlines(), 1):
                yield name, number, line


def test_no_registry_is_named() -> None:
    found = [(name, number) for name, number, line in tracked_lines() if any(host in line for host in REGISTRY_HOSTS)]
    assert found == []


def test_no_path_of_one_machine() -> None:
    assert [(name, number) for name, number, line in tracked_lines() if MACHINE_PATH.search(line)] == []


def test_no_lock_file_that_records_addresses() -> None:
    assert {Path(name).name for name in tracked_files()} & {"uv.lock", "poetry.lock", "Pipfile.lock"} == set()
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_lock_pins_every_declared_dependency_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"].get("optional-dependencies", {}).values()
    lists = (project["project"]["dependencies"], project["dependency-groups"]["dev"], *extras)
    declared = [Requirement(text) for texts in lists for text in texts]
    lock = (ROOT / "requirements.lock").read_text()
    locked = {
        canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    }
    wrong = [
        str(requirement)
        for requirement in declared
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert wrong == [], "run `make lock`"


def headings(path: Path) -> set[str]:
    """The anchors that a Markdown document has, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_in_documents_lead_somewhere() -> None:
    documents = [ROOT / name for name in tracked_files() if name.endswith(".md")]
    links = [(path, *link) for path in documents for link in LINK.findall(path.read_text(encoding="utf-8"))]
    assert len(links) > 100
    assert [(path.name, link) for path, link, _ in links if not (path.parent / link).exists()] == []
    anchored = [(path, path.parent / link if link else path, anchor) for path, link, anchor in links if anchor]
    assert [(path.name, anchor) for path, to, anchor in anchored if anchor not in headings(to)] == []


def test_every_locked_package_has_hashes() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert len(entries) > 0


@pytest.mark.parametrize("folder", CHANNEL_FOLDERS, ids=lambda folder: folder.name)
def test_every_channel_has_the_same_modules(folder: Path) -> None:
    """`mapping` is a package, everything else a file; only a channel named in `OWN_MODULES` has more, and only
    one that tells no after-sales, or opens no receivers, has fewer.
    """
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert packages == {"mapping"}
    told = {"after_sales": Capability.AFTER_SALES, "receivers": Capability.REVEAL}
    unneeded = {module for module, what in told.items() if not CHANNELS[folder.name].channel.supports(what)}
    allowed = CHANNEL_MODULES - unneeded | OWN_MODULES.get(folder.name, set())
    assert {path.stem for path in folder.glob("*.py")} | packages == allowed
    assert {path.stem for path in (folder / "mapping").rglob("*.py")} == MAPPING_MODULES - unneeded
