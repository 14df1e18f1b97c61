"""What ships with the program: scoring models with their lists, mappings of the collector, connectors.

The folders beside this file are links to `deploy/`, where they are edited; a wheel holds the files themselves."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent

# Resolved, so that messages name the file that one would edit.
MODELS: Final = (_HERE / "models").resolve()
COLLECTOR: Final = (_HERE / "collector").resolve()
CONNECTORS: Final = (_HERE / "connectors").resolve()
