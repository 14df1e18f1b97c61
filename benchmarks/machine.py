"""The machine that measures: whose core is whose, what a process cost, what it is called."""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

ENGINE_CORE: Final = 0
BROKER_CORE: Final = 1
"""The load and the sampling run there too: they cost little beside the broker."""

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def pin(pid: int, core: int) -> None:
    """Every thread of a process to one core; threads that it starts later inherit that."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def on(core: int, command: list[str]) -> list[str]:
    """The command, started on one core."""
    return ["taskset", "-c", str(core), *command]


def processor_s(pid: int) -> float:
    """User and system time of a process so far, in seconds; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def resident(pid: int) -> int:
    """Resident memory in bytes; 0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def described() -> str:
    """Processor, cores, system and the versions of the languages, in one line."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": ?")
    name = model.partition(":")[2].strip()
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    release = java.splitlines()[0].replace('"', "") if java else "no Java"
    system = f"{platform.system()} {platform.release()}"
    python = f"Python {platform.python_version()} of {sys.base_prefix}"  # how it was built makes a fifth
    return f"{name}, {os.cpu_count()} cores, {system}, {python}, {release}"


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment without its own pipeline settings, and these."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADSTREAMS_")} | settings
