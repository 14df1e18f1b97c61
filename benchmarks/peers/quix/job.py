"""The job on Quix Streams: co-partitioned topics concatenated, state in RocksDB with its changelog."""

import os
from functools import reduce
from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found]

from benchmarks.peers.job import score_event


def score(event: dict[str, Any], key: Any, timestamp: int, headers: Any, state: State) -> dict[str, Any] | None:
    lead = state.get("lead", {})
    handoff = score_event(lead, key, event)
    state.set("lead", lead)
    return handoff


def main() -> None:
    app = Application(
        broker_address=os.environ["BENCH_BROKER"],
        consumer_group=os.environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        state_dir=os.environ["BENCH_STATE"],
        processing_guarantee=os.environ["BENCH_GUARANTEE"],
        commit_interval=float(os.environ["BENCH_COMMIT_S"]),
        loglevel="WARNING",
    )
    names = os.environ["BENCH_TOPICS"].split(",")
    frames = [app.dataframe(app.topic(name, key_deserializer="str")) for name in names]
    leads = reduce(lambda all_of_them, frame: all_of_them.concat(frame), frames)
    handed_over = leads.apply(score, stateful=True, metadata=True).filter(lambda handoff: handoff is not None)
    handed_over.to_topic(app.topic(os.environ["BENCH_OUTPUT"], key_serializer="str"))
    app.run()


if __name__ == "__main__":
    main()
