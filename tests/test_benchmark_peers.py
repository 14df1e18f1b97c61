"""The peers of the benchmark do the same job as the core: the same handoffs, also where windows end."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks import load
from benchmarks.peers.job import score_event
from streams import topics
from streams.identity.keys import lead_keys
from streams.local import Local
from streams.scoring.instant import DAY, HOUR, rfc3339
from tests.kafka.broker import LIBS
from tests.laboratory import SECRET, terms_of

JAVA = Path(load.__file__).with_name("peers") / "scoring"
LEADS = 400
EVENTS_EACH = 40
KINDS: dict[str, dict[str, str]] = {
    topics.WEB_VISITS: {"type": "page_viewed", "url": "https://example.com/pricing"},
    topics.EMAIL_ENGAGEMENT: {"type": "email_opened", "message_id": "m-1"},
    topics.FORM_SUBMISSIONS: {"type": "form_submitted", "form_id": "f-1", "phone": "+81 3 0000 0000"},
    topics.LEAD_ACTIVITIES: {"type": "sales_contacted", "channel": "phone", "outcome": "connected"},
}

Line = tuple[int, str, str, dict[str, Any]]
"""Arrival, topic, lead key, event."""


def journey(lead: int, rng: random.Random) -> Iterator[Line]:
    """What one lead does over weeks: pages of one visit and of several, quiet spells, events that arrive twice."""
    key = lead_keys(None, f"user-{lead}", None, SECRET)[0]
    at = load.START + rng.randrange(DAY)
    for number in range(EVENTS_EACH):
        most = rng.choice((HOUR, HOUR, 2 * DAY, 14 * DAY))
        at += rng.randrange(1, most)
        topic = rng.choices(list(KINDS), (60, 25, 10, 3))[0]
        event: dict[str, Any] = {
            "event_id": f"{lead}-{number}",
            "occurred_at": rfc3339(at),
            "received_at": rfc3339(at),
            "source": "test",
            "user_id": f"user-{lead}",
            "is_machine": rng.random() < 0.1,
            **KINDS[topic],
        }
        if topic == topics.FORM_SUBMISSIONS:
            event["form_type"] = rng.choice(("whitepaper", "newsletter"))
        for again in range(2 if rng.random() < 0.2 else 1):
            yield at + again * 5, topic, key, event


def lines() -> list[Line]:
    """The journeys of all leads, in the order of arrival."""
    rng = random.Random(3)
    found = [line for lead in range(LEADS) for line in journey(lead, rng)]
    return sorted(found, key=lambda line: line[0])


@pytest.fixture(scope="module")
def wanted() -> list[tuple[str, str]]:
    """The leads that the core hands over, and when."""
    local = Local(terms_of())
    for arrival, topic, _, event in lines():
        local.pass_time(arrival)
        local.feed(topic, msgspec.json.encode(event), arrival)
    told = [msgspec.json.decode(effect.value or b"") for effect in local.outputs[topics.SALES_HANDOFFS]]
    return sorted((handoff["subject"], handoff["time"]) for handoff in told)


def test_the_job_in_python_hands_over_the_same_leads(wanted: list[tuple[str, str]]) -> None:
    leads: dict[str, dict[str, Any]] = {}
    handed = [
        (handoff["lead_key"], handoff["time"])
        for _, _, key, event in lines()
        if (handoff := score_event(leads.setdefault(key, {}), key, event)) is not None
    ]
    assert len(wanted) > LEADS / 4
    assert sorted(handed) == wanted


@pytest.mark.skipif(not any(LIBS.glob("jackson-databind-*.jar")), reason="run make kafka")
@pytest.mark.skipif(shutil.which("javac") is None, reason="install a Java compiler, 17 or later")
def test_the_job_in_java_hands_over_the_same_leads(wanted: list[tuple[str, str]], tmp_path: Path) -> None:
    path = f"{LIBS}/*:{tmp_path}"
    subprocess.run(["javac", "-cp", path, "-d", str(tmp_path), *map(str, JAVA.glob("*.java"))], check=True)
    given = b"".join(key.encode() + b"\t" + msgspec.json.encode(event) + b"\n" for _, _, key, event in lines())
    done = subprocess.run(
        ["java", "-cp", path, "scoring.Conformance"], input=given, capture_output=True, check=True
    )
    assert sorted(tuple(line.split("\t")) for line in done.stdout.decode().splitlines()) == wanted
