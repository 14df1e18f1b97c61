"""Whoever writes a wrong model is told so in one line: file, line, path, and what to do."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import model_file

EVERY_SECTION = Path(__file__).parent / "samples" / "models" / "every_section.yaml"
"""A model that is right; each case below makes one thing of it wrong."""

CHANGES = [
    [cell.replace("\\n", "\n") for cell in line.split("\t")]
    for line in (EVERY_SECTION.parent / "wrong.tsv").read_text().splitlines()[1:]
]
"""What is wrong, words of the model, what stands in their place, how the one fault begins: line, path, message."""

STAGES = "stages: {mql: {enter: 20, leave: 15}, sql: {enter: 40}}\n"
RULE = "rules: [{id: a, when: [{type: email_opened}], points: 1, keeps: 1d, reason: {en: a, ja: b}}]\n"
NAMED = 'name: x\nversion: "1"\n'
FILES = [
    ("a list", "- a\n", "1: expected a mapping with name, version, rules and stages"),
    ("an empty file", "", "1: expected a mapping with name, version, rules and stages"),
    ("one word", "hello", "1: expected a mapping with name, version, rules and stages"),
    ("no rules", NAMED + STAGES, "1: rules: is missing"),
    ("not one rule", NAMED + "rules: []\n" + STAGES, "3: rules: expected at least one"),
    ("no stages", NAMED + RULE, "1: stages: is missing"),
    (
        "two documents",
        "a: 1\n---\nb: 2\n",
        "2: expected a single document in the stream: but found another document",
    ),
    (
        "a tab",
        "name:\n\tx: 1\n",
        "2: while scanning for the next token: found character '\\t' that cannot start any token",
    ),
]
"""What is wrong, the whole file, how the one fault begins."""

SECTIONS = [
    (["fit"], "stages.mql: grades and seniority are told by `fit`, which is missing"),
    (["stages"], "stages: is missing"),
    (["rules"], "rules: is missing"),
    (["requests"], "lanes: lanes need `requests`, which says how long a request may open one"),
    (["routing"], "routing and follow_up belong together: routing is missing"),
    (["routing", "follow_up"], "requests: requests need follow_up, calendars and routing: by when, and by whom"),
    (["calendars"], "routing.queues.jp-sdr.calendar: unknown calendar 'jp': the model has no calendars"),
    (["groups"], "rules[0].group: unknown group 'web': the model has no groups"),
    (["pages"], "rules[0].when[0].visit: unknown page group 'product': the model has no pages"),
]
"""Sections that others need, and how the one fault begins, after its line."""


@cache
def right() -> str:
    return EVERY_SECTION.read_text()


def faults(text: str | bytes, beside: Path | None = None) -> list[str]:
    """What is said of a model, each in one line without the file's name."""
    raw = text.encode() if isinstance(text, str) else text
    found = model_file.read(raw, "mine.yaml", beside=beside)
    said = [str(fault) for fault in found] if isinstance(found, list) else []
    assert all(line.startswith("mine.yaml:") and "\n" not in line for line in said), said
    return [line.removeprefix("mine.yaml:") for line in said]


def without(section: str, text: str) -> str:
    """A model without one of its sections."""
    lines = text.splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{section}:"))
    end = next((n for n in range(start + 1, len(lines)) if lines[n][0].isalpha()), len(lines))
    return "".join(lines[:start] + lines[end:])


def test_the_model_that_the_cases_break_is_right() -> None:
    assert faults(right()) == []


@pytest.mark.parametrize(("what", "old", "new", "fault"), CHANGES, ids=[change[0] for change in CHANGES])
def test_one_wrong_thing_is_one_fault_with_its_line_path_and_remedy(
    what: str, old: str, new: str, fault: str
) -> None:
    assert old in right(), what
    (found,) = faults(right().replace(old, new, 1))
    assert found.startswith(fault)


@pytest.mark.parametrize(("what", "text", "fault"), FILES, ids=[file[0] for file in FILES])
def test_a_file_that_is_no_model_is_one_fault(what: str, text: str, fault: str) -> None:
    (found,) = faults(text)
    assert found.startswith(fault), what


@pytest.mark.parametrize(("sections", "fault"), SECTIONS, ids=["-".join(case[0]) for case in SECTIONS])
def test_a_section_that_others_need_is_missed_at_the_place_that_needs_it(sections: list[str], fault: str) -> None:
    text = right()
    for section in sections:
        text = without(section, text)
    (found,) = faults(text)
    assert found.partition(": ")[2].startswith(fault)


@pytest.mark.parametrize(
    ("what", "raw", "message"),
    [
        ("not text", b"\xff\xfe\x00", "not YAML in UTF-8"),
        ("larger than any model", b"#" * 600_000, "at most 512 KB, this file has 585"),
        ("deeper than any model", b"name: " + b"[" * 5000, "not YAML in UTF-8 of sensible depth"),
        ("a bomb of aliases", b"a: &a [x]\n" + b"b: [*a, *a]\n" * 9, "aliases (*name) are not taken"),
        ("a bomb of merges", b"a: &a {x: y}\nb: {<<: *a}\n", "aliases (*name) are not taken"),
    ],
)
def test_a_file_that_would_harm_is_refused_before_it_is_read(what: str, raw: bytes, message: str) -> None:
    (found,) = faults(raw)
    assert found.endswith(message), what


def test_several_wrong_things_are_told_together_in_the_order_of_their_lines() -> None:
    text = (
        right()
        .replace("points: 25", "points: many")
        .replace("mode: live", "mode: on")
        .replace("cap: 35", "cop: 3")
    )
    paths = [fault.split(": ")[1] for fault in faults(text)]
    assert paths == ["rules[0].points", "fit.cap", "fit.cop", "handoff.mode"]


def test_a_list_beside_the_model_is_told_with_its_own_file_and_line(tmp_path: Path) -> None:
    text = right().replace("private: [[gmail.com]]", "private: private.csv")
    missing = "13: lists.private: cannot read 'private.csv': there is no such file beside the model"
    assert faults(text, tmp_path) == [missing]
    (tmp_path / "private.csv").write_text("mail_domain\ngmail.com\nme@yahoo.com\n")
    found = model_file.read(text.encode(), "mine.yaml", beside=tmp_path)
    wrong = f"{tmp_path}/private.csv:3: mail_domain: expected a mail domain in lower case such as gmail.com, found"
    assert isinstance(found, list)
    assert [str(fault) for fault in found] == [f"{wrong} 'me@yahoo.com'"]
    (tmp_path / "private.csv").write_text("mail_domain\ngmail.com\n")
    assert faults(text, tmp_path) == []


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_model_with_any_line_left_out_or_repeated_is_right_or_refused_in_lines(data: st.DataObject) -> None:
    lines = right().splitlines(keepends=True)
    n = data.draw(st.integers(0, len(lines) - 1))
    lines[n : n + 1] = lines[n : n + 1] * data.draw(st.sampled_from([0, 2]))
    assert all(": " in fault for fault in faults("".join(lines)))
