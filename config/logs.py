"""One pipeline for all log lines, ours and those of libraries: structlog to stderr, readable or as JSON lines."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import Settings

LIBRARY_LEVELS = {"aiohttp.access": logging.WARNING, "asyncio": logging.WARNING, "botocore": logging.WARNING}
"""Libraries that say at INFO what is no news here."""


def configure(process: str, settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send what this process logs to `stream` (stderr). `process` is a name such as "ingest" or "web-2".

    JSON lines carry the process; readable lines do not, for under `tally serve` each has it as its prefix.
    """
    out = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    is_console = settings.log_format == "console" or (settings.log_format == "auto" and out.isatty())

    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f" if is_console else "iso", utc=not is_console),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if is_console:
        plain = structlog.dev.plain_traceback
        rendering.append(structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0, exception_formatter=plain))
    else:
        rendering += [name_process, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]

    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=rendering,
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, floor in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(level, floor))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
