"""What the operating system lets one process have."""

import os
import resource
from pathlib import Path

OPEN_FILES = 65_536
"""More than any process of ours can serve; an endless limit is refused on macOS."""

LADDER_SHARE = 0.8
"""Of the cores that a node may use, what all ladders together get; ingest and web need the rest."""


def raise_open_files() -> int:
    """Take as many open files as the hard limit allows, and return how many: each viewer and publisher is one.

    The soft limit is often 1,024 for the sake of programs that use select(2), which ours do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft < wanted and soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def usable_cores(*, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many cores this process may use: those it is bound to, or less when its cgroup gets less time.

    cgroup v2, `cpu.max`: microseconds of quota and of period; that of every level above binds too.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        lines = (proc / "self/cgroup").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return cores  # not Linux, or hidden from us
    name = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = cgroups / name.strip("/")
    for place in (group, *group.parents):
        if not place.is_relative_to(cgroups):
            break
        cores = min(cores, _cores_of(place / "cpu.max"))
    return cores


def _cores_of(path: Path) -> float:
    try:
        quota, period = path.read_text("ascii").split()
        return float("inf") if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return float("inf")  # the root has none; what cannot be read binds nobody
