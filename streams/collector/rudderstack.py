"""What RudderStack's trackers need beyond the tracking API: the browser SDK asks for its configuration first."""

import json

from streams.collector.request import Answer, Refusal, RequestParts, Route
from streams.collector.write_keys import UNAUTHORIZED, Keys, basic_user

_QUIET = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
"""The SDK is not to report about itself."""


class SourceConfiguration:
    """Tells the browser SDK that it may send here, and to nobody else."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def routes(self) -> list[Route]:
        """Where the SDK asks, with and without an explicit version."""
        return [Route("GET", path, "source_config", self) for path in ("/sourceConfig", "/v1/sourceConfig")]

    def __call__(self, parts: RequestParts, received_at: int) -> Answer | Refusal:
        """The configuration of the write key's source: no destinations, no telemetry."""
        key = parts.query.get("writeKey") or basic_user(parts.authorization) or ""
        source = self._keys.find(key)
        if source is None:
            return UNAUTHORIZED
        configured = {
            "id": source.name,
            "name": source.name,
            "writeKey": key,
            "enabled": True,
            "workspaceId": "leadstreams",
            "destinations": [],
            "connections": {},
            "config": {"statsCollection": _QUIET},
            "dataplanes": {},
        }
        return Answer(json.dumps({"source": configured}).encode())
