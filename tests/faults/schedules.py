"""The schedules by name: each row of the table in docs/reliability.md."""

from typing import Final

from tests.faults import injection, scripts
from tests.faults.load import Mix
from tests.faults.schedule import Schedule

KILLS: Final = (injection.kill_worker,)
HALTED: Final = r"is halted at offset"
BUG: Final = r"ZeroDivisionError|^Traceback|failpoints"
ABANDONED: Final = "Task was destroyed but it is pending"
"""What aiokafka leaves of a request to a killed broker, where its producer was fenced before an answer."""
FROZEN: Final = r"Thread keepalive is not responding"
"""What mode says when its process was stopped for long."""
DISK_FULL: Final = r"Logging error|No space left on device|Traceback"

SOAK: Final = (
    injection.kill_worker,
    injection.kill_worker,
    injection.kill_worker_for_long,
    injection.stop_worker,
    injection.crash_inside,
    injection.zombie,
    injection.zombie_in_commit,
    injection.guest,
    injection.kill_broker,
    injection.freeze_broker_briefly,
    injection.cut,
    injection.cut_worker,
    injection.wrong_clock,
)

_MADE: Final = (
    Schedule("calm", "no fault: the control", seconds=20, collector=True),
    Schedule("kill", "kill -9 of three workers", KILLS, (0.1, 6.0), workers=3, seconds=120),
    Schedule("kill-bursts", "kill -9 before workers are up again", KILLS, (0.1, 1.0), workers=3, seconds=120),
    Schedule(
        "move", "kill -9, and the partitions move", (injection.kill_worker_for_long,), (2.0, 8.0), seconds=90
    ),
    Schedule(
        "restart",
        "a rolling upgrade: restarts one by one",
        (injection.stop_worker,),
        (2.0, 6.0),
        workers=3,
        seconds=60,
    ),
    Schedule("inside", "a worker dies within a flush", (injection.crash_inside,), (0.5, 2.0), seconds=120),
    Schedule(
        "zombie",
        "SIGSTOP past the session, also in mid-commit",
        (injection.zombie, injection.zombie_in_commit),
        (1.0, 4.0),
        seconds=100,
        errors=(FROZEN,),
    ),
    Schedule("storm", "workers join and leave all the time", (injection.guest,), (1.0, 5.0), seconds=90),
    Schedule("broker", "kill -9 of the broker", (injection.kill_broker,), (3.0, 8.0), seconds=180, collector=True),
    Schedule(
        "outage",
        "the broker away for 70 s, then silent for 40 s",
        script=scripts.in_turn(injection.broker_outage, injection.freeze_broker),
        seconds=150,
        collector=True,
    ),
    Schedule(
        "cut",
        "network cuts, of everybody and of one worker",
        (injection.cut, injection.cut_worker),
        (4.0, 10.0),
        seconds=100,
        collector=True,
        groups=True,
    ),
    Schedule(
        "disk",
        "the broker's disk full, then the workers'",
        script=scripts.in_turn(
            injection.fill_broker_disk,
            injection.fill_worker_disk,
            injection.fill_broker_disk,
            injection.fill_worker_disk,
        ),
        seconds=80,
        collector=True,
        tmpfs=1_500,
        errors=(DISK_FULL,),
    ),
    Schedule(
        "clock",
        "workers an hour or a day off",
        (injection.wrong_clock,),
        (3.0, 8.0),
        seconds=80,
        errors=(FROZEN,),
    ),
    Schedule("repeats", "5 % repeats, some much later", KILLS, (4.0, 10.0), mix=Mix(repeats=0.05)),
    Schedule(
        "disorder",
        "a shuffled log, and events dated 2099",
        KILLS,
        (4.0, 10.0),
        mix=Mix(shuffled=20_000, far_future=0.005),
    ),
    Schedule("poison", "5 % poison of every kind", KILLS, (4.0, 10.0), mix=Mix(poison=0.05)),
    Schedule("bad-disk", "a stored batch that nobody can decode", script=scripts.bad_disk, seconds=45),
    Schedule("bad-deploy", "100 % poison on one topic", script=scripts.bad_deploy, seconds=60, errors=(HALTED,)),
    Schedule("oversize", "events of 1 MB, keys of 1 MB", KILLS, (4.0, 10.0), mix=Mix(big=0.001)),
    Schedule(
        "bug",
        "the core fails at some events",
        KILLS,
        (6.0, 12.0),
        mix=Mix(bugs=0.0003),
        faults_inside="bug",
        errors=(BUG,),
    ),
    Schedule(
        "mended-bug",
        "the core fails at many events, then is mended",
        script=scripts.mended_bug,
        mix=Mix(bugs=0.1),
        faults_inside="bug",
        errors=(BUG, "the core failed at"),
        every_bug=False,
    ),
    Schedule("hot", "one lead has half of the events", KILLS, (4.0, 10.0), mix=Mix(hot=0.5)),
    Schedule("erasure", "erasures while events arrive", KILLS, (4.0, 10.0), mix=Mix(erasures=0.03, people=500)),
    Schedule("compaction", "a changelog that is compacted all the time", script=scripts.compaction, seconds=90),
    Schedule("log-start", "retention takes what was applied", script=scripts.moved_start, replay=False),
    Schedule("subscriptions", "a worker that reads fewer topics", script=scripts.mixed_versions),
    Schedule("group", "the group's offsets reset or gone", (injection.reset_group,), (4.0, 8.0), seconds=90),
    Schedule("aliases", "few people with many identities", KILLS, (3.0, 8.0), mix=Mix(people=60, crc32=0.4)),
    Schedule(
        "at-least-once",
        "kills within flushes, without transactions",
        (injection.crash_inside, injection.kill_worker),
        (1.0, 4.0),
        seconds=90,
        settings=(("delivery", "at-least-once"),),
    ),
    Schedule(
        "soak",
        "a fault drawn every 15 s",
        SOAK,
        (0.0, 15.0),
        workers=3,
        seconds=600,
        mix=Mix(per_second=1_000, people=20_000, repeats=0.02, erasures=0.001, crc32=0.2),
        collector=True,
        groups=True,
        errors=(FROZEN, ABANDONED),
    ),
    Schedule(
        "short",
        "a little of everything",
        script=scripts.in_turn(
            injection.kill_worker,
            injection.crash_inside,
            injection.guest,
            injection.kill_broker,
            injection.zombie,
            injection.kill_worker_for_long,
        ),
        seconds=75,
        mix=Mix(per_second=800, repeats=0.03, poison=0.01, erasures=0.002, bugs=0.0001),
        faults_inside="bug",
        errors=(BUG, FROZEN, ABANDONED),
        collector=True,
    ),
)

ALL: Final[dict[str, Schedule]] = {schedule.name: schedule for schedule in _MADE}
