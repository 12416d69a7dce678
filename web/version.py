"""The program's version."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("tallylight")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0.0.0"
