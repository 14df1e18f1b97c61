# mypy: ignore-errors
"""Draws the comparison: `python picture.py FIGURES.json PEERS.svg`, in an environment that has matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

OURS, EXACT, ATLEAST = "#1b6ca8", "#8aa0b0", "#ccd6dd"


def draw(report: dict, target: Path) -> None:
    """Horizontal bars, the fastest on top; a line from the slowest to the fastest round."""
    engines = sorted((each for each in report["engines"] if each["per_s"]), key=lambda each: each["per_s"][0])
    plt.rcParams.update({"svg.hashsalt": "leadstreams", "font.size": 10, "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.46 * len(engines)), layout="constrained")
    most = max(each["per_s"][2] for each in engines)
    for place, each in enumerate(engines):
        median, low, high = each["per_s"]
        axes.barh(place, median, height=0.62, color=_color(each))
        axes.plot([low, high], [place, place], color="#333333", linewidth=1.2)
        axes.text(max(median, high) + most * 0.01, place, f"{median:,.0f}", va="center")
    axes.set_yticks(range(len(engines)), [_label(each) for each in engines])
    axes.set_xlim(0, most * 1.13)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("events per second on one core; line: slowest to fastest round")
    axes.set_title(
        f"The same scoring job, {report['events']:,} events, {report['leads']:,} leads, {report['date']}",
        loc="left",
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    keys = [(OURS, "leadstreams, exactly once"), (EXACT, "exactly once"), (ATLEAST, "at least once")]
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color, _ in keys]
    axes.legend(handles, [words for _, words in keys], loc="lower right", frameon=False)
    figure.savefig(target, metadata={"Date": None})


def _color(each: dict) -> str:
    if each["name"].startswith("leadstreams"):
        return OURS
    return EXACT if each["delivery"] == "exactly once" else ATLEAST


def _label(each: dict) -> str:
    title = each["title"].replace("*", "").replace("`", "")
    return (
        title
        if each["name"].startswith("leadstreams")
        else f"{title} {each['version']}, {each['state']}{each['commit']}"
    )


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
