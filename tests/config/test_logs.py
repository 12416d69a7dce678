"""The log pipeline: one form for our lines and those of libraries."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.logs import configure
from config.settings import Settings, load


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def settings(directory: Path, **environ: str) -> Settings:
    return load({"TALLY_SECRET": "x" * 16} | environ, cwd=directory).settings


def test_json_lines_carry_the_process_and_the_keys(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web-2", settings(tmp_path, TALLY_LOG_FORMAT="json"), stream=stream)
    structlog.get_logger().info("publish started", channel="demo")
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"process": "web-2", "level": "info", "event": "publish started", "channel": "demo"}


def test_library_lines_take_the_same_way(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path, TALLY_LOG_FORMAT="json"), stream=stream)
    logging.getLogger("aiohttp.server").error("bad %s", "request")
    line = json.loads(stream.getvalue())
    assert (line["process"], line["level"], line["event"]) == ("web", "error", "bad request")


def test_an_exception_stays_on_one_json_line(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path, TALLY_LOG_FORMAT="json"), stream=stream)
    try:
        raise ValueError("odd")
    except ValueError:
        structlog.get_logger().exception("session ended")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: odd" in json.loads(stream.getvalue())["exception"]


def test_console_lines_have_no_colour_where_no_terminal_is(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path, TALLY_LOG_FORMAT="console"), stream=stream)
    structlog.get_logger().warning("queue full", dropped=3)
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().endswith("[warning  ] queue full dropped=3\n")


def test_without_a_terminal_lines_are_json(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path), stream=stream)
    structlog.get_logger().info("x")
    assert json.loads(stream.getvalue())["event"] == "x"


def test_lines_below_the_level_are_not_written(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path, TALLY_LOG_LEVEL="warning"), stream=stream)
    structlog.get_logger().info("x")
    logging.getLogger("anything").info("x")
    assert stream.getvalue() == ""


def test_each_request_of_a_library_is_no_news(tmp_path: Path, stream: io.StringIO) -> None:
    configure("web", settings(tmp_path), stream=stream)
    logging.getLogger("aiohttp.access").info("GET /")
    assert stream.getvalue() == ""
