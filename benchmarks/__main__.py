"""`python -m benchmarks`: measurements on real Apache Kafka.

Without a command: events per second of one worker on one core, exactly once; the broker has a core of its own. Two
figures: per second of the wall clock, which other programs disturb, and per second of the worker's processor time,
which they disturb less; and, to compare with other machines, the cost of one event as a multiple of decoding it as
untyped JSON in the same run. Commands: peers, latency, restore, memory, stages, lift, console; each has `--help`.
"""

import argparse
import json
import sys
from importlib import import_module
from typing import Final

COMMANDS: Final = {
    "peers": "comparison",
    "latency": "latency",
    "restore": "restoring",
    "memory": "memory",
    "stages": "stages",
    "lift": "lift",
    "backtest": "backtest",
    "console": "console",
}


def main() -> int:
    given = sys.argv[1:]
    name = COMMANDS[given.pop(0)] if given and given[0] in COMMANDS else "own"
    module = import_module(f"benchmarks.{name}")
    document = __doc__ if name == "own" else module.__doc__
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.arguments(parser)
    result = module.run(parser.parse_args(given))
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
