"""`python -m config`: the same as `tally`."""

from config.cli import main

if __name__ == "__main__":
    main()
