"""The enrichment that the settings ask for."""

from streams.enrichment.channel import DEFAULT_FILE, load_channels
from streams.enrichment.company import load_companies
from streams.enrichment.enrichment import Enrichment
from streams.settings import Settings


def load_enrichment(settings: Settings) -> Enrichment | str | None:
    """None if it is off, or one line that says what is wrong with its files."""
    if not settings.enrichment:
        return None
    channels = load_channels(settings.channels or DEFAULT_FILE)
    if isinstance(channels, str):
        return channels
    companies = load_companies(settings.companies) if settings.companies is not None else {}
    return companies if isinstance(companies, str) else Enrichment(channels, settings.phone_region, companies)
