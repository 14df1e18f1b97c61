"""A snapshot's file gives back what was put into it, and says so when it is not what was written."""

import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import progress
from streams.progress import Progress
from streams.snapshot import file
from streams.snapshot.file import Begin, Draft, Head, Snapshot, Standing, Unusable

HEAD = Head("crm", 3, 1_793_620_800_000)
META = progress.encode(Progress({"web-visits": 7}, 3, "exactly-once", 1, "model", "secret", "crm", 5))


def standing(records: dict[str, bytes]) -> Standing:
    return Standing(Begin(META, 42, {"lead-transitions": 9}, {"first-model": b"m"}), records)


def written(place: Path, parts: dict[int, dict[str, bytes]]) -> Path:
    with Draft(place, HEAD) as draft:
        for number, records in parts.items():
            draft.add(number, standing(records))
    return place


records = st.dictionaries(st.text(max_size=8), st.binary(max_size=40), max_size=30)


@given(parts=st.dictionaries(st.integers(0, 2), records, max_size=3), size=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_what_was_put_in_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, parts: dict[int, dict[str, bytes]], size: int
) -> None:
    place = tmp_path_factory.mktemp("snapshot") / "leads"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "FRAME_RECORDS", size)
        written(place, parts)
    found = Snapshot(place)
    found.verify()
    assert found.head == HEAD
    for number in range(3):
        part = found.standing(number)
        assert (part is None) == (number not in parts)
        if part is not None:
            assert (part.begin, part.records) == (standing({}).begin, parts[number])
            assert part.progress.offsets == {"web-visits": 7}


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_byte_or_a_missing_end_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = written(tmp_path_factory.mktemp("snapshot") / "leads", {0: {"e1-a": b"x" * 99}, 1: {"e1-b": b"y"}})
    whole = place.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        place.write_bytes(whole[:at])
    else:
        place.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
    with pytest.raises(Unusable):
        Snapshot(place).verify()


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    assert stat.S_IMODE(written(tmp_path / "leads", {}).stat().st_mode) == 0o600


def test_one_that_could_not_be_finished_leaves_the_one_before(tmp_path: Path) -> None:
    place = written(tmp_path / "leads", {0: {"e1-a": b"x"}})
    before = place.read_bytes()
    broken = Standing(standing({}).begin, {"e1-b": object()})  # type: ignore[dict-item]
    with pytest.raises(TypeError), Draft(place, HEAD) as draft:
        draft.add(0, broken)
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no snapshot of leadstreams"),
        (b"something else that is longer than the magic", "is no snapshot of leadstreams"),
        (file.MAGIC + b"\x02", "is of format 2, this program reads 1: upgrade it"),
        (file.MAGIC + b"\x01", "is damaged"),
    ],
)
def test_what_is_no_snapshot_is_one_clear_line(tmp_path: Path, content: bytes, words: str) -> None:
    place = tmp_path / "leads"
    place.write_bytes(content)
    with pytest.raises(Unusable, match=words):
        Snapshot(place).verify()


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"cannot read .*absent: No such file"):
        Snapshot(tmp_path / "absent")
