"""Who a message is about: identities and attributes, out of traits and form properties."""

from collections.abc import Mapping as Mapped
from typing import NamedTuple

from schemas import identity as contract
from streams.collector.mapping import Fields, plain

_FAMILY_NAME_FIRST = (("\u3040", "\u30ff"), ("\u4e00", "\u9fff"), ("\uac00", "\ud7af"))
"""Kana, Han and Hangul: these names are written with the family name in front."""

_LONGEST_NUMBER = 128  # bits: a UUID's
_COMPANY_NAMED = {"name": "company", "website": "company_domain", "domain": "company_domain"}
_COMPANY = ("employees", "employee_count", "industry", "revenue", "annual_revenue", "company_domain", "company")
_ADDRESS = ("country", "country_code", "state", "region", "province", "prefecture")


class Identity(NamedTuple):
    """The identities of a message, each in the form that lead keys are made of."""

    email: str | None
    user_id: str | None
    anonymous_id: str | None


def identity(user_id: object, anonymous_id: object, *emails: object) -> Identity:
    """The identities; the first usable address is the lead's, and a user id that is an address counts as one."""
    user = identifier(user_id) if user_id is not None else None
    anonymous = identifier(anonymous_id) if anonymous_id is not None else None
    for text in emails:
        if text is not None and (found := _address(text)):
            return Identity(found, user, anonymous)
    return Identity(_address(user), user, anonymous)


def identifier(value: object) -> str | None:
    """An id as text; trackers also send numbers."""
    if type(value) is str:
        return contract.identifier(value)
    return str(value) if type(value) is int and value.bit_length() <= _LONGEST_NUMBER else None


def _address(value: object) -> str | None:
    if type(value) is not str or "@" not in value:
        return None
    address = contract.address(value)
    return address if address and "." in address.rpartition("@")[2] else None


def flattened(traits: Mapped[str, object], *, of_company: bool = False) -> dict[str, object]:
    """Traits with the objects `company` and `address` opened up, and a full name in two parts."""
    flat = dict(traits)
    company = flat.get("company")
    if isinstance(company, dict):
        del flat["company"]
        flat = {**_company(company), **flat}
    address = flat.get("address")
    if isinstance(address, dict):
        flat = {**{key: address[key] for key in _ADDRESS if key in address}, **flat}
        del flat["address"]
    name = flat.get("name")
    if isinstance(name, str) and name.strip():
        del flat["name"]
        flat = {**({"company": name.strip()} if of_company else split_name(name)), **flat}
    return flat


def _company(company: Mapped[str, object]) -> dict[str, object]:
    known = {plain(name): value for name, value in company.items()}
    found = {name: known[plain(name)] for name in _COMPANY if plain(name) in known}
    renamed = {field: company[name] for name, field in _COMPANY_NAMED.items() if name in company}
    return {**found, **renamed}


def split_name(name: str) -> dict[str, object]:
    """First and last name of a full one; a single word is a first name."""
    first, _, last = name.strip().partition(" ")
    if not last:
        return {"first_name": first}
    if any(low <= letter <= high for letter in first for low, high in _FAMILY_NAME_FIRST):
        first, last = last.strip(), first
    return {"first_name": first, "last_name": last.strip()}


def attributes(traits: Mapped[str, object], fields: Fields) -> tuple[dict[str, object], dict[str, object]]:
    """The attributes that the traits hold, as they were given, and the traits that are left over."""
    return fields.pick({name: value for name, value in traits.items() if plain(name) not in _IDENTITIES})


_IDENTITIES = frozenset({"email", "emailaddress", "userid", "anonymousid", "id"})
