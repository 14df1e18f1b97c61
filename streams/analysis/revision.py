"""A model file with other points: the text as people wrote it, comments and all, with only numbers changed."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml


def revised(text: str, points: Mapping[str, int], version: str) -> str:
    """The file's text with the points of these rules, and another version. Points that a rule gives to some of its
    events only stay."""
    for rule, number in points.items():
        block = re.compile(
            rf"(^  - id: {re.escape(rule)}\n(?:(?!^  - id: ).*\n)*?^    points: )[-+.\d]+", re.MULTILINE
        )
        text, count = block.subn(rf"\g<1>{number}", text, count=1)
        if not count:
            raise ValueError(f"rule {rule!r} has no points on a line of its own")
    return re.sub(r"^version: .*$", f'version: "{version}"', text, count=1, flags=re.MULTILINE)


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
