"""A worker process that counts: `python -m tests.kafka.counting_worker [source topic...]`."""

import logging
import sys

from streams import topics
from streams.settings import Settings
from streams.worker import run
from tests.lane.counting import CountingPartition

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stdout)
    sys.exit(run(Settings(), CountingPartition, sys.argv[1:] or topics.SOURCES))
