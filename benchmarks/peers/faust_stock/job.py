# mypy: disable-error-code="misc, no-untyped-call, untyped-decorator"
"""The job on stock Faust: an agent, a table in memory with its changelog, at least once."""

import os

import faust

from benchmarks.peers.job import score_event

app = faust.App(
    os.environ["BENCH_GROUP"],
    broker=f"kafka://{os.environ['BENCH_BROKER']}",
    store="memory://",
    datadir=os.environ["BENCH_STATE"],
    topic_partitions=int(os.environ["BENCH_PARTITIONS"]),
    topic_replication_factor=1,
    topic_disable_leader=True,
    topic_allow_declare=True,
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=float(os.environ["BENCH_COMMIT_S"]),
    stream_wait_empty=False,
    web_enabled=False,
)
events = app.topic(
    *os.environ["BENCH_TOPICS"].split(","), key_type=str, key_serializer="raw", value_serializer="json"
)
handoffs = app.topic(os.environ["BENCH_OUTPUT"], key_type=str, key_serializer="raw", value_serializer="json")
leads = app.Table("leads", default=dict)


@app.agent(events)
async def score(stream):  # type: ignore[no-untyped-def]
    async for key, event in stream.items():
        lead = leads[key]
        handoff = score_event(lead, key, event)
        leads[key] = lead
        if handoff is not None:
            await handoffs.send(key=key, value=handoff)


if __name__ == "__main__":
    app.main()
