"""A real Prometheus with the shipped rules: as they stand, or with minutes for seconds."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from streams.broker import LOOPBACK, free_port

ROOT: Final = Path(__file__).parents[2]
RULES: Final = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
STOP_S: Final = 20.0
SCRAPE: Final = "1s"

MINUTE, HOUR, DAY = 60, 3_600, 86_400
UNITS: Final = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
SHORTENED: Final = ((5 * MINUTE, 8), (30 * MINUTE, 10), (HOUR, 15), (DAY, 20), (3 * DAY, 25))
"""Windows of the rules, up to so long, and the seconds in their place: at least some scrapes, in order."""
LONGEST_S: Final = 30
OFFSETS: Final = {"6h": 20}
OFFSET_S: Final = 15
FOR_S: Final = 2


def _window(said: str) -> int:
    length = int(said[:-1]) * UNITS[said[-1]]
    return next((short for long, short in SHORTENED if length <= long), LONGEST_S)


def quick(text: str) -> str:
    """The same rules for a test's patience: only windows, offsets and `for` are other ones."""
    text = re.sub(r"\[(\w+)\]", lambda found: f"[{_window(found[1])}s]", text)
    text = re.sub(r"offset (\w+)", lambda found: f"offset {OFFSETS.get(found[1], OFFSET_S)}s", text)
    return re.sub(r"for: [1-9]\w*", f"for: {FOR_S}s", text)


class Prometheus:
    """Scrapes the ports of each job, by its name."""

    def __init__(self, directory: Path, jobs: Mapping[str, list[int]], rules: list[Path]) -> None:
        self.port = free_port()
        configuration = {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [f"{LOOPBACK}:{port}" for port in ports]}]}
                for name, ports in jobs.items()
            ],
        }
        path = directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(configuration))
        self.process = subprocess.Popen(
            [
                *("prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}"),
                f"--web.listen-address={LOOPBACK}:{self.port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(STOP_S)

    def ask(self, path: str, **parameters: str) -> Any:
        """What the API answers. Raises OSError."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def until(self, expression: str, patience_s: float) -> list[Any]:
        """The series of an expression, as soon as there are some; an empty list at the end of our patience."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                found: list[Any] = self.ask("query", query=expression)["result"]
            except OSError:
                found = []
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def firing(self) -> set[str]:
        """The alerts that fire now."""
        alerts = self.ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
