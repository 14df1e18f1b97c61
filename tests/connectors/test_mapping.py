from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.connectors import configuration
from streams.connectors.configuration import SHIPPED
from streams.connectors.content import LEADING, clean, neutral, written
from streams.connectors.mapping import Source, apply, render
from streams.connectors.secret import Missing, SecretSource
from tests.connectors.handoffs import event, handoff, update


def value(source: object, **known: Any) -> object:
    return apply({"X": Source.model_validate(source)}, event(handoff(0, **known)), True).get("X", "absent")


def test_where_a_field_may_come_from() -> None:
    assert value("company") == "例示製作所"
    assert value({"from": ["phone", "company"]}) == "例示製作所"
    assert value({"from": "phone"}) == "absent"
    assert value({"from": "phone", "default": "none"}) == "none"
    assert value({"value": None}) is None
    assert value({"from": "fit_grade", "values": {"A": "Hot"}}, fit_grade="A") == "Hot"
    assert value({"from": "fit_grade", "values": {"A": "Hot"}}, fit_grade="B") == "absent"
    assert value({"from": "may_phone", "values": {"false": True}}, may_phone=False) is True
    assert value({"from": "company", "longest": 3}) == "例示…"
    assert value({"from": "respond_by", "as": "date", "zone": "America/New_York"}) == "2026-11-02"
    assert value("event_time") == "2026-11-02T01:00:00.000Z"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Mika Tanaka", "Mika", "Tanaka"), ("Madonna", "absent", "Madonna"), (None,) + ("absent",) * 2],
)
def test_a_name_is_parted_at_its_last_blank(name: str | None, first: str, last: str) -> None:
    assert (value("first_name", name=name), value("last_name", name=name)) == (first, last)


def test_a_line_of_a_template_that_says_nothing_is_left_out() -> None:
    assert render("{reason}\nIn their words: {message}\nfixed", event(update(0)), False) == "fixed"
    assert render("{score} {name}", event(handoff(0, name="{company}")), False) == "50 {company}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: nothing", "no field 'nothing'"),
        ("a: {text: '{name.__class__}'}", "no field 'name.__class__'"),
        ("a: {text: '{name!r}'}", "without conversion"),
        ("a: {from: name, value: 1}", "exactly one of"),
        ("a: {from: respond_by, as: date, zone: Mars/Olympus}", "time zone"),
        ("a: {form: name}", "a.form: unknown word"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, fault: str) -> None:
    found = configuration.read(f"kind: webhook\nurl: {{env: X}}\nfields:\n  {text}\n".encode(), "hook.yaml")
    assert isinstance(found, list)
    assert str(found[0]).startswith("hook.yaml:4: fields.a")
    assert fault in str(found[0])


def test_a_secret_in_the_file_is_refused_and_not_repeated() -> None:
    found = configuration.read(b"kind: webhook\nurl: https://hooks.example/T0P-S3CRET\n", "hook.yaml")
    assert isinstance(found, list)
    assert "hook.yaml:2: url: expected {env: NAME}" in str(found[0])
    assert "S3CRET" not in str(found)


def test_what_a_secret_may_be(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "token"
    file.write_text("abc\n")
    assert SecretSource(file=file).read().get_secret_value() == "abc"
    assert "abc" not in repr(SecretSource(file=file).read())
    with pytest.raises(Missing, match="NOPE"):
        SecretSource(env="NOPE").read({})
    with pytest.raises(Missing, match="line breaks"):
        SecretSource(env="BAD").read({"BAD": "a\nX-Evil: 1"})


@pytest.mark.parametrize("name", configuration.shipped())
def test_what_is_shipped_is_valid_and_described(name: str) -> None:
    found = configuration.load(name)
    assert not isinstance(found, list), [str(fault) for fault in found] if isinstance(found, list) else ""
    sheet = next(word for word in (SHIPPED / f"{name}.yaml").read_text().split() if word.startswith("docs/"))
    assert (SHIPPED.parents[1] / sheet).exists()


def test_an_unknown_connector_names_the_shipped_ones() -> None:
    found = configuration.load("pipedrive")
    assert isinstance(found, list)
    assert "hubspot, hubspot-lists, nurture-webhook, salesforce" in str(found[0])


@given(st.text())
def test_nothing_that_is_written_is_a_formula_or_holds_control_characters(text: str) -> None:
    found = written(text, neutralise=True)
    if found is None:
        return
    assert isinstance(found, str)
    assert all(c == "\n" or c.isprintable() or ord(c) >= 0x80 for c in found)
    assert not (found[0] in LEADING and any(c.isalpha() for c in found))
    assert written(found, neutralise=True) == found


@given(st.from_regex(r"[+-]?[0-9 ()./-]{0,20}", fullmatch=True))
def test_a_telephone_number_stays_as_it_is(text: str) -> None:
    assert neutral(clean(text)) == clean(text)
