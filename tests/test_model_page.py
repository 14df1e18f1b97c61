"""A model in words."""

import re

from streams import model_file, model_page
from streams.scoring.model import Model
from tests.reference.adapter import published_model


def test_the_page_names_every_rule_with_its_points_and_windows() -> None:
    page = model_page.page(published_model())
    assert (
        "| +10 | 3 or more visits within 30 days | visits the website | once, for 3 or more within 30 days |"
        in page
    )
    assert (
        "| +20 | downloaded a whitepaper | downloads content (offer_type is whitepaper); or sends a form" in page
    )
    assert re.search(r"\| \+5 \| .* \| the newest 2 \| 30 days \| email_open \|", page)


def test_the_page_names_the_thresholds_and_what_is_not_in_the_score() -> None:
    page = model_page.page(published_model())
    assert "**MQL** (marketing-qualified) from 20 points; lead again below 15." in page
    assert "**SQL** (sales-qualified) from 40 points, if an email address or a phone number is known." in page
    assert "clicks in a mail" in page.partition("## Not in the score")[2]
    assert "opens a mail" not in page.partition("## Not in the score")[2]
    assert f"Identity of exactly this content: {published_model().hash}" in page


def test_the_page_tells_everything_else_that_a_model_can_say() -> None:
    source = (model_file.SHIPPED / "published.yaml").read_text()
    more = (
        source.replace(
            "    max: 2\n", "    group: mail\n    half_life: 14d\n    lifts_to: mql\n    distinct: offer\n"
        )
        .replace("when: [{visit: []}]", "when: [{visit: [pricing]}]")
        .replace("rules:", "pages: [{name: pricing, paths: [/pricing], counts: false}]\nrules:", 1)
        .replace("stages:", "groups: {mail: {cap: 12}}\nstages:", 1)
        .replace("cool_down: 0s", "cool_down: 90d")
        .replace("mode: live", "mode: shadow, max_age: 7d")
        .replace('version: "1"', 'version: "1"\nagreed_by: [A. Sales, B. Marketing]\nagreed_on: "2026-11-02"')
    )
    model = model_file.read(more.encode(), "more.yaml")
    assert isinstance(model, Model), model
    page = model_page.page(model)
    for words in (
        "each offer once",
        "30 days, halved every 14 days, lifts to MQL only",
        "visits pricing pages",
        "- pricing: /pricing (does not make a visit count)",
        "- mail: at most 12 points together (email_open)",
        "rests for 90 days",
        "shadow mode",
        "more than 7 days after it happened",
        "Agreed by A. Sales, B. Marketing on 2026-11-02.",
    ):
        assert words in page, words


def test_a_span_is_said_in_words() -> None:
    assert [model_page.duration(ms) for ms in (1_000, 7_200_000, 86_400_000, 0)] == [
        "1 second",
        "2 hours",
        "1 day",
        "0 seconds",
    ]
