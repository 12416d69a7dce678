"""What the operating system lets one process have."""

import resource

OPEN_FILES = 65_536
"""More than any process of ours can serve; an endless limit is refused on macOS."""


def raise_open_files() -> int:
    """Take as many open files as the hard limit allows, and return how many: each viewer and publisher is one.

    The soft limit is often 1,024 for the sake of programs that use select(2), which ours do not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft < wanted and soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
