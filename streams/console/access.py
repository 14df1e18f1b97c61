"""Who may see what. Four roles; a person has one or several.

| role | sees | may |
|---|---|---|
| sales | leads and accounts with names and addresses | |
| marketing | everything but names and addresses; the model | try a model |
| operator | everything but names and addresses; operations | retry dead letters |
| privacy | leads with names and addresses, dead letters with their content | export and erase a person |
"""

import hashlib
import hmac
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Network = IPv4Network | IPv6Network


class Role(StrEnum):
    """What somebody is here for."""

    SALES = "sales"
    MARKETING = "marketing"
    OPERATOR = "operator"
    PRIVACY = "privacy"


class Right(StrEnum):
    """One thing that may be done."""

    LOOK = "look"
    PERSONAL = "personal"
    MODEL = "model"
    OPERATE = "operate"
    RETRY = "retry"
    CONTENT = "content"
    PRIVACY = "privacy"


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.SALES: frozenset({Right.LOOK, Right.PERSONAL}),
    Role.MARKETING: frozenset({Right.LOOK, Right.MODEL}),
    Role.OPERATOR: frozenset({Right.LOOK, Right.OPERATE, Right.RETRY}),
    Role.PRIVACY: frozenset({Right.LOOK, Right.PERSONAL, Right.OPERATE, Right.CONTENT, Right.PRIVACY}),
}


class Person(NamedTuple):
    """Somebody who is let in. `name` is what the audit calls them: a token's name, or a keyed hash of a proxy's
    user; `by` how they came in."""

    name: str
    roles: frozenset[Role]
    by: Literal["loopback", "token", "proxy"]

    def may(self, right: Right) -> bool:
        return any(right in RIGHTS[role] for role in self.roles)

    @property
    def sees_persons(self) -> bool:
        return self.may(Right.PERSONAL)


EVERYBODY: Final = Person("loopback", frozenset(Role), "loopback")
"""Whoever sits at this machine, where nothing is configured."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Token(_Part):
    """One token: the SHA-256 of it in hex, never the token itself."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    roles: frozenset[Role] = Field(min_length=1)


class Proxy(_Part):
    """A proxy that has checked who somebody is. Headers from any other address mean nothing."""

    addresses: tuple[Network, ...] = Field(min_length=1)
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"
    roles: dict[str, frozenset[Role]]


class Access(_Part):
    """The file `LEADSTREAMS_CONSOLE_ACCESS`. `hosts`: names under which the console may be reached."""

    hosts: frozenset[str] = frozenset()
    secure: bool = Field(True, description="people reach it through HTTPS only, by which cookies are sent")
    tokens: dict[str, Token] = Field({})
    proxy: Proxy | None = None


def load(path: Path) -> Access | str:
    """The file, or one line that says what is wrong with it; never a value, which may be a secret."""
    try:
        return Access.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        return f"cannot read LEADSTREAMS_CONSOLE_ACCESS {path}: {error.strerror}"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return f"{path} is no TOML: {error}"
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"


def by_token(access: Access, token: str) -> Person | None:
    """Whose token it is."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    found: Person | None = None
    for name, known in access.tokens.items():  # all of them, so that the time tells nothing
        if hmac.compare_digest(known.sha256, digest):
            found = Person(name, known.roles, "token")
    return found


def by_proxy(access: Access, address: str | None, headers: Mapping[str, str], pepper: bytes) -> Person | None:
    """Whom a trusted proxy names; nobody without a group that has a role."""
    proxy = access.proxy
    if proxy is None or not address or not _is_proxy(proxy, address):
        return None
    user = headers.get(proxy.user_header, "").strip()
    groups = {group.strip() for group in headers.get(proxy.groups_header, "").split(",")}
    roles = frozenset(role for group in groups for role in proxy.roles.get(group, ()))
    if not user or not roles:
        return None
    name = hashlib.blake2b(user.encode(), key=pepper[:64], digest_size=8, person=b"console").hexdigest()
    return Person(f"user-{name}", roles, "proxy")


def _is_proxy(proxy: Proxy, address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in proxy.addresses)
