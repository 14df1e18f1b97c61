"""A model file with other points: the text as people wrote it, comments and all, with only numbers changed."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def revised(text: str, points: Mapping[str, int], version: str) -> str:
    """The file's text with the points of these rules, and another version. Points that a rule gives to some of its
    events only stay."""
    root = _fields(yaml.compose(text, yaml.SafeLoader))
    changes = [(root["version"], f'"{version}"')]
    rules = {rule["id"].value: rule for rule in map(_fields, root["rules"].value)}
    for rule, number in points.items():
        if "points" not in rules.get(rule, {}):
            raise ValueError(f"there is no rule {rule!r} with points of its own")
        changes.append((rules[rule]["points"], str(number)))
    for node, value in sorted(changes, key=lambda change: -change[0].start_mark.index):
        text = text[: node.start_mark.index] + value + text[node.end_mark.index :]
    return text


def _fields(node: Any) -> dict[str, Any]:
    """The values of a mapping's node by the words of its keys."""
    return {key.value: value for key, value in node.value}


def write(base: Path, out: Path, points: Mapping[str, int], version: str) -> None:
    """Write the revised model, and beside it the lists that it names, where they are not there. Raises OSError,
    ValueError."""
    text = base.read_text(encoding="utf-8")
    made = revised(text, points, version)
    lists = (yaml.safe_load(text) or {}).get("lists") or {}
    for stated in lists.values():
        source, target = base.parent / str(stated), out.parent / str(stated)
        if isinstance(stated, str) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    out.write_text(made, encoding="utf-8")
