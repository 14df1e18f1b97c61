"""The fit of the default model as shipped: its section, its lists, and what they compile to."""

import copy
import csv
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.fit import Fit
from streams.fit.terms import FitTerms, Flaw, Rows, compile_fit

MODELS: Final = Path(__file__).parent.parent.parent / "deploy" / "models"


@cache
def _section() -> dict[str, Any]:
    section: dict[str, Any] = yaml.safe_load((MODELS / "b2b.yaml").read_text(encoding="utf-8"))["fit"]
    return section


def section() -> dict[str, Any]:
    """The `fit:` section, to be changed at will."""
    return copy.deepcopy(_section())


@cache
def lists() -> dict[str, Rows]:
    """The rows of every list, without headers."""
    return {path.stem: rows(path) for path in (MODELS / "lists").glob("*.csv")}


def rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(tuple(row) for row in csv.reader(file))[1:]


def compiled(**changed: Rows) -> FitTerms | list[Flaw]:
    """The shipped section with some lists changed."""
    return compile_fit(Fit.model_validate(section()), lists() | changed, "JPY")


@cache
def terms() -> FitTerms:
    """The shipped terms."""
    found = compiled()
    assert isinstance(found, FitTerms), found
    return found
