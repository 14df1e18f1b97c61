"""Which opens and clicks a user agent gives away as a machine's.

The crawler list takes mail clients' image proxies for crawlers; but those fetch when a person opens the mail.
"""

import re
from functools import lru_cache

from streams.collector.bots import MACHINE_REASON, is_machine
from streams.collector.hooks.mail import CLICKED, OPENED

MAIL_PRIVACY = "mail_privacy_proxy"
SCANNER = "link_scanner"

_FETCHED_FOR_A_PERSON = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
_PREFETCHED = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself; it fetches every mail's images, opened or not."""
_SCANNERS = re.compile(
    r"barracuda|mimecast|proofpoint|safelinks|fireeye|trendmicro|symantec|messagelabs|ironport|forcepoint|sophos"
    r"|websense|bitdefender|zscaler|fortinet|checkpoint|avanan|urlscan|virustotal|phish|sandbox|python|okhttp"
    r"|libwww|java/|go-http-client|wget|curl/",
    re.IGNORECASE,
)
"""Products that follow the links of incoming mail, and plain HTTP libraries, as far as they give their name."""


@lru_cache(maxsize=8192)
def by_agent(kind: str, user_agent: str) -> str | None:
    """Why an open or a click was a machine's, by its user agent; None for anything else or an empty one."""
    agent = user_agent.strip()
    if not agent or kind not in (OPENED, CLICKED):
        return None
    if kind == OPENED and _FETCHED_FOR_A_PERSON.search(agent):
        return None
    if kind == OPENED and agent == _PREFETCHED:
        return MAIL_PRIVACY
    if _SCANNERS.search(agent[:512]):
        return SCANNER
    return MACHINE_REASON if is_machine(agent) else None
