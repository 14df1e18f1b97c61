"""The read model's file: SQLite, written by one thread and read by many, and never more than a copy of the topics.

Whatever is wrong with the file (gone, damaged, of another pipeline or version) has one remedy: begin anew.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

FORMAT: Final = "3"
"""Raised when the tables change: a file of another format is begun anew."""
BUSY_S: Final = 10.0
CACHE_KB: Final = 16_384
"""Of each connection's pages in memory."""
MOST_READERS: Final = 8

QUARTER: Final = 900_000
"""Of an hour, in milliseconds: the grain of what is counted. Midnight is at one in every time zone."""

TABLES: Final = f"""
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE progress (
  topic TEXT, partition INTEGER, following INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE models (partition INTEGER PRIMARY KEY, hash TEXT NOT NULL, offsets TEXT NOT NULL);
CREATE TABLE leads (
  key TEXT NOT NULL UNIQUE, stage INTEGER NOT NULL, bound REAL NOT NULL, last INTEGER NOT NULL,
  entered INTEGER NOT NULL, account TEXT, domain TEXT, company TEXT, name TEXT, record BLOB NOT NULL
);
CREATE TABLE tally (stage INTEGER PRIMARY KEY, number INTEGER NOT NULL);
CREATE TRIGGER came AFTER INSERT ON leads BEGIN
  INSERT INTO tally VALUES (new.stage, 1) ON CONFLICT (stage) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER went AFTER DELETE ON leads BEGIN
  UPDATE tally SET number = number - 1 WHERE stage = old.stage;
END;
CREATE TRIGGER moved AFTER UPDATE OF stage ON leads WHEN old.stage <> new.stage BEGIN
  UPDATE tally SET number = number - 1 WHERE stage = old.stage;
  INSERT INTO tally VALUES (new.stage, 1) ON CONFLICT (stage) DO UPDATE SET number = number + 1;
END;
CREATE TABLE waiting (
  key TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, deadline INTEGER NOT NULL, handoff TEXT
);
CREATE INDEX waiting_key ON waiting (key);
CREATE TABLE handoffs (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, shadow INTEGER NOT NULL,
  partition INTEGER NOT NULL, position INTEGER NOT NULL, written INTEGER NOT NULL, data TEXT
) WITHOUT ROWID;
CREATE TABLE updates (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, handoff TEXT NOT NULL, at INTEGER NOT NULL, change TEXT NOT NULL,
  shadow INTEGER NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE transitions (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, from_stage TEXT NOT NULL,
  to_stage TEXT NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL, told TEXT
) WITHOUT ROWID;
CREATE TABLE moves (
  quarter INTEGER, stage TEXT, number INTEGER NOT NULL, PRIMARY KEY (quarter, stage)
) WITHOUT ROWID;
CREATE TRIGGER stage_entered AFTER INSERT ON transitions WHEN new.type = 'stage_changed' BEGIN
  INSERT INTO moves VALUES (new.at / {QUARTER}, new.to_stage, 1)
  ON CONFLICT (quarter, stage) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER move_forgotten AFTER DELETE ON transitions WHEN old.type = 'stage_changed' BEGIN
  UPDATE moves SET number = number - 1 WHERE quarter = old.at / {QUARTER} AND stage = old.to_stage;
  DELETE FROM moves WHERE quarter = old.at / {QUARTER} AND number = 0;
END;
CREATE TABLE awaited (
  kind TEXT, quarter INTEGER, number INTEGER NOT NULL, PRIMARY KEY (kind, quarter)
) WITHOUT ROWID;
CREATE TRIGGER wait_began AFTER INSERT ON waiting BEGIN
  INSERT INTO awaited VALUES (new.kind, new.deadline / {QUARTER}, 1)
  ON CONFLICT (kind, quarter) DO UPDATE SET number = number + 1;
END;
CREATE TRIGGER wait_ended AFTER DELETE ON waiting BEGIN
  UPDATE awaited SET number = number - 1 WHERE kind = old.kind AND quarter = old.deadline / {QUARTER};
  DELETE FROM awaited WHERE kind = old.kind AND quarter = old.deadline / {QUARTER} AND number = 0;
END;
CREATE TABLE accounts (
  key TEXT PRIMARY KEY, domain TEXT NOT NULL, company TEXT, people INTEGER NOT NULL, last INTEGER NOT NULL
) WITHOUT ROWID;
"""  # noqa: S608  a number of ours
INDEXES: Final = """
CREATE INDEX IF NOT EXISTS leads_bound ON leads (bound, key);
CREATE INDEX IF NOT EXISTS leads_stage_bound ON leads (stage, bound, key);
CREATE INDEX IF NOT EXISTS leads_last ON leads (last, key);
CREATE INDEX IF NOT EXISTS leads_stage_last ON leads (stage, last, key);
CREATE INDEX IF NOT EXISTS leads_entered ON leads (entered, key);
CREATE INDEX IF NOT EXISTS leads_stage_entered ON leads (stage, entered, key);
CREATE INDEX IF NOT EXISTS leads_account ON leads (account, last) WHERE account IS NOT NULL;
CREATE INDEX IF NOT EXISTS leads_company ON leads (company COLLATE NOCASE) WHERE company IS NOT NULL;
CREATE INDEX IF NOT EXISTS leads_name ON leads (name COLLATE NOCASE) WHERE name IS NOT NULL;
CREATE INDEX IF NOT EXISTS waiting_urgent ON waiting (kind, deadline = 0, deadline, at, key);
CREATE INDEX IF NOT EXISTS handoffs_at ON handoffs (at);
CREATE INDEX IF NOT EXISTS handoffs_key ON handoffs (key);
CREATE INDEX IF NOT EXISTS updates_key ON updates (key);
CREATE INDEX IF NOT EXISTS transitions_at ON transitions (type, at, to_stage);
CREATE INDEX IF NOT EXISTS transitions_key ON transitions (key, at);
CREATE INDEX IF NOT EXISTS accounts_last ON accounts (last, key);
CREATE INDEX IF NOT EXISTS accounts_domain ON accounts (domain, key);
"""
"""Made once everything is read: a tree that is built at once is built ten times as fast."""


class Store:
    """The file at `path`. `identity` says what it is a copy of; a file of anything else is begun anew."""

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._identity = identity
        self._generation = 0
        self._idle: list[tuple[int, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    def begin(self, *, anew: bool = False) -> sqlite3.Connection:
        """The writer's connection, to a file that is whole and ours. Raises OSError, sqlite3.Error."""
        if anew or not self._is_ours():
            self._remove()
        made = not self.path.exists()
        if made:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = _connect(self.path)
        connection.execute("PRAGMA journal_mode = WAL")
        if made:
            connection.executescript(f"BEGIN;{TABLES}COMMIT;")
            about = {"format": FORMAT, "identity": self._identity}
            connection.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        with self._lock:
            self._generation += 1
            self._inode = self.path.stat().st_ino
        return connection

    def size(self) -> int:
        """Bytes on the disk."""
        paths = (Path(f"{self.path}{suffix}") for suffix in ("", "-wal"))
        return sum(path.stat().st_size for path in paths if path.exists())

    def lost(self) -> bool:
        """Whether the file is no longer the one that was begun: somebody removed or replaced it."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads one state of everything, for the calling thread alone."""
        with self._lock:
            generation = self._generation
            found = self._idle.pop() if self._idle else None
        if found is not None and found[0] != generation:
            found[1].close()
            found = None
        connection = found[1] if found else _connect(self.path, read_only=True)
        try:
            connection.execute("BEGIN")
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.execute("COMMIT")
        with self._lock:
            keep = generation == self._generation and len(self._idle) < MOST_READERS
            if keep:
                self._idle.append((generation, connection))
        if not keep:
            connection.close()

    def close(self) -> None:
        """Close the readers that are idle."""
        with self._lock:
            idle, self._idle, self._generation = self._idle, [], self._generation + 1
        for _, connection in idle:
            connection.close()

    def _is_ours(self) -> bool:
        if not self.path.exists():
            return False
        try:
            connection = _connect(self.path, read_only=True)
        except sqlite3.Error:
            return False
        try:
            about = dict(connection.execute("SELECT name, value FROM about"))
            return about == {"format": FORMAT, "identity": self._identity}
        except sqlite3.Error:
            return False
        finally:
            connection.close()

    def _remove(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                os.unlink(f"{self.path}{suffix}")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA synchronous = OFF")  # a copy that a power cut damages is begun anew
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
