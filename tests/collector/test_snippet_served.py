"""The snippet as it is served."""

from hashlib import sha256
from pathlib import Path

import pytest

from streams.collector.request import Route
from streams.collector.snippet import MAX_AGE_S, SERVED, snippet_routes
from tests.collector.conftest import Running

SMALL = 3 * 1024
SOURCE = Path(SERVED).with_name("snippet.js")


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    return snippet_routes()


async def test_it_is_small_and_kept_by_browsers(collector: Running) -> None:
    async with collector.http.get(f"{collector.url}/snippet.js") as answer:
        body = await answer.read()
        assert (answer.status, answer.content_type) == (200, "text/javascript")
        assert answer.headers["Cache-Control"] == f"public, max-age={MAX_AGE_S}"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        etag = answer.headers["ETag"]
    assert body == SERVED.read_bytes()
    assert len(body) < SMALL
    for known, status in ((etag, 304), (f'"x", W/{etag}', 304), ('"x"', 200)):
        headers = {"If-None-Match": known}
        async with collector.http.get(f"{collector.url}/snippet.js", headers=headers) as answer:
            assert answer.status == status
            assert (await answer.read() == b"") == (status == 304)


def test_it_was_made_from_its_source() -> None:
    """Run deploy/collector/minify-snippet.sh after each change of the source."""
    digest = sha256(SOURCE.read_bytes()).hexdigest()[:16]
    assert SERVED.read_text().startswith(f"/*leadstreams {digest}*/\n")
