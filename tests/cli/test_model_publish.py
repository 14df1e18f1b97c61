"""`leadstreams model publish`, `list` and `show` of what was published, on a broker without transactions."""

import asyncio
import random
from pathlib import Path

import pytest

from streams import log, model_file, topics
from streams.identity import forward
from streams.identity.forward import ModelActivated
from streams.scoring.model import Model
from tests.cli.conftest import Cli, Pipeline
from tests.cli.test_model import BROKEN

pytestmark = pytest.mark.embedded


def published_as(version: str, directory: Path) -> str:
    text = (model_file.SHIPPED / "published.yaml").read_text()
    path = directory / f"mine-{version}.yaml"
    path.write_text(text.replace('version: "1"', f'version: "{version}"'))
    return str(path)


def activations(pipeline: Pipeline) -> list[list[str]]:
    """The models that each partition's forwards activate."""

    async def read() -> list[list[str]]:
        found: list[list[str]] = []
        async with log.opened(pipeline.settings) as reader:
            for number in range(pipeline.settings.partitions):
                names: list[str] = []
                async for batch in reader.read(topics.LEAD_FORWARDS, number):
                    messages = [forward.decode(record.value) for record in batch]
                    names += [m.document.hash for m in messages if isinstance(m, ModelActivated)]
                found.append(names)
        return found

    return asyncio.run(read())


def test_a_published_model_reaches_every_partition_and_the_list(
    cli: Cli, pipeline: Pipeline, tmp_path: Path
) -> None:
    names = []
    for version, by in (("2", "jane"), ("3", "joe"), ("2", "jim")):
        path = published_as(version, tmp_path)
        called = cli("model", "publish", path, "--by", by, "--json", **pipeline.environment)
        assert called.code == 0, called.err
        names.append(called.json()["model"])
    assert activations(pipeline) == [names] * pipeline.settings.partitions
    rows = cli("model", "list", "--json", **pipeline.environment).json()
    assert [(row["version"], [told["by"] for told in row["published"]]) for row in rows] == [
        ("2", ["jane", "jim"]),
        ("3", ["joe"]),
    ]
    page = cli("model", "list", **pipeline.environment).out
    assert "jim" in page
    assert "Z" in page


def test_a_published_model_is_shown_by_its_hash_and_by_its_name(
    cli: Cli, pipeline: Pipeline, tmp_path: Path
) -> None:
    path = published_as("9", tmp_path)
    Path(path).write_text(Path(path).read_text().replace("name: published", "name: ours"))
    name = cli("model", "publish", path, "--json", **pipeline.environment).json()["model"]
    Path(path).unlink()
    for asked in (name, name[:6], "ours"):
        shown = cli("model", "show", asked, **pipeline.environment)
        assert shown.code == 0, shown.err
        assert "ours" in shown.out.splitlines()[0]
    unknown = cli("model", "show", "theirs", **pipeline.environment)
    assert unknown.code == 2
    assert "no model was published under this name" in unknown.err


def test_a_model_with_a_fault_is_not_published(cli: Cli, pipeline: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(BROKEN)
    called = cli("model", "publish", str(path), **pipeline.environment)
    assert (called.code, called.out) == (2, "")
    assert called.err.count("\n") == 1
    assert activations(pipeline) == [[]] * pipeline.settings.partitions


def test_a_model_too_large_for_a_topic_is_refused_before_anything_is_written(
    cli: Cli, pipeline: Pipeline, tmp_path: Path
) -> None:
    rng = random.Random(1)
    domains = "".join(f"{rng.randbytes(20).hex()}.example\n" for _ in range(45_000))
    (tmp_path / "own.csv").write_text("domain\n" + domains)
    path = Path(published_as("4", tmp_path))
    path.write_text(path.read_text() + "lists: {own_domains: own.csv}\nblocks: {own: hard}\n")
    called = cli("model", "publish", str(path), **pipeline.environment)
    assert called.code == 1
    assert called.err.startswith("error: the model takes 1,")
    assert "takes 1,048,588 a record: shorten its lists (nothing was published)" in called.err
    assert activations(pipeline) == [[]] * pipeline.settings.partitions


def test_publishing_without_a_broker_is_one_line(cli: Cli) -> None:
    called = cli("model", "publish", "published", LEADSTREAMS_BROKER="127.0.0.1:1")
    assert called.code == 1
    assert called.err.startswith("error: no Kafka broker answers at 127.0.0.1:1")
    assert called.err.count("\n") == 1


def test_a_shipped_model_can_be_published_by_its_name(cli: Cli, pipeline: Pipeline) -> None:
    b2b = model_file.load("b2b")
    assert isinstance(b2b, Model)
    called = cli("model", "publish", "b2b", **pipeline.environment)
    assert called.code == 0
    assert called.out.startswith(f"published b2b {b2b.source.version} ({b2b.hash}) to 4 partitions")
