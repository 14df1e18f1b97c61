"""A model in words."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import get_args

import pytest
import yaml

from schemas import event, fit, follow_up, stage
from schemas.model import Language
from streams import model_file, model_page
from streams.model_page import vocabulary
from streams.model_page.wording import Wording
from streams.scoring.model import Model
from streams.yaml_file import Plain
from tests.reference.adapter import published_model

NOW = 1_795_000_000_000
EACH_LANGUAGE = pytest.mark.parametrize("language", get_args(Language))


@cache
def shipped(name: str) -> Model:
    found = model_file.load(name)
    assert isinstance(found, Model), found
    return found


def changed(name: str, *changes: tuple[str, str]) -> Model:
    """A shipped model with some words of its file replaced."""
    text = (model_file.SHIPPED / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    found = model_file.read(text.encode(), "changed.yaml", beside=model_file.SHIPPED)
    assert isinstance(found, Model), found
    return found


def section(page: str, heading: str) -> str:
    """The text under a heading."""
    return page.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_page_names_every_rule_with_its_points_and_windows() -> None:
    page = model_page.page(published_model(), NOW)
    assert (
        "| +10 | 3 or more visits within 30 days | visits the website | once, for 3 or more within 30 days |"
        in page
    )
    assert (
        "| +20 | downloaded a whitepaper | downloads content (offer: whitepaper); or sends a form (form: white"
        in page
    )
    assert re.search(r"\| \+5 \| .* \| the newest 2 \| 30 days \|  \| email_open \|", page)


def test_the_page_of_a_small_model_has_its_thresholds_and_what_is_not_in_the_score() -> None:
    page = model_page.page(published_model(), NOW)
    assert section(page, "Stages").count("- 20 points or more") == 1
    assert "It is a lead again when its score falls below 15." in page
    assert "- 40 points or more\n- an email address or a phone number is known" in page
    silent = section(page, "Not in the score")
    assert "clicks in a mail" in silent
    assert "opens a mail" not in silent
    assert f"Identity of exactly this content: {published_model().hash}" in page
    assert "## Points for fit" not in page
    assert "## Follow-up" not in page


@pytest.mark.parametrize(
    "words",
    [
        "- 40 points or more, 15 of them for behaviour; or a request (demo, quote, contact, question or"
        " information) within the last 14 days",
        "It is a lead again when its points for behaviour fall below 8 and no request is younger than 14 days,",
        "- confirmed by a server, not by a browser only",
        "- decision power: manager or above",
        "3 or more different offers within 90 days (C3) or spoke with a salesperson (P1)",
        "- active on 2 or more days within 30 days: a visit that counts, downloads content,",
        "| demo | decision power: manager or above; fit grade A or B |",
        "| quote | the company is known; fit grade A, B or C |",
        "request that does not make an SQL is looked at by a person (within 8 business hours)",
        "its owner answers (within 1 business hour)",
        "| a customer | not handed over as new; a request goes to the account's owner |",
        "| +15 or +10 | took an ebook or a template |",
        "each name once, the highest counts, the newest 2",
        "unsubscribes; or subscribes (ends it)",
        "with 4 or more of phone, company, job title,",
        "(offer: not newsletter)",
        "| each kind of form once | 60 days, halved every 14 days | asks to be answered, limit requests | R1 |",
        "lifts to MQL only, limit email",
        "nothing while sales has the lead, limit sales",
        "- web: at most 45 points together (V1, V2, V3)",
        "- What only browsers tell: at most 60 points of all",
        "- careers: /careers, /jobs, /recruit, /saiyo, /採用 (does not make a visit count)",
        "| decision power, from the title | director | +10 |",
        "| employees | 200 to below 5,000 | +10 |",
        "| revenue in USD a year, if employees are unknown | 50 million to below 2 billion | +10 |",
        "| industry | gambling, adult, tobacco or network_marketing | -10 |",
        "| country | any other | grade D |",
        "| needs and means, at most 8 points | advertising of USD 10,000 a month or more | +5 |",
        "**A** from 28, **B** from 18, **C** from 0",
        "- What arrives more than 7 days after it happened is held, not sent.",
        "| an own request | 1 business hour |",
        "- Overdue, it is told to the queue's lead at once, the manager after 8 business hours.",
        "by the close of business day 10",
        "- Accepted and not contacted for 30 days",
        "| JP | jp-enterprise (jp, 2 people) | jp-sdr (jp, 4 people) | inside-sales (jp, 2 people) |",
        "| jp | Asia/Tokyo | Mon Tue Wed Thu Fri 09:00-18:00 | holidays_jp |",
        "| not a fit (not_a_fit) | rests for 180 days, unless its grade becomes better |",
        "| sales did not work it (not_worked) | a lead again at once, it keeps its points |",
        "| spam (spam) | out, until a person takes it back |",
        "| any other reason | rests for 90 days |",
        "| pricing_mid | SQL; 50 to below 1,000 employees; V3 still counts |",
        "| small | SQL; below 50 or unknown employees |",
        "| high | an own request or promoted by a person; grade A or B | as above |",
        "| normal | everyone | as above |",
        "| holidays_jp | 70 |",
    ],
)
def test_the_page_of_the_default_model_says(words: str) -> None:
    assert words in model_page.page(shipped("b2b"), NOW)


@EACH_LANGUAGE
def test_nothing_that_a_model_names_is_left_out(language: Language) -> None:
    source = shipped("b2b").source
    page = model_page.page(shipped("b2b"), NOW, language)
    assert source.routing is not None
    named = [*source.groups, *source.lists, *source.calendars, *source.routing.queues, *source.recycling.reasons]
    named += [rule.id for rule in source.rules] + [s.name for s in source.segments]
    named += [group.name for group in source.pages]
    named += [path for part in source.pages for path in part.paths]
    named += [
        w.model_dump()[language]
        for w in (*(r.reason for r in source.rules), *(s.approach for s in source.segments))
    ]
    assert [name for name in named if name not in page] == []


@EACH_LANGUAGE
def test_every_table_is_whole(language: Language) -> None:
    for name in model_file.shipped():
        page = model_page.page(shipped(name), NOW, language)
        for found in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in found.splitlines()}) == 1, found


def test_the_page_is_in_the_language_of_the_model_unless_another_is_asked_for() -> None:
    japanese = changed("b2b", ("language: en", "language: ja"))
    page = model_page.page(japanese, NOW)
    assert page == model_page.page(japanese, NOW, "ja")
    assert page.startswith("# スコアリングモデル b2b バージョン1\n")
    assert "- スコアが40点以上（うち行動で15点以上）、または直近14日以内の依頼" in page
    assert "5,000万以上20億未満" in page
    assert model_page.page(japanese, NOW, "en").startswith("# Scoring model b2b, version 1\n")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (vocabulary.BLOCKS, get_args(stage.Block)),
        (vocabulary.EFFECTS, get_args(stage.Effect)),
        (vocabulary.SENIORITIES, get_args(stage.Seniority)),
        (vocabulary.FUNCTIONS, get_args(fit.FunctionName)),
        (vocabulary.LANES, get_args(follow_up.Lane)),
        (vocabulary.PRIORITIES, get_args(follow_up.Priority)),
        (vocabulary.RECIPIENTS, get_args(follow_up.Recipient)),
        (vocabulary.WEEKDAYS, get_args(follow_up.Weekday)),
        (vocabulary.VALUES, get_args(stage.Request)),
    ],
)
def test_every_name_of_the_language_has_words_in_both_languages(
    words: vocabulary.Both, names: tuple[str, ...]
) -> None:
    assert set(names) <= set(words)
    assert all(all(both) for both in words.values())


def test_only_activities_have_words_as_events() -> None:
    assert set(vocabulary.EVENTS) <= event.ACTIVITY_TYPES


def test_the_page_tells_everything_else_that_a_model_can_say() -> None:
    model = changed(
        "published",
        ("    max: 2\n", "    group: mail\n    half_life: 14d\n    lifts_to: mql\n    distinct: offer\n"),
        ("when: [{visit: []}]", "when: [{visit: [pricing]}]"),
        ("rules:", "pages: [{name: pricing, paths: [/pricing], counts: false}]\nrules:"),
        ("stages:", "groups: {mail: {cap: 12}}\nstages:"),
        ("cool_down: 0s", "cool_down: 90d"),
        ("mode: live", "mode: shadow, max_age: 7d"),
        (
            'version: "1"',
            'version: "1"\nagreed_by: [A. Sales, B. Marketing]\nagreed_on: "2026-11-02"\nreview_on: 2027-05-01',
        ),
    )
    page = model_page.page(model, NOW)
    for words in (
        "each offer once",
        "30 days, halved every 14 days | lifts to MQL only, limit mail",
        "visits pricing pages",
        "- pricing: /pricing (does not make a visit count)",
        "- mail: at most 12 points together (email_open)",
        "| any reason | rests for 90 days |",
        "shadow mode",
        "more than 7 days after it happened",
        "Agreed by A. Sales, B. Marketing on 2026-11-02. To be looked at again on 2027-05-01.",
    ):
        assert words in page, words


def warned(model: Model, day: str, language: Language | None = None) -> str:
    now = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
    heading = "要対応" if language == "ja" else "To see to"
    return section(model_page.page(model, now, language), heading)


def test_holidays_that_end_within_90_days_are_warned_about() -> None:
    model = shipped("b2b")
    last = max(row[0] for row in model.source.lists["holidays_jp"])
    assert last == "2028-11-23"
    assert "holidays_jp" not in warned(model, "2028-08-25")
    assert f"- The list holidays_jp ends on {last}: what comes later is a business day" in warned(
        model, "2028-08-26"
    )
    assert f"- 一覧holidays_jpは{last}で終わり" in warned(model, "2028-08-26", "ja")


def test_a_list_without_holidays_and_one_with_examples_only_are_warned_about() -> None:
    empty = changed("b2b", ("holidays_jp: lists/holidays_jp.csv", "holidays_jp: []"))
    assert "The list holidays_jp holds no day" in warned(empty, "2026-11-02")
    assert "The list competitors holds examples only" in warned(shipped("b2b"), "2026-11-02")
    own = changed("b2b", ("competitors: lists/competitors.csv", "competitors: [[rival.com]]"))
    assert "competitors" not in warned(own, "2026-11-02")


def test_a_review_that_is_due_is_warned_about() -> None:
    model = changed("published", ('version: "1"', 'version: "1"\nreview_on: 2027-05-01'))
    assert warned(model, "2027-04-30") == ""
    assert "was to be looked at again on 2027-05-01" in warned(model, "2027-05-01")


def test_two_people_can_sign() -> None:
    page = section(model_page.page(shipped("b2b"), NOW), "Agreement")
    assert "Agreed by nobody yet." in page
    assert "| marketing |  |  |  |\n| sales |  |  |  |" in page


def test_a_span_is_said_in_words() -> None:
    spans = (1_000, 7_200_000, 86_400_000, 0, 1_500)
    assert [Wording("en").duration(ms) for ms in spans] == ["1 second", "2 hours", "1 day", "0 seconds", "1500ms"]
    assert [Wording("ja").duration(ms) for ms in spans] == ["1秒", "2時間", "1日", "0秒", "1500ms"]


def test_every_shipped_model_is_valid_and_has_a_page_in_both_languages() -> None:
    assert set(model_file.shipped()) == {"b2b", "published"}
    for name in model_file.shipped():
        raw = yaml.load((model_file.SHIPPED / f"{name}.yaml").read_bytes(), Plain)
        assert raw["name"] == name
        pages = [model_page.page(shipped(name), NOW, language) for language in get_args(Language)]
        assert len(set(pages)) == len(pages)
