"""The script for websites without a tracker: one file, served with a validator so that browsers keep it."""

from hashlib import blake2b
from pathlib import Path

from streams.collector.request import Answer, RequestParts, Route

SERVED = Path(__file__).parent / "static" / "snippet.min.js"

MAX_AGE_S = 3600
"""A browser asks again after an hour: a mended script is everywhere soon, and a visit costs one request."""


class Snippet:
    """Answers with the script, or with 304 to who has it already."""

    def __init__(self, script: bytes) -> None:
        self._script = script
        self._etag = f'"{blake2b(script, digest_size=8).hexdigest()}"'
        self._headers = {
            "Cache-Control": f"public, max-age={MAX_AGE_S}",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "ETag": self._etag,
            "X-Content-Type-Options": "nosniff",
        }

    def __call__(self, parts: RequestParts, received_at: int) -> Answer:
        """The script."""
        known = {tag.strip().removeprefix("W/") for tag in parts.headers.get("If-None-Match", "").split(",")}
        if self._etag in known:
            return Answer(b"", "text/javascript", 304, self._headers)
        return Answer(self._script, "text/javascript", headers=self._headers)


def snippet_routes() -> list[Route]:
    """The way to the script."""
    return [Route("GET", "/snippet.js", "snippet", Snippet(SERVED.read_bytes()))]
