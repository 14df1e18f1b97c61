"""The core knows no clock, no chance, no network, no environment and no log: only its arguments."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = ("streams", "schemas")
FORBIDDEN = {
    *("faust", "mode", "kafka", "aiohttp", "asyncio", "socket", "ssl", "http", "urllib.request", "requests"),
    *("time", "random", "secrets", "uuid", "os", "logging", "subprocess", "threading", "prometheus_client"),
}
ALLOWED = {"aiokafka.partitioner"}
"""Kafka's own hash function: a pure function in a library of clients."""
CORE = [
    "streams.shard",
    "streams.local",
    "streams.collector.hooks.verdicts",
    *(f"streams.{part}" for part in ("scoring", "identity", "fit", "follow_up")),
]
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def members(module: str) -> Iterator[str]:
    """The module, or all modules of a package."""
    folder = ROOT.joinpath(*module.split("."))
    if folder.is_dir():
        yield from (f"{module}.{path.stem}" for path in folder.glob("*.py"))
    else:
        yield module


def imports(module: str) -> Iterator[str]:
    """What a module imports, by full name; of `from x import y` both x and, if it is one, the module x.y."""
    path = file_of(module)
    assert path is not None, module
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module}: a relative import"
            yield node.module
            yield from (name for alias in node.names if file_of(name := f"{node.module}.{alias.name}") is not None)


def reached() -> dict[str, str]:
    """Every module that the core imports in the end, each with one that imports it."""
    open_ = [(member, "itself") for part in CORE for member in members(part)]
    found: dict[str, str] = {}
    while open_:
        module, by = open_.pop()
        if module in found:
            continue
        found[module] = by
        if module.split(".")[0] in PROJECT and file_of(module) is not None:
            open_ += [(name, module) for name in imports(module)]
    return found


def is_forbidden(module: str) -> bool:
    if module in ALLOWED:
        return False
    parts = module.split(".")
    return parts[0] == "aiokafka" or any(".".join(parts[:n]) in FORBIDDEN for n in range(1, len(parts) + 1))


def test_the_core_imports_nothing_impure_directly_or_through_others() -> None:
    found = reached()
    assert {"streams.scoring.stage", "streams.identity.merge", "schemas.event"} <= found.keys()
    assert {module: by for module, by in found.items() if is_forbidden(module)} == {}


def test_the_core_never_asks_what_time_it_is() -> None:
    for module in reached():
        path = file_of(module) if module.split(".")[0] in PROJECT else None
        for node in ast.walk(ast.parse(path.read_bytes())) if path else ():
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in CLOCKS, f"{module}:{node.lineno}"


@pytest.mark.parametrize("module", ["time", "os", "os.path", "aiokafka", "aiokafka.producer", "faust.types"])
def test_what_is_impure_is_known_as_such(module: str) -> None:
    assert is_forbidden(module)
