"""Lead keys: a keyed hash of one identity, so that no key tells who the lead is.

A key is `<kind><key id>-<32 hex digits>`: `e` for an email address, `u` for a user id, `a` for an anonymous
id; one character names the secret it was made with, so that a second secret can be introduced beside the first.
Keys of one kind sort after the kinds that identify a person better, and that order decides which of two linked
keys becomes the alias: it never depends on age or arrival.
"""

from enum import StrEnum
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from aiokafka.partitioner import murmur2 as any_murmur2

from schemas.identity import address, identifier

KEY_BYTES = 16  # 128 bits: no two leads of one company share a key


class Kind(StrEnum):
    """What a lead key was made from, the strongest identity first."""

    EMAIL = "e"
    USER = "u"
    ANONYMOUS = "a"


RANK = {Kind.EMAIL.value: 0, Kind.USER.value: 1, Kind.ANONYMOUS.value: 2}


class Secret(NamedTuple):
    """The pipeline's identity secret and the one character that names it in each key."""

    value: bytes
    key_id: str = "1"

    def __repr__(self) -> str:
        return f"Secret(key_id={self.key_id!r})"

    def fingerprint(self) -> str:
        """16 hex digits that tell two secrets apart without telling either."""
        return blake2b(b"leadstreams secret fingerprint", key=self.value, digest_size=8).hexdigest()


def lead_key(kind: Kind, identity: str, secret: Secret) -> str:
    """The key of a normalised identity: a keyed BLAKE2b hash, 35 characters of ASCII."""
    digest = blake2b(identity.encode(), key=secret.value, digest_size=KEY_BYTES, person=kind.value.encode())
    return f"{kind.value}{secret.key_id}-{digest.hexdigest()}"


def rank(key: str) -> tuple[int, str]:
    """The fixed total order of keys: (kind, key). The smaller of two linked keys is the lead."""
    return RANK[key[0]], key


_LENGTH = 35
_WORDS = Struct("<8I3s").unpack


def murmur2(key: bytes) -> int:
    """MurmurHash2 with Kafka's seed, of 32 bits, for keys of the one length that lead keys have."""
    if len(key) != _LENGTH:
        return int(any_murmur2(key)) & 0xFFFFFFFF
    *words, tail = _WORDS(key)
    h = 0x9747B28C ^ _LENGTH
    for k in words:
        k = k * 0x5BD1E995 & 0xFFFFFFFF
        h = h * 0x5BD1E995 & 0xFFFFFFFF ^ ((k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF)
    h = (h ^ tail[2] << 16 ^ tail[1] << 8 ^ tail[0]) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return int(h ^ h >> 15)


def partition_of(key: str, partitions: int) -> int:
    """The partition of a lead key, as Kafka's Java client computes it (murmur2); part of the contract."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


def lead_keys(email: str | None, user_id: str | None, anonymous_id: str | None, secret: Secret) -> list[str]:
    """The keys of an event's identities, the strongest (the lead's) first; empty if it names nobody."""
    found = (
        (Kind.EMAIL, email and address(email)),
        (Kind.USER, user_id and identifier(user_id)),
        (Kind.ANONYMOUS, anonymous_id and identifier(anonymous_id)),
    )
    return [lead_key(kind, identity, secret) for kind, identity in found if identity]
