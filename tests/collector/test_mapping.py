"""The mapping file."""

from pathlib import Path

import pytest

from schemas.event import ACTIVITIES
from streams.collector.mapping import Fields, Mapping, load_mapping, plain, topic_of
from streams.topics import EMAIL_ENGAGEMENT, FORM_SUBMISSIONS, LEAD_ACTIVITIES, WEB_VISITS


def load(tmp_path: Path, text: str) -> Mapping | str:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    return load_mapping(path)


def test_the_shipped_mapping_names_only_types_of_the_contract() -> None:
    shipped = load_mapping()
    assert isinstance(shipped, Mapping)
    assert {rule.type for rule in shipped.track.values()} <= set(ACTIVITIES)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("track: {Deal Won: {type: deal_won}}", "track.Deal Won.type"),
        ("track: {X: {type: page_viewed, set: {source_kind: server}}}", "track.X.source_kind"),
        ("types: {page_viewed: {is_machine: [bot]}}", "types.page_viewed.is_machine"),
        ("attributes: {email: [mail]}", "attributes.email"),
        ("tracks: {}", "tracks"),
        ("{", "not YAML"),
        ("[]", "file"),
    ],
)
def test_a_wrong_mapping_is_refused_in_one_line_that_says_where(tmp_path: Path, text: str, complaint: str) -> None:
    problem = load(tmp_path, text)
    assert isinstance(problem, str), problem
    assert complaint in problem
    assert "\n" not in problem


def test_a_name_s_own_sources_come_before_those_of_its_type(tmp_path: Path) -> None:
    text = """
types: {content_downloaded: {offer_id: [offer_id]}}
track: {Paper Got: {type: content_downloaded, fields: {offer_id: [paper]}, set: {offer_type: whitepaper}}}
"""
    mapping = load(tmp_path, text)
    assert isinstance(mapping, Mapping)
    rule = mapping.track[plain("paper_got")]
    assert rule.fields.pick({"offer_id": "o", "Paper": "p"}) == ({"offer_id": "p"}, {"offer_id": "o"})


def test_the_first_listed_source_wins_whatever_the_order_and_empty_ones_are_absent() -> None:
    fields = Fields({"name": ["full name", "label"]})
    assert fields.pick({"label": "b", "fullName": "a"})[0] == {"name": "a"}
    assert fields.pick({"full_name": "a", "label": "b"})[0] == {"name": "a"}
    assert fields.pick({"full_name": "", "label": "b"}) == ({"name": "b"}, {})
    assert fields.pick({"full_name": None}) == ({}, {})


def test_each_type_has_the_topic_of_the_contract() -> None:
    assert topic_of("page_viewed") == topic_of("custom") == WEB_VISITS
    assert topic_of("email_opened") == EMAIL_ENGAGEMENT
    assert topic_of("form_submitted") == FORM_SUBMISSIONS
    assert topic_of("identities_linked") == topic_of("webinar_attended") == LEAD_ACTIVITIES
