import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from streams.fit.place import CODES, country
from tests.fit.test_title import wide

WRITTEN = {
    "JP": "Japan|日本|JP|jp|ＪＰ|JPN|日本 東京都|Tokyo, Japan|Japan (日本)|日本（東京）|日本国",
    "US": "United States|USA|U.S.A.|US|アメリカ|アメリカ合衆国|米国|San Francisco, CA, USA",
    "GB": "UK|United Kingdom|England|イギリス|英国|Great Britain",
    "DE": "Germany|Deutschland|ドイツ|DEU",
    "FR": "France|フランス|FR",
    "NL": "Netherlands|The Netherlands|Holland|オランダ|Nederland",
    "AU": "Australia|オーストラリア|豪州",
    "SG": "Singapore|シンガポール",
    "CA": "Canada|カナダ|CA",
    "KR": "South Korea|Korea, Republic of|韓国|대한민국",
    "CN": "China|中国|China, People's Republic of",
    "HK": "Hong Kong|Hong Kong SAR|香港",
    "CI": "Côte d'Ivoire|cote d’ivoire",
    "BR": "Brazil|Brasil|ブラジル",
}


@pytest.mark.parametrize(
    ("written", "code"), [(text, code) for code, all_ in WRITTEN.items() for text in all_.split("|")]
)
def test_a_country_is_known_by_name_and_code(written: str, code: str) -> None:
    assert country(written) == code


@pytest.mark.parametrize(
    "written", ["", "-", "Nowhere", "東京都", "EU", "world", "San Francisco, CA", None, 81, True]
)
def test_what_names_no_country_is_unknown(written: str | int | None) -> None:
    assert country(written) is None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_country_is_known_by_its_name_in_both_languages(language: str) -> None:
    names = Locale(language).territories
    assert {code: country(names[code]) for code in CODES.values()} == {code: code for code in CODES.values()}


@given(st.text(max_size=300))
def test_no_text_is_too_strange_to_read_and_width_changes_nothing(text: str) -> None:
    assert country(wide(text)) == country(text)
