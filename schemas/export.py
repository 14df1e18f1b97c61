"""`python -m schemas.export [--check]`: writes what is derived from the models, or tells what is out of date."""

import json
import sys
from pathlib import Path
from typing import Any

from schemas import asyncapi, json_schema, reference

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "schemas" / "json"
REFERENCE = ROOT / "docs" / "contract.md"


def files() -> dict[Path, str]:
    """Every derived file and its text."""
    documents = {**json_schema.schemas(), "asyncapi": asyncapi.document()}
    derived = {FOLDER / f"{name}.json": _text(document) for name, document in documents.items()}
    return derived | {REFERENCE: reference.filled(REFERENCE.read_text())}


def stale() -> list[Path]:
    """The files that are missing, differ, or belong to nothing any more."""
    derived = files()
    differing = [path for path, text in derived.items() if not path.exists() or path.read_text() != text]
    return sorted(differing + [path for path in FOLDER.rglob("*.json") if path not in derived])


def write() -> None:
    """Bring every derived file up to date and delete what is left over."""
    derived = files()
    for path in stale():
        if path in derived:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(derived[path])
        else:
            path.unlink()


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """0 if all is written or current, 1 if something is stale, 2 for a wrong call."""
    match arguments:
        case []:
            write()
        case ["--check"]:
            for path in (late := stale()):
                print(f"out of date: {path.relative_to(ROOT)} (python -m schemas.export)", file=sys.stderr)
            return 1 if late else 0
        case _:
            print("usage: python -m schemas.export [--check]", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
