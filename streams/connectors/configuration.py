"""A connector's YAML file: read, checked, and made into a receiver."""

from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from streams import yaml_file
from streams.connectors.base import Base, Receiver
from streams.connectors.chat import Chat
from streams.connectors.hubspot import HubSpot
from streams.connectors.nurture.hubspot_lists import HubSpotLists
from streams.connectors.nurture.webhook import NurtureWebhook
from streams.connectors.salesforce import Salesforce
from streams.connectors.sql import Sql
from streams.connectors.webhook import Webhook
from streams.shipped import CONNECTORS
from streams.yaml_file import Fault

SHIPPED: Final = CONNECTORS
MOST_BYTES: Final = 128 * 1024

_KINDS: Final[dict[str, type[Base]]] = {
    "salesforce": Salesforce,
    "hubspot": HubSpot,
    "webhook": Webhook,
    "sql": Sql,
    "chat": Chat,
    "hubspot-lists": HubSpotLists,
    "nurture-webhook": NurtureWebhook,
}
_SINKS: Final[dict[type[Base], tuple[str, str]]] = {
    Salesforce: ("salesforce_client", "SalesforceSink"),
    HubSpot: ("hubspot_client", "HubSpotSink"),
    Webhook: ("webhook", "WebhookSink"),
    Sql: ("sql", "SqlSink"),
    Chat: ("chat", "ChatSink"),
    HubSpotLists: ("nurture.hubspot_lists_client", "HubSpotListsSink"),
    NurtureWebhook: ("nurture.webhook", "NurtureWebhookSink"),
}
"""Module and class of each receiver: the vendors' libraries are loaded by those who need them."""


class Named(NamedTuple):
    """A connector: its name, which is its consumer group's, and its settings."""

    name: str
    settings: Base


def shipped() -> list[str]:
    """The names of the configurations that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load(name: str, file: Path | None = None) -> Named | list[Fault]:
    """The connector `name`, as in a file or in the shipped configuration of that name."""
    path = file or SHIPPED / f"{name}.yaml"
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"{error.strerror}; shipped are: {', '.join(shipped())}; --config names a file of your own"
        return [Fault(str(path), 1, "", f"cannot read it: {what}")]
    found = read(raw, str(path))
    return found if isinstance(found, list) else Named(name, found)


def read(raw: bytes, file: str) -> Base | list[Fault]:
    """The settings in a file's bytes."""
    parsed = yaml_file.parse(raw, file, MOST_BYTES)
    if not isinstance(parsed, yaml_file.Parsed):
        return parsed
    kind = parsed.tree.get("kind") if isinstance(parsed.tree, dict) else None
    schema = _KINDS.get(str(kind))
    if schema is None:
        line = yaml_file.child(parsed.root, "kind")[1] or 1
        return [Fault(file, line, "kind", f"expected one of {', '.join(_KINDS)}")]
    found: Base | list[Fault] = yaml_file.read(raw, file, schema, MOST_BYTES)
    return found


def receiver(settings: Base) -> Receiver:
    """What delivers under these settings. Raises Missing if a secret is not there."""
    module, name = _SINKS[type(settings)]
    made: Receiver = getattr(import_module(f"streams.connectors.{module}"), name)(settings)
    return made
