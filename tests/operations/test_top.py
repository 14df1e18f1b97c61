"""`leadstreams top`: the right figures from expositions, on a screen that fits a terminal."""

import asyncio
import io
import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from streams import top
from streams.broker import free_port
from streams.cli.top import screen
from streams.top import Figures
from tests.kafka.pipeline import PROGRAM
from tests.operations.test_monitoring import queries, rules

EARLIER = """
# TYPE leadstreams_events counter
leadstreams_events_total{topic="web-visits",outcome="scored"} 100
leadstreams_events_total{topic="web-visits",outcome="duplicate"} 5
# TYPE leadstreams_handoff_latency_seconds histogram
leadstreams_handoff_latency_seconds_bucket{le="0.1"} 0
leadstreams_handoff_latency_seconds_bucket{le="0.2"} 0
leadstreams_handoff_latency_seconds_bucket{le="+Inf"} 0
leadstreams_handoff_latency_seconds_count 0
leadstreams_handoff_latency_seconds_sum 0
"""
LATER = """
# TYPE leadstreams_events counter
leadstreams_events_total{topic="web-visits",outcome="scored"} 300
leadstreams_events_total{topic="web-visits",outcome="duplicate"} 5
# TYPE leadstreams_lag_records gauge
leadstreams_lag_records{topic="web-visits",partition="0"} 40
leadstreams_lag_records{topic="web-visits",partition="1"} 2
# TYPE leadstreams_lag_seconds gauge
leadstreams_lag_seconds{topic="web-visits",partition="0"} 61.5
leadstreams_lag_seconds{topic="web-visits",partition="1"} 0.5
# TYPE leadstreams_leads gauge
leadstreams_leads{kind="email",stage="sql"} 7
leadstreams_leads{kind="user",stage="sql"} 1
# TYPE leadstreams_feedback counter
leadstreams_feedback_total{type="handoff_accepted"} 3
leadstreams_feedback_total{type="handoff_rejected"} 1
# TYPE leadstreams_handoff_latency_seconds histogram
leadstreams_handoff_latency_seconds_bucket{le="0.1"} 50
leadstreams_handoff_latency_seconds_bucket{le="0.2"} 100
leadstreams_handoff_latency_seconds_bucket{le="+Inf"} 100
leadstreams_handoff_latency_seconds_count 100
leadstreams_handoff_latency_seconds_sum 11
# TYPE leadstreams_connector_open gauge
leadstreams_connector_open{connector="hubspot"} 1
"""


def figures() -> Figures:
    return top.figures(top.look(100.0, [EARLIER]), top.look(110.0, [LATER]))


def test_rates_are_what_happened_between_two_looks() -> None:
    found = figures()

    assert found.events == {"web-visits": 20.0}
    assert found.outcomes == {"scored": 20.0, "duplicate": 0.0}


def test_a_process_that_was_started_anew_counts_from_zero() -> None:
    assert top.figures(top.look(100.0, [LATER]), top.look(110.0, [EARLIER])).events == {"web-visits": 10.5}


def test_quantiles_are_those_of_prometheus() -> None:
    half, most = figures().latency

    assert half == pytest.approx(0.1)
    assert most == pytest.approx(0.198)


def test_what_two_workers_hold_is_added_up() -> None:
    found = top.figures(top.look(100.0, [LATER, LATER]), top.look(110.0, [LATER, LATER]))

    assert found.leads == {"sql": 16.0}
    assert found.accepted == 0.75


def test_the_screen_shows_them_within_a_terminal_of_100_by_40() -> None:
    console = Console(file=io.StringIO(), width=100, height=40, force_terminal=False)
    console.print(screen(figures(), ("127.0.0.1:8800",)))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()

    assert len(lines) <= 40
    assert all(len(line) <= 100 for line in lines)
    text = " ".join(" ".join(lines).split())
    for shown in ("no answer: 127.0.0.1:8800", "web-visits 20.0/s", "lag 42", "61.5 s", "sql 8", "accepted 75%"):
        assert shown in text
    assert "to handoff p99 198 ms" in text
    assert "hubspot stuck" in text


async def _serve(exposition: str) -> TestServer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=exposition)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    server = TestServer(app)
    await server.start_server()
    return server


async def test_the_command_asks_the_processes() -> None:
    server = await _serve(LATER)
    try:
        asked = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "top", f"127.0.0.1:{server.port}", "--every", "0.2", "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asked.communicate()
    finally:
        await server.close()
    assert asked.returncode == 0
    assert json.loads(said)["leads"] == {"sql": 8.0}


async def test_nobody_there_is_one_line() -> None:
    asked = await asyncio.create_subprocess_exec(
        *(str(PROGRAM), "top", f"127.0.0.1:{free_port()}", "--once"), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asked.communicate()
    assert asked.returncode == 1
    assert said.startswith(b"error: nobody answers at 127.0.0.1:")


def test_what_the_dashboards_ask_for_is_on_the_screen() -> None:
    """Metric by metric; recorded ones by what they are made of."""
    made_of = {rule["record"]: rule["expr"] for rule in rules("record")}
    asked = " ".join(queries())
    for record, expression in made_of.items():
        asked = asked.replace(record, expression)
    wanted = set(re.findall(r"\b((?:leadstreams|process)_[a-z_]+?)(?:_total|_bucket|_count|_sum)?\b", asked))
    source = Path(top.__file__).read_text()
    assert {name for name in wanted if name not in source} <= NOT_SHOWN


NOT_SHOWN = {"leadstreams_transition_rules"}
"""Rule by rule is for a page, not for a screen."""
