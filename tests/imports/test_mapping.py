"""The mapping language: what it accepts, and what it says about mistakes."""

from pathlib import Path

import pytest
import yaml

from streams.imports.mapping import Mapping, load

MINIMAL = {"events": [{"type": "page_viewed"}]}
MANUAL = Path(__file__).parents[2] / "docs" / "import.md"


def loaded(tmp_path: Path, content: object) -> Mapping | str:
    path = tmp_path / "mapping.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load(path)


def test_the_example_in_the_manual_is_a_valid_mapping(tmp_path: Path) -> None:
    example = MANUAL.read_text().split("```yaml\n")[1].split("```")[0]

    mapping = loaded(tmp_path, example)

    assert isinstance(mapping, Mapping), mapping
    assert mapping.columns() == {
        "client_id",
        "when",
        "page_url",
        "event_name",
        "event_data",
        "revenue",
        "user_agent",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "valid dictionary"),
        ("events: [", "not YAML"),
        ({"events": []}, "events"),
        ({"events": [{"when": {}}]}, "either type or skip"),
        ({"events": [{"type": "page_viewed", "skip": "x"}]}, "either type or skip"),
        ({"events": [{"type": "no_such_type"}]}, "event type of the contract"),
        ({**MINIMAL, "fields": {"url": {"colum": "x"}}}, "fields.url"),
        ({**MINIMAL, "fields": {"url": {}}}, "either column or value"),
        ({**MINIMAL, "fields": {"url": {"column": "a", "value": "b"}}}, "either column or value"),
        ({**MINIMAL, "fields": {"url": {"value": "b", "json": "x"}}}, "json needs a column"),
        ({**MINIMAL, "fields": {"url": {"column": "a", "template": "none"}}}, "must hold {} once"),
        ({**MINIMAL, "fields": {"occurred_at": {"column": "a", "zone": "Mars/Olympus"}}}, "time zone"),
        ({**MINIMAL, "fields": {"source_kind": "kind"}}, "source_kind cannot be mapped"),
        ({**MINIMAL, "fields": {"properties": "a", "properties.x": "b"}}, "properties.x and what holds it"),
        ({**MINIMAL, "delimiter": ";;"}, "delimiter"),
        ({**MINIMAL, "bot": {"user_agent": "x"}}, "bot"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file_and_the_place(
    tmp_path: Path, content: object, said: str
) -> None:
    answer = loaded(tmp_path, content)

    assert isinstance(answer, str)
    assert said in answer
    assert "mapping.yaml" in answer
    assert "\n" not in answer


def test_a_missing_mapping_file_is_one_line() -> None:
    answer = load(Path("/nowhere/mapping.yaml"))

    assert isinstance(answer, str)
    assert "No such file" in answer
