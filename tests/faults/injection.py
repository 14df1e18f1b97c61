"""The faults: each is done to a site, and healed where it does not heal by itself, before the function returns."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from tests.faults.site import Site
from tests.faults.watch import Watch
from tests.kafka.fleet import until

SESSION_S: Final = 6.0
"""The workers' session timeout in these runs."""
LONG_OUTAGE_S: Final = 70.0
LONG_FREEZE_S: Final = 40.0
CRASH_S: Final = 25.0
CHUNK: Final = bytes(1 << 16)
FAKETIME: Final = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

Fault = Callable[[Site, Watch, random.Random], None]


def kill_worker(site: Site, watch: Watch, rng: random.Random) -> None:
    """kill -9, and a start at once or within the session's time."""
    victim = rng.choice(site.lasting)
    site.kill(victim)
    watch.note("worker kill -9")
    time.sleep(rng.choice((0.0, 0.0, 1.0)))
    victim.start()


def kill_worker_for_long(site: Site, watch: Watch, rng: random.Random) -> None:
    """kill -9, and a start only when the others have its partitions."""
    victim = rng.choice(site.lasting)
    site.kill(victim)
    watch.note("worker kill -9, partitions move")
    time.sleep(1.5 * SESSION_S)
    victim.start()


def stop_worker(site: Site, watch: Watch, rng: random.Random) -> None:
    """SIGTERM and a new start, as in a rolling upgrade."""
    victim = rng.choice([worker for worker in site.lasting if worker.running] or site.lasting)
    if victim.running:
        victim.stop()
    watch.note("worker restart")
    victim.start()


def crash_inside(site: Site, watch: Watch, rng: random.Random) -> None:
    """A worker dies by itself at a point of a flush: after sending, before committing; or after that."""
    point = rng.choice(("crash_before_commit", "crash_after_commit", "crash_before_send"))
    victim = rng.choice(site.lasting)
    site.kill(victim)
    victim.start(FAULTS=f"{site.faults} {point}={rng.randrange(3, 60)}")
    try:
        until(lambda: not victim.running, CRASH_S)
    except AssertionError:
        site.kill(victim)  # it had too little to do
        watch.note("worker kill -9")
    else:
        site.worker_kills += 1
        watch.note(point.replace("_", " "))
    victim.start()


def zombie(site: Site, watch: Watch, rng: random.Random) -> None:
    """SIGSTOP for one and a half sessions, then SIGCONT."""
    victim = rng.choice(site.lasting)
    if not victim.running:
        victim.start()
        until(lambda: victim.ready, 60)
    victim.freeze()
    time.sleep(1.5 * SESSION_S)
    victim.thaw()
    watch.note("worker SIGSTOP, then a zombie")


def zombie_in_commit(site: Site, watch: Watch, rng: random.Random) -> None:
    """A worker is frozen when all of a transaction is sent, and commits it when others have its partitions."""
    victim = rng.choice(site.lasting)
    site.kill(victim)
    victim.start(FAULTS=f"{site.faults} freeze_before_commit={rng.randrange(5, 40)}")
    try:
        until(lambda: victim.stopped, CRASH_S)
    except AssertionError:  # it had too little to do, and must not freeze when nobody wakes it
        site.kill(victim)
        victim.start()
        watch.note("worker kill -9")
        return
    victim.frozen = True
    time.sleep(1.2 * SESSION_S)
    victim.thaw()
    watch.note("zombie in mid-commit")


def guest(site: Site, watch: Watch, rng: random.Random) -> None:
    """A further worker joins for a moment: two rebalances."""
    visitor = site.worker("guest", instance="")
    visitor.start()
    watch.note("worker joins")
    time.sleep(rng.uniform(1.0, 5.0))
    if rng.random() < 0.5:
        site.kill(visitor)
    else:
        visitor.stop()
    watch.note("worker leaves")


def _start_broker(site: Site, watch: Watch) -> None:
    for _ in range(site.start_broker()):
        watch.note("its coordinator lost, a further start")


def kill_broker(site: Site, watch: Watch, rng: random.Random) -> None:
    """kill -9 of the broker, and a start at once."""
    site.kill_broker()
    _start_broker(site, watch)
    watch.note("broker kill -9")


def broker_outage(site: Site, watch: Watch, rng: random.Random) -> None:
    """The broker is away for 70 s."""
    site.kill_broker()
    time.sleep(LONG_OUTAGE_S)
    _start_broker(site, watch)
    watch.note("broker away 70 s")


def freeze_broker(site: Site, watch: Watch, rng: random.Random) -> None:
    """The broker does not answer for 40 s, and its connections stay."""
    site.broker.freeze()
    time.sleep(LONG_FREEZE_S)
    site.broker.thaw()
    watch.note("broker SIGSTOP 40 s")


def freeze_broker_briefly(site: Site, watch: Watch, rng: random.Random) -> None:
    """The broker does not answer for some seconds."""
    site.broker.freeze()
    time.sleep(rng.uniform(2.0, 12.0))
    site.broker.thaw()
    watch.note("broker SIGSTOP 2-12 s")


def cut(site: Site, watch: Watch, rng: random.Random) -> None:
    """Packets to and from the broker are dropped, for everybody."""
    port = str(site.broker.port)
    rules = [("INPUT", "-i", "lo", "-p", "tcp", way, port, "-j", "DROP") for way in ("--dport", "--sport")]
    with _dropped(*rules):
        time.sleep(rng.uniform(3.0, 20.0))
    watch.note("network cut, everybody")


def cut_worker(site: Site, watch: Watch, rng: random.Random) -> None:
    """One worker's packets to the broker are dropped until its session is over; others take its partitions."""
    victim = rng.choice(site.lasting)
    owner = ("-m", "owner", "--gid-owner", str(victim.group))
    with _dropped(("OUTPUT", "-p", "tcp", "--dport", str(site.broker.port), *owner, "-j", "DROP")):
        time.sleep(rng.uniform(0.5, 2.5) * SESSION_S)
    watch.note("network cut, one worker")


@contextmanager
def _dropped(*rules: Sequence[str]) -> Iterator[None]:
    for rule in rules:
        subprocess.run(["iptables", "-I", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-D", *rule], check=True)


def wrong_clock(site: Site, watch: Watch, rng: random.Random) -> None:
    """A worker comes back with a clock that is an hour or a day wrong."""
    victim = rng.choice(site.lasting)
    if victim.running:
        victim.stop()
    shift = rng.choice(("+1h", "-1h", "+1d", "-1d"))
    steady = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    victim.start(LD_PRELOAD=FAKETIME, FAKETIME=shift, **steady)
    watch.note(f"clock {shift}")


def fill_broker_disk(site: Site, watch: Watch, rng: random.Random) -> None:
    """The broker's disk is full for a while; it ends by itself, and is started again when there is room."""
    filler = site.broker.directory / "filler"
    _fill(filler)
    try:
        until(lambda: not site.broker.running, 30)
    except AssertionError:
        site.broker.kill()
    time.sleep(rng.uniform(1.0, 5.0))
    filler.unlink()
    site.broker_kills += 1
    site.broker.kill()
    _start_broker(site, watch)
    watch.note("broker disk full")


def fill_worker_disk(site: Site, watch: Watch, rng: random.Random) -> None:
    """What the workers write their logs to is full for a while, and one is killed meanwhile."""
    filler = site.directory / "logs" / "filler"
    _fill(filler)
    victim = rng.choice(site.lasting)
    site.kill(victim)
    victim.start()
    time.sleep(rng.uniform(5.0, 10.0))
    filler.unlink()
    watch.note("worker disk full")


def _fill(filler: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), filler.open("wb", buffering=0) as out:
        while out.write(CHUNK):
            pass


def reset_group(site: Site, watch: Watch, rng: random.Random) -> None:
    """All workers stop; somebody sets the group's offsets to 0 or to half, or deletes them."""
    for worker in site.lasting:
        if worker.running:
            worker.stop()
    way = rng.choice(("to 0", "to half", "deleted"))
    # A named member leaves when its session is over.
    until(lambda: _alter_group(site, way), 10 * SESSION_S, "altering the group")
    for worker in site.lasting:
        worker.start()
    watch.note(f"group offsets {way}")


def _alter_group(site: Site, way: str) -> bool:
    client = KafkaAdminClient(bootstrap_servers=site.bootstrap)
    group = site.settings.pipeline
    try:
        if way == "deleted":
            return set(client.delete_groups([group]).values()) <= {"OK", "GroupIdNotFoundError"}
        moved = {
            tp: OffsetAndMetadata(0 if way == "to 0" else found.offset // 2, "", -1)
            for tp, found in client.list_group_offsets(group)[group].items()
        }
        return all(error.errno == 0 for error in client.alter_group_offsets(group, moved).values())
    except KafkaError:
        return False
    finally:
        client.close()


def mount_tmpfs(place: Path, megabytes: int) -> None:
    """A small disk of its own. Needs root."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=True)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", str(place)], check=False)
