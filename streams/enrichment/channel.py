"""By which channel somebody came: from UTM fields, else from the referrer, by a table that a business can edit."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from streams import shipped
from streams.enrichment.mail_domain import registered

DEFAULT_FILE = shipped.COLLECTOR / "channels.yaml"

DIRECT, REFERRAL, OTHER = "direct", "referral", "other"


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channel: str
    medium: list[str] = []
    source: list[str] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    click_ids: dict[str, str] = {}
    campaigns: list[_Rule] = []
    referrers: dict[str, list[str]] = {}


@dataclass(frozen=True)
class Channels:
    """A checked table."""

    click_ids: Mapping[str, str]
    campaigns: tuple[tuple[frozenset[str], frozenset[str], str], ...]
    referrers: Mapping[str, str]

    def of(self, document: Mapping[str, object]) -> str | None:
        """The channel; None if the visitor was here already, or if there is no page to tell."""
        source, medium = _lower(document.get("utm_source")), _lower(document.get("utm_medium"))
        url, referrer = document.get("url"), document.get("referrer")
        if source or medium:
            return self._campaign(source, medium)
        if isinstance(url, str) and (paid := self._paid(url)):
            return paid
        host = _host(referrer)
        if host is None:
            return DIRECT if isinstance(url, str) and not referrer else None
        here = _host(url)
        if here is not None and _same_site(here, host):
            return None
        return self._referrer(host)

    def _campaign(self, source: str, medium: str) -> str:
        for mediums, sources, channel in self.campaigns:
            if (not mediums or medium in mediums) and (not sources or source in sources):
                return channel
        return OTHER

    def _paid(self, url: str) -> str | None:
        if not any(name in url for name in self.click_ids):
            return None
        try:
            names = [name for name, _ in parse_qsl(urlsplit(url).query, max_num_fields=100)]
        except ValueError:
            return None
        return next((self.click_ids[name] for name in names if name in self.click_ids), None)

    def _referrer(self, host: str) -> str:
        labels = host.split(".")
        names = (".".join(labels[start:]) for start in range(len(labels)))
        found = next((self.referrers[name] for name in names if name in self.referrers), None)
        if found is None:  # search engines have a domain in every country: `google.*`
            found = self.referrers.get(f"{(registered(host) or host).partition('.')[0]}.*")
        return found or REFERRAL


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


@lru_cache(maxsize=8192)
def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _host(url: object) -> str | None:
    return _host_of(url) if isinstance(url, str) and url else None


def _same_site(one: str, other: str) -> bool:
    return one == other or (registered(one) or one) == (registered(other) or other)


def load_channels(path: Path = DEFAULT_FILE) -> Channels | str:
    """The table, or one line that says what is wrong with the file."""
    try:
        found = yaml.safe_load(path.read_text())
        parsed = _File.model_validate({} if found is None else found)
    except OSError as error:
        return f"cannot read the channels {path}: {error.strerror}"
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return f"the channels {path} are not YAML: {' '.join(str(error).split())}"
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"the channels {path}: {'.'.join(str(part) for part in first['loc']) or 'file'}: {first['msg']}"
    campaigns = [
        (frozenset(map(str.lower, rule.medium)), frozenset(map(str.lower, rule.source)), rule.channel)
        for rule in parsed.campaigns
    ]
    referrers = {host.lower(): channel for channel, hosts in parsed.referrers.items() for host in hosts}
    return Channels(parsed.click_ids, tuple(campaigns), referrers)
