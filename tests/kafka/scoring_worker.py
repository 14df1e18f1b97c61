"""The real worker, which dies before its n-th send: CRASH_AT_SEND=n `python -m tests.kafka.scoring_worker`."""

import os
import sys

from streams.worker import main
from tests.kafka.counting_worker import crash_at

if __name__ == "__main__":
    if "CRASH_AT_SEND" in os.environ:
        crash_at(int(os.environ["CRASH_AT_SEND"]))
    sys.exit(main())
