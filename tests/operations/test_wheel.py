"""A wheel holds all that the program needs: models, lists, mappings and connectors come with it."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "streams", "schemas", "deploy")
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that has the wheel of this tree, and the libraries of the tests' own."""
    base = tmp_path_factory.mktemp("wheel")
    tree = base / "tree"
    tree.mkdir()
    for name in SOURCES:
        _copy(ROOT / name, tree / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(base)]
    subprocess.run([*build, str(tree)], check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return _installed(next(base.glob("*.whl")), base / "environment")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _installed(wheel: Path, environment: Path) -> Path:
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=PATIENCE_S)
    # A line in a .pth file adds a path, but not that path's own .pth files: the clone stays out of sight.
    packages = next((environment / "lib").glob("python*/site-packages"))
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return environment / "bin"


def _run(installed: Path, *command: str) -> str:
    ran = subprocess.run(
        [str(installed / command[0]), *command[1:]],
        cwd=installed.parent,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_program_comes_from_the_wheel(installed: Path) -> None:
    place = _run(installed, "python", "-c", "import streams; print(streams.__path__[0])")

    assert Path(place.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize("model", ["b2b", "published"])
def test_a_shipped_model_is_found_with_its_lists(installed: Path, model: str) -> None:
    assert model in _run(installed, "leadstreams", "model", "check", model)


def test_the_mappings_and_connectors_are_found(installed: Path) -> None:
    program = """
from streams import shipped
from streams.collector.hooks.forms import load_forms
from streams.collector.mapping import load_mapping
from streams.connectors import configuration
from streams.enrichment.channel import load_channels
wrong = [found for found in (load_mapping(), load_forms(), load_channels()) if isinstance(found, str)]
assert not wrong, wrong
names = configuration.shipped()
assert {"hubspot", "salesforce", "sql", "webhook"} <= set(names), names
assert all(not isinstance(configuration.load(name), list) for name in names), names
assert any((shipped.CONNECTORS / "sql").glob("*.sql"))
"""
    _run(installed, "python", "-c", program)


def test_the_demo_explains_itself(installed: Path) -> None:
    assert "leadstreams demo" in _run(installed, "leadstreams", "demo", "--help")
