"""All senders with a write key that the collector understands."""

from streams.collector.feedback import FeedbackAdapter
from streams.collector.mapping import Mapping
from streams.collector.request import Route
from streams.collector.rudderstack import SourceConfiguration
from streams.collector.segment import SegmentAdapter
from streams.collector.snowplow import SnowplowAdapter
from streams.collector.write_keys import Keys


def tracker_routes(keys: Keys, mapping: Mapping) -> list[Route]:
    """Every way in for a tracker, and for sales, with a write key."""
    return [
        *SegmentAdapter(keys, mapping).routes(),
        *SourceConfiguration(keys).routes(),
        *SnowplowAdapter(keys, mapping).routes(),
        *FeedbackAdapter(keys).routes(),
    ]
