"""The comparison as a table in benchmarks/README.md."""

import subprocess
from pathlib import Path
from typing import Any, Final

from benchmarks.course import Course, spread
from benchmarks.engine import Engine

BEGIN: Final = "<!-- peers, {leads} leads: begin -->"
END: Final = "<!-- peers, {leads} leads: end -->"


def counts(found: Course) -> bool:
    """Whether a run's result is right: the replay's handoffs, no other. A repeat at least once is no mistake."""
    return not (found.failed or found.missing or found.unexpected)


def summary(engine: Engine, version: str, courses: list[Course]) -> dict[str, Any]:
    """An engine over all rounds, on the longest log that it was given; rates as (median, lowest, highest).

    `by_log`: its median rate on each log, by the number of events: those who got a short one are compared on that.
    """
    own = [found for found in courses if found.engine == engine.name]
    longest = max((found.events for found in own), default=0)
    sound = [found for found in own if counts(found)]
    good = [found for found in sound if found.events == longest]
    return {
        "name": engine.name,
        "title": engine.title,
        "version": version,
        "state": engine.state,
        "delivery": engine.delivery,
        "commit": "" if engine.commit_s is None else f", each {engine.commit_s:g} s",
        "events": longest,
        "runs": len(own),
        "wrong": sum(not counts(found) for found in own),
        "missing": max((found.missing for found in own), default=0),
        "unexpected": max((found.unexpected for found in own), default=0),
        "twice": max((found.twice for found in own), default=0),
        "handoffs": max((found.handoffs for found in own), default=0),
        "failed": next((found.failed for found in own if found.failed), ""),
        "per_s": spread([found.per_s for found in good]) if good else None,
        "by_log": {
            str(size): spread([found.per_s for found in sound if found.events == size])[0]
            for size in {found.events for found in sound}
        },
        "per_processor_s": spread([found.per_processor_s for found in good]) if good else None,
        "resident": max((found.resident for found in good), default=0),
    }


def kept(before: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """An earlier report with the engines of a later one in their places, each beside ours of its own run."""
    later = {each["name"]: each for each in report["engines"]}
    ours = later.pop("leadstreams")
    for each in later.values():
        each["beside"] = ours["by_log"]
    engines = [later.pop(each["name"], each) for each in before["engines"]]
    return before | {
        "engines": engines + list(later.values()),
        "courses": before["courses"] + report["courses"],
        "command": f"{before['command']}; {report['command']}",
    }


def rendered(report: dict[str, Any]) -> str:
    """The section between the markers."""
    engines = report["engines"]
    ours = next(each for each in engines if each["name"] == "leadstreams")
    lines = [
        f"{report['date']}, {report['machine']}; Apache Kafka 4.1.1; {report['events']:,} events of"
        f" {report['bytes_per_event']} bytes, {report['leads']:,} leads (Zipf), {report['repeats']:.0%} of the"
        f" events sent twice, {report['partitions']} partitions of 4 topics; rounds: {report['rounds']}, in turn."
        " Where a row names a number of events, its log was that long, and so was that of ours beside it.",
        "",
        "| engine | state | delivery, commits | events/s/core | spread | per CPU s | ours is | handoffs |",
        "|---|---|---|---:|---:|---:|---:|---|",
    ]
    order = sorted(engines, key=lambda each: -(each["per_s"] or [0])[0])
    lines += [_row(each, ours) for each in order]
    lines += [
        "",
        "Repeat with " + ", then ".join(f"`{command}`" for command in report["command"].split("; ")) + ".",
        "",
        f"![Events per second and core]({picture_of(report)})",
    ]
    return "\n".join(lines)


def _row(each: dict[str, Any], ours: dict[str, Any]) -> str:
    title = f"{each['title']} {each['version']}"
    log = "" if each["events"] in (0, ours["events"]) else f"; {each['events']:,} events"
    head = f"| {title} | {each['state']} | {each['delivery']}{each['commit']}{log} |"
    if each["per_s"] is None:
        return f"{head} does not count | | | | {_verdict(each)} |"
    median, low, high = each["per_s"]
    beside = each.get("beside", ours["by_log"]).get(str(each["events"]))
    ratio = f"{beside / median:.2f}" if beside else ""
    cost = each["per_processor_s"][0]
    return f"{head} {median:,.0f} | {low:,.0f} to {high:,.0f} | {cost:,.0f} | {ratio} times | {_verdict(each)} |"


def _verdict(each: dict[str, Any]) -> str:
    """How the handoffs compare with the replay's."""
    if each["failed"]:
        return "failed"
    if each["missing"] or each["unexpected"]:
        return f"wrong: {each['missing']:,} missing, {each['unexpected']:,} too many"
    again = f", {each['twice']:,} twice" if each["twice"] else ""
    return f"{each['handoffs']:,}, the replay's{again}"


def picture_of(report: dict[str, Any]) -> str:
    """The name of the picture: one for each number of leads."""
    return f"peers-{report['leads']}.svg"


def has_place(readme: Path, leads: int) -> bool:
    """Whether there are markers for a table of this number of leads."""
    text = readme.read_text()
    return BEGIN.format(leads=leads) in text and END.format(leads=leads) in text


def write(readme: Path, report: dict[str, Any]) -> None:
    """Put the section between the markers of its number of leads."""
    begin, end = BEGIN.format(leads=report["leads"]), END.format(leads=report["leads"])
    before, _, rest = readme.read_text().partition(begin)
    _, _, after = rest.partition(end)
    readme.write_text(f"{before}{begin}\n{rendered(report)}\n{end}{after}")


def draw(command: list[str]) -> None:
    """The picture, by a program with an environment of its own."""
    subprocess.run(command, check=True)
