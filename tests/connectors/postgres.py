"""PostgreSQL as a real process, on a data directory of its own, never as root."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

import psycopg

from streams.broker import LOOPBACK, end, free_port, guarded

UNPRIVILEGED: Final = "nobody"
READY_S: Final = 30.0
VERSIONS: Final = Path("/usr/lib/postgresql")


def _binary(name: str) -> str | None:
    """Debian keeps them per version and apart from PATH."""
    versions = sorted(VERSIONS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True)
    return str(versions[0]) if versions else shutil.which(name)


def missing() -> str | None:
    """Why PostgreSQL cannot be started here and what to do, or None."""
    if _binary("initdb") is None or _binary("postgres") is None:
        return "install PostgreSQL (apt-get install postgresql)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and setpriv (util-linux) is not there"
    return None


class Postgres:
    """One server; `database()` gives an empty database of its own."""

    def __init__(self, durable: bool = False) -> None:
        # Not below pytest's own directory, which only its owner may enter.
        self._directory = Path(tempfile.mkdtemp(prefix="leadstreams-postgres-"))
        self._data = self._directory / "data"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._fsync = "on" if durable else "off"

    def __enter__(self) -> Self:
        self._prepare()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://leadstreams@{LOOPBACK}:{self._port}/{database}"

    def database(self) -> str:
        """The URL of a new database."""
        self._databases += 1
        name = f"test{self._databases}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def start(self) -> None:
        """Returns when it answers."""
        options = ["-D", str(self._data), "-p", str(self._port), "-h", LOOPBACK, "-c", f"fsync={self._fsync}"]
        options += ["-c", f"unix_socket_directories={self._directory}"]
        with (self._directory / "postgres.log").open("ab") as output:
            self._process = guarded([*_unprivileged(), str(_binary("postgres")), *options], output)
        deadline = time.monotonic() + READY_S
        while not self._answers():
            assert time.monotonic() < deadline, (self._directory / "postgres.log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGKILL, 10.0)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _prepare(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._directory, UNPRIVILEGED)
        command = [*_unprivileged(), str(_binary("initdb")), "-D", str(self._data), "-U", "leadstreams"]
        command += ["-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"]
        ran = subprocess.run(command, capture_output=True, text=True, cwd="/")
        assert ran.returncode == 0, ran.stderr


def _unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={UNPRIVILEGED}", "--regid=nogroup", "--clear-groups", "--"]
