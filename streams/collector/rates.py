"""Token buckets: how many requests one key or one address may send in a second."""

from collections import OrderedDict
from math import ceil

_REMEMBERED = 100_000
"""Buckets kept at once; the least recently used is forgotten, that is: full again."""


class TokenBuckets:
    """One bucket per handle, each filled with `rate` tokens a second up to `burst`."""

    def __init__(self, rate: float, burst: float, remembered: int = _REMEMBERED) -> None:
        self._rate = rate
        self._burst = burst
        self._remembered = remembered
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, handle: str, now: float) -> int:
        """Whole seconds until there is a token, without taking one."""
        tokens, at = self._buckets.get(handle, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        return 0 if tokens >= 1 else ceil((1 - tokens) / self._rate)

    def take(self, handle: str, now: float) -> int:
        """Take a token at `now` (seconds, monotonic). 0 if there was one, else whole seconds until there is."""
        tokens, at = self._buckets.pop(handle, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        wait = 0 if tokens >= 1 else ceil((1 - tokens) / self._rate)
        self._buckets[handle] = (tokens if wait else tokens - 1, now)
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
        return wait
