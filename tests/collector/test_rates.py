"""Token buckets."""

from streams.collector.rates import TokenBuckets


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    buckets = TokenBuckets(rate=2, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) == 1


def test_handles_do_not_share_tokens() -> None:
    buckets = TokenBuckets(rate=1, burst=1)
    assert [buckets.take(handle, 0.0) for handle in ("a", "b", "a")] == [0, 0, 1]


def test_a_slow_rate_tells_how_long_to_wait() -> None:
    buckets = TokenBuckets(rate=0.1, burst=1)
    assert [buckets.take("a", 0.0), buckets.take("a", 0.0)] == [0, 10]


def test_only_so_many_handles_are_remembered() -> None:
    buckets = TokenBuckets(rate=1, burst=1, remembered=2)
    assert [buckets.take(handle, 0.0) for handle in ("a", "b", "c", "a")] == [0, 0, 0, 0]
    assert buckets.take("c", 0.0) == 1


def test_asking_how_long_to_wait_takes_no_token_and_remembers_nobody() -> None:
    buckets = TokenBuckets(rate=0.5, burst=1)
    assert [buckets.wait("a", 0.0), buckets.wait("a", 0.0), buckets.take("a", 0.0)] == [0, 0, 0]
    assert [buckets.wait("a", 0.0), buckets.wait("a", 1.0), buckets.wait("a", 2.0)] == [2, 1, 0]
