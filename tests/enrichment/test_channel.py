"""By which channel somebody came."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.enrichment.channel import Channels, load_channels

HERE = "https://www.firm.co.jp/pricing"
_loaded = load_channels()
assert isinstance(_loaded, Channels), _loaded
CHANNELS = _loaded


def came(**document: Any) -> str | None:
    return CHANNELS.of({"url": HERE, **document})


@pytest.mark.parametrize(
    ("document", "channel"),
    [
        ({}, "direct"),
        ({"referrer": ""}, "direct"),
        ({"referrer": "https://www.google.com/"}, "organic_search"),
        ({"referrer": "https://www.google.co.jp/search?q=x"}, "organic_search"),
        ({"referrer": "https://search.yahoo.co.jp/"}, "organic_search"),
        ({"referrer": "https://mail.google.com/"}, "email"),
        ({"referrer": "https://gemini.google.com/app"}, "ai_assistant"),
        ({"referrer": "https://chatgpt.com/"}, "ai_assistant"),
        ({"referrer": "https://t.co/abc"}, "organic_social"),
        ({"referrer": "https://not-t.co/abc"}, "referral"),
        ({"referrer": "https://news.partner.example/post"}, "referral"),
        ({"referrer": "https://www.firm.co.jp/"}, None),
        ({"referrer": "https://blog.firm.co.jp/"}, None),
        ({"referrer": "https://other.co.jp/"}, "referral"),
        ({"referrer": "https://www.google.com/", "url": f"{HERE}?gclid=1"}, "paid_search"),
        ({"url": f"{HERE}?li_fat_id=1"}, "paid_social"),
        ({"utm_source": "newsletter", "utm_medium": "Email"}, "email"),
        ({"utm_source": "google", "utm_medium": "cpc"}, "paid_search"),
        ({"utm_source": "linkedin", "utm_medium": "cpc"}, "paid_social"),
        ({"utm_source": "LinkedIn"}, "organic_social"),
        ({"utm_source": "acme", "utm_medium": "partner"}, "partner_referral"),
        ({"utm_source": "something", "utm_medium": "new"}, "other"),
        ({"utm_medium": "email", "referrer": "https://www.google.com/"}, "email"),
        ({"url": None}, None),
        ({"url": 7, "referrer": 8}, None),
        ({"referrer": "http://[broken"}, None),
    ],
)
def test_the_shipped_table(document: dict[str, Any], channel: str | None) -> None:
    assert came(**document) == channel


TEXTS = (
    st.text() | st.none() | st.integers() | st.sampled_from(["https://[", "http://a:b@c:99999999/?gclid=%", HERE])
)


@given(st.dictionaries(st.sampled_from(["url", "referrer", "utm_source", "utm_medium"]), TEXTS))
def test_no_document_makes_an_exception(document: dict[str, Any]) -> None:
    found = CHANNELS.of(document)
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("text", ["campaigns: 7", "[", "channels: {}", "campaigns: [{medium: [x]}]"])
def test_a_wrong_table_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "channels.yaml"
    path.write_text(text)
    found = load_channels(path)
    assert isinstance(found, str)
    assert "\n" not in found


def test_a_business_may_have_its_own(tmp_path: Path) -> None:
    path = tmp_path / "channels.yaml"
    path.write_text(
        "campaigns: [{channel: fair, source: [Expo]}]\nreferrers: {partner_referral: [partner.example]}"
    )
    own = load_channels(path)
    assert isinstance(own, Channels)
    assert own.of({"utm_source": "expo"}) == "fair"
    assert own.of({"url": HERE, "referrer": "https://www.partner.example/x"}) == "partner_referral"
