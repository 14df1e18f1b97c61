"""The engines that are compared: how each is installed, started and set."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.ground import EVENTS, SECRET, Ground
from streams import topics
from streams.broker import free_port

ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = ROOT / "benchmarks" / "peers"
INSTALLED: Final = Path(tempfile.gettempdir()) / "leadstreams-benchmarks"
"""Environments and jars of the peers, kept between runs: after the first one nothing is fetched."""


@dataclass(frozen=True)
class Engine:
    """One program in one setting. `slow`: it gets the shorter log."""

    name: str
    title: str
    kind: str  # "ours", "python" or "java"
    folder: str
    state: str
    delivery: str
    commit_s: float | None  # between two commits; None: as it sees fit
    settings: Mapping[str, str] = field(default_factory=dict)
    model: str = "published"
    slow: bool = False

    @property
    def group(self) -> str:
        """The consumer group, whose committed offsets tell how far the engine is."""
        return "leadstreams" if self.kind == "ours" else f"peer-{self.name}"

    @property
    def output(self) -> str:
        return topics.SALES_HANDOFFS if self.kind == "ours" else f"{self.group}-handoffs"

    def hurried(self, commit_s: float) -> "Engine":
        """The same, committing at least so often: for logs that are too short for its own interval."""
        return self if self.commit_s is None else replace(self, commit_s=min(self.commit_s, commit_s))

    # --- starting

    def prepare(self) -> None:
        """Install what it needs, once. Raises CalledProcessError."""
        if self.kind == "python":
            _environment(self.folder, PEERS / self.folder / "requirements.txt")
        elif self.kind == "java":
            _classes(self.folder)

    def clear(self, ground: Ground) -> None:
        """Topics as on the first day."""
        if self.kind == "ours":
            ground.renew_pipeline()
        else:
            ground.forget(self.group)
            ground.create(self.output)

    def command(self, state: Path) -> list[str]:
        if self.kind == "ours":
            return [str(Path(sys.executable).with_name("leadstreams")), "worker"]
        if self.kind == "java":
            return [*_java(self.folder), "Job"]
        python = str(INSTALLED / self.folder / "bin" / "python")
        job = f"benchmarks.peers.{self.folder}.job"
        if self.folder == "bytewax_job":
            recovery = state / "recovery"
            recovery.mkdir(parents=True)
            subprocess.run([python, "-m", "bytewax.recovery", str(recovery), "1"], check=True)
            return [
                python,
                "-m",
                "bytewax.run",
                job,
                "-r",
                str(recovery),
                "-s",
                str(max(1, int(self.commit_s or 1))),
                "-b",
                "0",
            ]
        return [
            python,
            "-m",
            job,
            *(["worker", "-l", "error", "--without-web"] if self.folder == "faust_stock" else []),
        ]

    def environment(self, ground: Ground, state: Path) -> dict[str, str]:
        own = {
            "LEADSTREAMS_BROKER": ground.bootstrap,
            "LEADSTREAMS_SECRET": SECRET,
            "LEADSTREAMS_WORKER_PORT": str(free_port()),
            "LEADSTREAMS_MODEL": self.model,
        }
        given = {
            "BENCH_BROKER": ground.bootstrap,
            "BENCH_TOPICS": ",".join(EVENTS),
            "BENCH_OUTPUT": self.output,
            "BENCH_GROUP": self.group,
            "BENCH_STATE": str(state),
            "BENCH_COMMIT_S": f"{self.commit_s or 1:g}",
            "BENCH_COMMIT_MS": f"{1000 * (self.commit_s or 1):.0f}",
            "BENCH_PARTITIONS": str(ground.partitions),
            "PYTHONPATH": str(ROOT),
        }
        return machine.environment({**(own if self.kind == "ours" else given), **self.settings})

    def version(self) -> str:
        """Of the engine itself, as pinned."""
        if self.kind == "ours":
            done = subprocess.run(
                ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
            )
            return done.stdout.strip()
        if self.kind == "java":
            jar = "kafka-streams" if self.folder == "kafka_streams" else "flink-streaming-java"
            found = next(_jars(self.folder).glob(f"{jar}-[0-9]*.jar"))
            return found.stem.removeprefix(f"{jar}-")
        first = (PEERS / self.folder / "requirements.txt").read_text().splitlines()[0]
        return first.partition("==")[2]


_EXACTLY, _AT_LEAST = "exactly once", "at least once"


def _kafka_streams(store: str, delivery: str, commit_s: float, suffix: str) -> Engine:
    guarantee = {_EXACTLY: "exactly_once_v2", _AT_LEAST: "at_least_once"}[delivery]
    state = {"memory": "in memory", "rocksdb": "RocksDB"}[store]
    settings = {"BENCH_STORE": store, "BENCH_GUARANTEE": guarantee}
    name = f"kafka-streams-{store}-{suffix}"
    return Engine(name, "Kafka Streams", "java", "kafka_streams", state, delivery, commit_s, settings)


def _flink(store: str, state: str) -> Engine:
    return Engine(f"flink-{store}", "Apache Flink", "java", "flink", state, _EXACTLY, 1.0, {"BENCH_STORE": store})


def _quix(delivery: str, commit_s: float, suffix: str) -> Engine:
    settings = {"BENCH_GUARANTEE": delivery.replace(" ", "-")}
    return Engine(f"quix-{suffix}", "Quix Streams", "python", "quix", "RocksDB", delivery, commit_s, settings)


def _ours(model: str) -> Engine:
    name = "leadstreams" if model == "published" else f"leadstreams-{model}"
    return Engine(name, f"**leadstreams**, `{model}`", "ours", "", "in memory", _EXACTLY, None, model=model)


OURS: Final = _ours("published")
ALL: Final = (
    OURS,
    _ours("b2b"),
    # 100 ms is its own default; a second lets it put more changes of a lead into one record
    _kafka_streams("memory", _EXACTLY, 0.1, "eos"),
    _kafka_streams("memory", _EXACTLY, 1.0, "eos-1s"),
    _kafka_streams("memory", _AT_LEAST, 5.0, "alos"),
    _kafka_streams("rocksdb", _EXACTLY, 0.1, "eos"),
    _kafka_streams("rocksdb", _AT_LEAST, 5.0, "alos"),
    _flink("hashmap", "in memory"),
    _flink("rocksdb", "RocksDB"),
    Engine("bytewax", "Bytewax", "python", "bytewax_job", "in memory, SQLite", _AT_LEAST, 5.0),
    _quix(_AT_LEAST, 5.0, "alos"),
    _quix(_EXACTLY, 1.0, "eos"),
    Engine("faust", "stock Faust", "python", "faust_stock", "in memory", _AT_LEAST, 2.8, slow=True),
)


# --- installing


def _environment(name: str, requirements: Path) -> Path:
    """A virtual environment of its own; its Python. Made anew when its requirements or our interpreter change."""
    home = INSTALLED / name
    wanted = hashlib.sha256(requirements.read_bytes() + sys.base_prefix.encode()).hexdigest()
    mark = home / "installed"
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "virtualenv", "--quiet", str(home)], check=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", "-r", str(requirements)], check=True)
        mark.write_text(wanted)
    return home / "bin" / "python"


def tool(name: str) -> Path:
    """The Python of an environment for a tool of the benchmark: peers/NAME.txt."""
    return _environment(name, PEERS / f"{name}.txt")


def _jars(folder: str) -> Path:
    return INSTALLED / folder / "jars"


def _classes(folder: str) -> None:
    """Fetch the jars when the pom changed, and compile."""
    pom = PEERS / folder / "pom.xml"
    jars, mark = _jars(folder), INSTALLED / folder / "installed"
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(jars, ignore_errors=True)
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *copy], check=True)
        mark.write_text(wanted)
    sources = [*(PEERS / "scoring").glob("*.java"), *(PEERS / folder).glob("*.java")]
    classes = str(INSTALLED / folder / "classes")
    subprocess.run(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", classes, *map(str, sources)], check=True)


def _java(folder: str) -> list[str]:
    opened = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "time")]
    return ["java", "-Xms1g", "-Xmx4g", *opened, "-cp", f"{INSTALLED / folder / 'classes'}:{_jars(folder)}/*"]


def java(folder: str, main: str) -> list[str]:
    """The command of another class of a Java peer."""
    return [*_java(folder), main]
