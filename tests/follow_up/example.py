"""A follow-up as a model file says it, with the holidays that ship."""

from datetime import date
from typing import Any

from schemas.follow_up import FollowUpParts
from streams import model_file, model_lists, yaml_file
from streams.follow_up.calendar import Calendar
from streams.follow_up.model import FollowUp, compile_follow_up
from streams.model_lists import Rows
from streams.scoring.instant import milliseconds
from streams.yaml_file import Parsed

LISTS = model_file.SHIPPED / "lists"
RULES = {"V3"}
TOKYO = "Asia/Tokyo"
ZONES = {"jp": TOKYO, "emea": "Europe/Berlin", "amer": "America/New_York"}
TEXT = """\
calendars:
  jp: {zone: Asia/Tokyo, opens: 09:00, closes: 18:00, holidays: holidays_jp}
  emea: {zone: Europe/Berlin, opens: 09:00, closes: 18:00, holidays: holidays_emea}
  amer: {zone: America/New_York, opens: 09:00, closes: 18:00, holidays: holidays_amer}
routing:
  regions:
    - {name: jp, countries: [JP]}
    - {name: emea, countries: [DE, FR, GB]}
    - {name: amer}
  sizes:
    - {name: enterprise, employees: {at_least: 1000}}
    - {name: sdr}
  queues:
    jp-enterprise: {calendar: jp, reps: 2}
    jp-sdr: {calendar: jp, reps: 4}
    emea-enterprise: {calendar: emea}
    emea-sdr: {calendar: emea, reps: 3}
    amer-enterprise: {calendar: amer}
    amer-sdr: {calendar: amer, reps: 3}
    inside-sales: {calendar: jp, reps: 2}
  reviews: inside-sales
follow_up:
  respond_within: {request: 1bh, promoted: 1bh, score: 8bh, review: 8bh}
  escalations:
    - {after: 8bh, to: manager}
    - {after: 0bh, to: queue_lead}
  gives_up_after: 10bd
priorities:
  - {priority: high, when: {lane: [request, promoted], grade: [A, B]}}
  - {priority: high, when: {lane: [score], grade: [A]}, respond_within: 4bh}
  - {priority: low, when: {grade: [D]}}
segments:
  - {name: request_hot, when: {lane: [request]}, approach: {en: Call., ja: お電話ください。}}
  - name: enterprise_intent
    when: {stage: [sql], lane: [score], employees: {at_least: 1000}}
    approach: {en: Mail., ja: メールをお送りください。}
  - name: pricing_mid
    when: {stage: [sql], employees: {at_least: 50, below: 1000}, alive: [V3]}
    approach: {en: Ask., ja: お尋ねください。}
  - name: research_mid
    when: {stage: [sql], employees: {at_least: 50, below: 1000}}
    approach: {en: Send., ja: 資料をお送りください。}
  - {name: small, when: {stage: [sql], employees: {below: 50, unknown: true}}, approach: {en: Trial., ja: 試用。}}
  - {name: nurture_finance, when: {stage: [mql], industry: [finance]}, approach: {en: Case., ja: 事例。}}
  - {name: nurture_other, when: {stage: [mql]}, approach: {en: Any case., ja: 他の事例。}}
"""


def content() -> dict[str, Any]:
    """What a file with this text says."""
    parsed = yaml_file.parse(TEXT.encode(), "example.yaml", len(TEXT) * 4)
    assert isinstance(parsed, Parsed), parsed
    tree: dict[str, Any] = parsed.tree
    return tree


def shipped_list(name: str) -> Rows:
    """The rows of a list that ships."""
    path = LISTS / f"{name}.csv"
    rows = model_lists.read(path.read_bytes(), path.name, name)
    assert isinstance(rows, list), rows
    return rows


def lists() -> dict[str, Rows]:
    """The holidays that ship."""
    return {f"holidays_{name}": shipped_list(f"holidays_{name}") for name in ZONES}


def compiled(tree: dict[str, Any] | None = None, timezone: str = TOKYO) -> FollowUp:
    """The compiled form of what a file says, that of this text without one."""
    source = FollowUpParts.model_validate(content() if tree is None else tree)
    return compile_follow_up(source, lists(), RULES, timezone)


def calendar(name: str) -> Calendar:
    """Monday to Friday from nine to six, with the shipped holidays of a region."""
    holidays = frozenset(date.fromisoformat(row[0]) for row in shipped_list(f"holidays_{name}"))
    return Calendar(ZONES[name], 9 * 60, 18 * 60, frozenset(range(5)), holidays)


def at(text: str) -> int:
    """Unix milliseconds of an RFC 3339 time."""
    return milliseconds(text)
