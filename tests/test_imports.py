"""The import rules that import-linter (pyproject.toml) cannot express: direct imports, single files and cli.py."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("connectors", "core", "examples", "sandbox", "sync", "web")
CHANNELS = sorted(path.name for path in (ROOT / "connectors").iterdir() if (path / "__init__.py").exists())

NETWORK_MODULES = (
    "aiohttp",
    "ftplib",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "urllib.request",
    "urllib3",
    "websockets",
)
NETWORK_CALLS = {"create_connection", "open_connection", "open_unix_connection"}
NETWORK_PLACES = ("connectors/", "examples/", "sandbox/", "sync/deliver.py", "sync/listen.py", "sync/webhook")
NO_NETWORK = {("web/receipts.py", "open_unix_connection")}  # a socket pair with a child process
TYPES_ONLY = {"httpx.BaseTransport"}  # the seam where a test replaces the network; it sends nothing by itself
PURE_MODULES = {"channel", "conflict", "errors", "escrow", "model", "money", "price", "sold", "status", "stock"}


def product_files() -> list[str]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    files += [*ROOT.glob("cli.py"), *ROOT.glob("commands/*.py")]
    return [str(path.relative_to(ROOT)) for path in files]


def imported_names(file: str) -> Iterator[str]:
    """The dotted name of everything a file imports, wherever in the file: `from a import b` gives `a.b`."""
    package = Path(file).parent.parts
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
            module = ".".join(base) if node.level else str(node.module)
            yield from (f"{module}.{name.name}" for name in node.names)


def called_names(file: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def inside(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_only_the_named_places_speak_to_the_network() -> None:
    elsewhere = [file for file in product_files() if not file.startswith(NETWORK_PLACES)]
    wrong = {
        (file, name)
        for file in elsewhere
        for name in imported_names(file)
        if name not in TYPES_ONLY and any(inside(name, module) for module in NETWORK_MODULES)
    }
    wrong |= {(file, name) for file in elsewhere for name in called_names(file) if name in NETWORK_CALLS}
    assert wrong - NO_NETWORK == set(), f"network calls belong in {', '.join(NETWORK_PLACES)}"


def test_connectors_are_imported_at_their_root_only() -> None:
    submodules = {path.stem for path in (ROOT / "connectors").iterdir()} - {"__init__", "__pycache__"}
    elsewhere = [file for file in product_files() if not file.startswith("connectors/")]
    wrong = {
        (file, name)
        for file in elsewhere
        for name in imported_names(file)
        if inside(name, "connectors") and name.partition(".")[2].split(".")[0] in submodules
    }
    assert wrong == set(), "only `from connectors import <name>` is for others"


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_imports_itself_the_shared_modules_and_core(channel: str) -> None:
    own = (f"connectors.{channel}", "connectors.http", "connectors.rows")
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "connectors" / channel).rglob("*.py")
        for name in imported_names(str(path.relative_to(ROOT)))
        if inside(name, "connectors") and not any(inside(name, module) for module in own)
    }
    assert wrong == set(), "one channel never imports another, nor the registry"


def test_nothing_imports_the_command_line() -> None:
    wrong = {
        (file, name)
        for file in product_files()
        if not file.startswith(("cli.py", "commands/"))
        for name in imported_names(file)
        if inside(name, "cli") or inside(name, "commands")
    }
    assert wrong == set()


def test_the_command_line_takes_only_the_server_from_the_sandbox() -> None:
    wrong = {
        (file, name)
        for file in product_files()
        if file.startswith(("cli.py", "commands/"))
        for name in imported_names(file)
        if inside(name, "sandbox") and name != "sandbox.serve" and not inside(name, "sandbox.serve")
    }
    assert wrong == set()


def test_the_contracts_cover_every_package_and_pure_module() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert set(PACKAGES) <= set(linter["root_packages"])
    pure = next(contract for contract in linter["contracts"] if contract["name"] == "The heart of core is pure")
    existing = {f"core.{name}" for name in PURE_MODULES if (ROOT / "core" / f"{name}.py").exists()}
    assert existing <= set(pure["source_modules"]), "add the new module to the contract in pyproject.toml"
