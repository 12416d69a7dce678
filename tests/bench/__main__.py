"""`make bench`: every table, one after the other. `python -m tests.bench NAME` prints one."""

import sys

from tests.bench import delivery, glass, ingest, ladder

TABLES = {"ingest": ingest.main, "delivery": delivery.main, "glass": glass.main, "ladder": ladder.main}


def main() -> None:
    """Print the tables named on the command line, or all."""
    for name in sys.argv[1:] or TABLES:
        TABLES[name]()


if __name__ == "__main__":
    main()
