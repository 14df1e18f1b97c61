"""What the adapter of mail webhooks must know of a provider."""

from collections.abc import Callable
from typing import NamedTuple

from schemas.dead_letter import Rejected
from streams.collector.hooks.mail import MailEvent
from streams.collector.request import MAX_BODY, RequestParts

Elements = list[tuple[bytes, list[MailEvent | Rejected]]]
"""The raw bytes of each part of a request that stands for itself, and what it says; nothing, if of nobody."""


class Provider(NamedTuple):
    """A provider's way of vouching for a request, and its wire format.

    `authentic` is told the live secrets of one hook and when the request arrived, in Unix milliseconds.
    """

    name: str
    authentic: Callable[[RequestParts, tuple[str, ...], int], bool]
    elements: Callable[[bytes], Elements | Rejected]
    max_body: int = MAX_BODY
