"""Write keys: which sender a request comes from, and how far that sender is trusted.

The file is TOML:

    trusted_proxies = ["10.0.0.0/8"]        # whose X-Forwarded-For is believed; default none
    requests_per_second_of_an_address = 200 # of those who have no secret: browsers and strangers
    requests_per_second_of_a_source = 5000  # of everybody who has a key, by the source's name

    [[sources]]
    name = "website"                        # becomes the events' `source`
    kind = "browser"                        # a public key: only a handle for rate limits
    key = "wk_live_1"

    [[sources]]
    name = "backend"
    kind = "server"                         # a secret: only its SHA-256 is kept; "crm" is believed above forms
    sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

A source may have two keys at a time, as two entries of one name, so that a key can be changed without a gap.
"""

import hmac
import tomllib
from base64 import b64decode
from collections import Counter
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streams.collector.request import Refusal, Source, SourceKind

UNAUTHORIZED = Refusal(401, "unauthorized", "the write key is missing or unknown")

KEYS_AT_A_TIME = 2
DEV_BROWSER_PREFIX = "browser"

_LONGEST_KEY = 256  # characters


class Keys(Protocol):
    """Finds the sender behind a write key."""

    def find(self, presented: str) -> Source | None: ...


class Entry(BaseModel):
    """One key of one source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    kind: Literal["browser", "server", "crm"]
    key: str | None = Field(None, min_length=1, max_length=_LONGEST_KEY)
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")

    @model_validator(mode="after")
    def _one_form(self) -> "Entry":
        if (self.key is None) == (self.sha256 is None):
            raise ValueError("give either `key` or `sha256`")
        if self.kind != "browser" and self.key is not None:
            raise ValueError("a secret key is kept hashed: give `sha256` (printf %s KEY | sha256sum)")
        return self

    def digest(self) -> bytes:
        """SHA-256 of the key."""
        return bytes.fromhex(self.sha256) if self.sha256 else sha256((self.key or "").encode()).digest()


class KeyFile(BaseModel):
    """The write-key file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: list[Entry] = Field(min_length=1)
    trusted_proxies: list[IPv4Network | IPv6Network] = []
    requests_per_second_of_an_address: float = Field(200, gt=0)
    requests_per_second_of_a_source: float = Field(5000, gt=0)

    @model_validator(mode="after")
    def _few_keys(self) -> "KeyFile":
        for name, keys in Counter(entry.name for entry in self.sources).items():
            if keys > KEYS_AT_A_TIME:
                raise ValueError(f"source {name} has {keys} keys; at most {KEYS_AT_A_TIME} live at a time")
        if len({entry.digest() for entry in self.sources}) != len(self.sources):
            raise ValueError("two entries have the same key")
        return self


class WriteKeys:
    """The registered keys, found by hash and compared in constant time."""

    def __init__(self, entries: list[Entry]) -> None:
        self._sources = {entry.digest(): Source(entry.name, SourceKind(entry.kind)) for entry in entries}

    def find(self, presented: str) -> Source | None:
        """The key's source, None if the key is unknown. Takes as long for any unknown key."""
        digest = sha256(presented[: _LONGEST_KEY + 1].encode(errors="replace")).digest()
        found = None
        for known, source in self._sources.items():
            if hmac.compare_digest(known, digest):
                found = source
        return found


class AnyKey:
    """For development on loopback: any key is a server's, and one that begins with `browser` a browser's."""

    def find(self, presented: str) -> Source | None:
        kind = SourceKind.BROWSER if presented.startswith(DEV_BROWSER_PREFIX) else SourceKind.SERVER
        return Source("dev", kind) if presented else None


def load_keys(path: Path) -> KeyFile | str:
    """The key file, or one line that says what is wrong with it and never shows a key."""
    try:
        return KeyFile.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        return f"cannot read the write keys {path}: {error.strerror}"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return f"the write keys {path} are not TOML"
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"the write keys {path}: {'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"


def basic_user(authorization: str | None) -> str | None:
    """The user name of a Basic Authorization header, which is where trackers put the write key."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(encoded, validate=False).decode().partition(":")[0] or None
    except ValueError:  # neither base64 nor UTF-8, or not even ASCII
        return None
