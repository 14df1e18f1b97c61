"""The same job on this pipeline and on its peers: same Apache Kafka, same log, one core each, alternating rounds.

Each engine's handoffs are checked against the replay of the log; who gives others does not count. The table goes
to benchmarks/README.md, the picture to benchmarks/peers-LEADS.svg, the figures of each round to a JSON file.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import course, engine, machine, table
from benchmarks.course import Course, RunFailed
from benchmarks.engine import OURS, Engine
from benchmarks.ground import Ground
from streams import model_file

HERE = Path(__file__).parent


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, default=4_000_000)
    parser.add_argument("--slow-events", type=int, default=200_000, help="the log of engines that need hours")
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--repeats", type=float, default=0.01, help="share of events that are sent twice")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commit-s", type=float, default=60.0, help="at least so often: for short logs")
    parser.add_argument("--only", default="", help="beginnings of engines' names, with commas; ours always runs")
    parser.add_argument("--figures", type=Path, default=Path(tempfile.gettempdir()) / "leadstreams-peers.json")
    parser.add_argument("--keep", action="store_true", help="the figures of engines that are not run this time")
    parser.add_argument("--no-write", action="store_true", help="leave README.md and the picture alone")


def run(options: argparse.Namespace) -> dict[str, Any]:
    if not options.no_write and not table.has_place(HERE / "README.md", options.leads):
        raise SystemExit(f"benchmarks/README.md has no markers for {options.leads} leads: --no-write, or add them")
    chosen = [each.hurried(options.commit_s) for each in _chosen(options.only)]
    for each in chosen:
        each.prepare()
    with ExitStack() as stack:
        grounds = _grounds(stack, options, chosen)
        judge = Judge()
        courses: list[Course] = []
        for number in range(options.rounds):
            for each in chosen:
                for ground in grounds if each.name == OURS.name else [grounds[each.slow and len(grounds) > 1]]:
                    found = judge.course(each, ground)
                    courses.append(found)
                    _tell(number, found)
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine.described(),
        "command": f'make bench-peers BENCH_ARGS="{" ".join(sys.argv[2:])}"',
        "events": options.events,
        "leads": options.leads,
        "rounds": options.rounds,
        "partitions": options.partitions,
        "repeats": options.repeats,
        "bytes_per_event": grounds[0].bytes_per_event,
        "engines": [table.summary(each, each.version(), courses) for each in chosen],
        "courses": [found._asdict() for found in courses],
    }
    if options.keep:
        report = table.kept(json.loads(options.figures.read_text()), report)
    options.figures.write_text(json.dumps(report, indent=2))
    if not options.no_write:
        table.write(HERE / "README.md", report)
        picture = HERE / "picture.py"
        drawing = [
            str(engine.tool("picture")),
            str(picture),
            str(options.figures),
            str(HERE / table.picture_of(report)),
        ]
        table.draw(drawing)
    return {"figures": str(options.figures), "engines": report["engines"]}


def _chosen(only: str) -> list[Engine]:
    names = [name for name in only.split(",") if name]
    shipped = model_file.shipped()
    return [
        each
        for each in engine.ALL
        if each.model in shipped
        and (each is OURS or not names or any(each.name.startswith(name) for name in names))
    ]


def _grounds(stack: ExitStack, options: argparse.Namespace, chosen: list[Engine]) -> list[Ground]:
    """The log, and a shorter one for slow engines if there are any and it is longer."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadstreams-bench-")))
    sizes = [options.events]
    if options.slow_events < options.events and any(each.slow for each in chosen):
        sizes.append(options.slow_events)
    grounds = []
    for size in sizes:
        at = directory / str(size)
        ground = Ground(at, size, options.leads, options.partitions, options.repeats)
        grounds.append(stack.enter_context(ground))
        ground.fill()
    return grounds


class Judge:
    """Runs engines, and holds them to what the replay of our own first run gave."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[int, str], frozenset[str]] = {}

    def course(self, each: Engine, ground: Ground) -> Course:
        try:
            samples, resident = course.run(each, ground)
        except RunFailed as why:
            return course.failed(each, ground, str(why))
        name = ground.events, each.model
        if each.kind == "ours" and name not in self._wanted:
            oracle = ground.oracle(each.model)
            if oracle.differences:
                return course.failed(each, ground, f"{oracle.differences} differences between live and replay")
            self._wanted[name] = oracle.handoffs
        if name not in self._wanted:
            return course.failed(each, ground, "our own run failed: nothing to compare with")
        return course.judged(each, ground, samples, resident, self._wanted[name])


def _tell(number: int, found: Course) -> None:
    ok = "ok" if table.counts(found) else f"{found.missing} missing, {found.unexpected} unexpected {found.failed}"
    words = f"{found.per_s:,.0f}/s, {found.per_processor_s:,.0f}/processor s"
    memory = f"{found.resident / 1e6:,.0f} MB"
    print(
        f"round {number + 1} {found.engine} ({found.events:,}): {words}, {memory}, {found.handoffs:,} handoffs"
        f" ({found.twice} twice): {ok}",
        file=sys.stderr,
        flush=True,
    )
