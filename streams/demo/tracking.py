"""Sends the journeys' calls with the Segment SDK for Python, unmodified, as a site and its back office would."""

import logging
from datetime import UTC, datetime
from typing import Any, Final

from segment.analytics.client import Client

from streams.demo.journey import BACK_OFFICE, SITE, Call
from streams.demo.patience import Failed

UPLOAD_S: Final = 0.1
"""How long the SDK collects calls for one request."""
TIMEOUT_S: Final = 5
RETRIES: Final = 3


class Trackers:
    """One SDK client per sender; `check` raises what the SDK reported."""

    def __init__(self, host: str) -> None:
        logging.getLogger("segment").setLevel(logging.CRITICAL)  # it reports to on_error as well
        self._errors: list[Exception] = []
        self._clients = {key: self._client(key, host) for key in (SITE, BACK_OFFICE)}

    def _client(self, key: str, host: str) -> Any:
        return Client(
            key,
            host=host,
            on_error=lambda error, _: self._errors.append(error),
            upload_interval=UPLOAD_S,
            timeout=TIMEOUT_S,
            max_retries=RETRIES,
        )

    def send(self, call: Call) -> None:
        """Put the call into the SDK's queue."""
        client = self._clients[call.sender]
        common: dict[str, Any] = {
            **call.who,
            "context": dict(call.context),
            "timestamp": datetime.fromtimestamp(call.at / 1000, UTC),
            "message_id": call.id,
        }
        content = dict(call.content)
        match call.method:
            case "page":
                client.page(name=call.name, properties=content, **common)
            case "identify":
                client.identify(traits=content, **common)
            case "track":
                client.track(event=call.name, properties=content, **common)

    def check(self) -> None:
        if self._errors:
            raise Failed(f"the Segment SDK could not deliver: {self._errors[0]}")
