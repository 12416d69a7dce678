"""Claims of config.limits."""

import resource

from config.limits import OPEN_FILES, raise_open_files


def test_the_soft_limit_of_open_files_becomes_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        most = OPEN_FILES if before[1] == resource.RLIM_INFINITY else min(before[1], OPEN_FILES)
        assert raise_open_files() == most
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
