"""Lead keys: the same for the same person, silent about who it is, and on the partition that Kafka computes."""

from aiokafka.partitioner import murmur2 as kafkas
from hypothesis import given
from hypothesis import strategies as st

from streams.identity.keys import Kind, Secret, lead_key, lead_keys, murmur2, partition_of, rank
from tests.laboratory import SECRET

IDENTITIES = st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip()))


@given(st.sampled_from(Kind), st.text(min_size=1))
def test_a_key_lies_where_kafkas_own_partitioner_puts_it(kind: Kind, identity: str) -> None:
    key = lead_key(kind, identity, SECRET)
    assert murmur2(key.encode()) == int(kafkas(key.encode())) & 0xFFFFFFFF
    assert 0 <= partition_of(key, 7) < 7


@given(st.binary(max_size=60))
def test_other_keys_are_hashed_alike(key: bytes) -> None:
    assert murmur2(key) == int(kafkas(key)) & 0xFFFFFFFF


@given(IDENTITIES, IDENTITIES)
def test_the_strongest_identity_comes_first(user: str, device: str) -> None:
    keys = lead_keys("Kana@Example.com", user, device, SECRET)
    assert [key[0] for key in keys] == ["e", "u", "a"]
    assert sorted(keys, key=rank) == keys


def test_one_address_in_two_spellings_is_one_lead() -> None:
    spellings = ("kana@example.com", " Kana@EXAMPLE.com ", "ｋａｎａ@example.com")
    assert len({lead_keys(spelling, None, None, SECRET)[0] for spelling in spellings}) == 1


def test_the_same_text_as_user_id_and_anonymous_id_is_two_keys() -> None:
    user, device = lead_keys(None, "x", "x", SECRET)
    assert user[3:] != device[3:]


def test_what_is_no_identity_makes_no_key() -> None:
    assert lead_keys("not an address", " ", "", SECRET) == []


def test_another_secret_makes_another_key_and_neither_shows_itself() -> None:
    other = Secret(b"another secret of the tests.....", "2")
    assert lead_keys("a@b.jp", None, None, SECRET) != lead_keys("a@b.jp", None, None, other)
    assert lead_keys("a@b.jp", None, None, other)[0].startswith("e2-")
    assert other.value.decode() not in repr(other) + other.fingerprint()
