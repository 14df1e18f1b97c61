"""Tells machines from people by the User-Agent header, with the maintained list of known crawlers."""

from functools import lru_cache

from crawleruseragents import is_crawler

MACHINE_REASON = "crawler_user_agent"

_LONGEST = 512  # characters looked at: real crawlers name themselves early
_REMEMBERED = 8192  # distinct user agents: a site sees far fewer in an hour


def is_machine(user_agent: str) -> bool:
    """Whether the user agent is a known crawler's; an empty one is not held against its sender."""
    return bool(user_agent) and _known(user_agent[:_LONGEST])


@lru_cache(maxsize=_REMEMBERED)
def _known(user_agent: str) -> bool:
    return bool(is_crawler(user_agent))
