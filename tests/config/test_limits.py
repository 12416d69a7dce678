"""Claims of config.limits."""

import os
import resource
from pathlib import Path

from config.limits import OPEN_FILES, raise_open_files, usable_cores


def test_the_soft_limit_of_open_files_becomes_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        most = OPEN_FILES if before[1] == resource.RLIM_INFINITY else min(before[1], OPEN_FILES)
        assert raise_open_files() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_cgroup_that_gets_less_time_has_fewer_cores(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("12:cpu:/x\n0::/a/b\n")
    groups = tmp_path / "groups"
    (groups / "a/b").mkdir(parents=True)
    whole = float(len(os.sched_getaffinity(0)))
    assert usable_cores(proc=tmp_path, cgroups=groups) == whole
    (groups / "a/b/cpu.max").write_text("max 100000\n")
    assert usable_cores(proc=tmp_path, cgroups=groups) == whole
    (groups / "a/cpu.max").write_text("50000 100000\n")
    assert usable_cores(proc=tmp_path, cgroups=groups) == 0.5
    (groups / "a/b/cpu.max").write_text("10000 100000\n")
    assert usable_cores(proc=tmp_path, cgroups=groups) == 0.1
    (groups / "a/b/cpu.max").write_text("nonsense\n")
    assert usable_cores(proc=tmp_path, cgroups=groups) == 0.5


def test_without_cgroups_the_bound_cores_count(tmp_path: Path) -> None:
    assert usable_cores(proc=tmp_path) == float(len(os.sched_getaffinity(0)))
