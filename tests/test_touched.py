"""Nothing of a record changes unless the record is written: else a restart would forget what memory knew."""

from streams.identity.keys import Secret
from streams.local import Local
from streams.shard import Terms
from tests.kafka.traffic import START, traffic
from tests.reference.adapter import published_model

SECRET = Secret(b"touched")
RECORDS = 12_000


def test_after_each_flush_memory_and_changelog_say_the_same_of_every_lead() -> None:
    local = Local(Terms(published_model(), SECRET), 3)
    for number, record in enumerate(traffic(RECORDS, 60, 3, 2, SECRET)):
        local.feed(record.topic, record.value, START + number * 400_000, record.partition)
        if number % 100 == 0:
            for shard in local.shards:
                shard.take()
                stored = dict(shard.table.dump())
                for key in stored:
                    shard.table.touch(key)
                again = dict(shard.table.take(shard.model))
                changed = [key for key, value in stored.items() if again[key.encode()] != value]
                assert changed == [], f"after {number} records"
