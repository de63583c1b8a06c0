"""Logs one structured line an event, as JSON or for a terminal; never bodies or secrets.

Lines of libraries (kafka, faust, psycopg) are included from level warning upwards.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from postrail.observe.log_stream import LogStream
from postrail.settings import Settings

# A line that a library repeats is shown once in this time.
REPEAT_AFTER_SECONDS = 30.0
MESSAGE_CHARACTERS = 80
MOST_MESSAGES = 1000
EventDict = MutableMapping[str, Any]
# user:password@ in a URL, and password=... in a connection string.
PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@/]+@")
PASSWORD_IN_CONNECTION_STRING = re.compile(r"(?i)\b(password\s*=\s*)('[^']*'|[^\s,)]+)")


def log(name: str) -> FilteringBoundLogger:
    """Returns a logger; `name` is the module's."""
    return cast(FilteringBoundLogger, structlog.get_logger(module=name))


def configure_log(settings: Settings, service: str) -> None:
    """Sends all lines of this process to stderr, each with the service's name."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _processors(service)
    renderer = _renderer(settings)
    stream = cast(TextIO, LogStream(sys.stderr, _lost_lines(shared, renderer)))
    structlog.configure(
        processors=[*shared, structlog.processors.ExceptionRenderer(), hide_secrets, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    _route_libraries(shared, renderer, stream)


def _processors(service: str) -> list[Processor]:
    def name_service(_: object, __: str, event: EventDict) -> Mapping[str, Any]:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
    ]


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)


def _lost_lines(shared: list[Processor], renderer: Processor) -> Callable[[int], str]:
    """Returns what makes the line that reports lost ones; it needs no logger."""

    def line(number: int) -> str:
        event: Any = {"event": "log lines lost", "lines": number, "module": __name__}
        for processor in (*shared, renderer):
            event = processor(None, "warning", event)
        return str(event)

    return line


class SeldomFilter(logging.Filter):
    """Lets a library's line through once in a while, since reconnecting clients repeat theirs."""

    def __init__(
        self,
        every_seconds: float = REPEAT_AFTER_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._every_seconds = every_seconds
        self._monotonic = monotonic
        self._next: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the line is new; its arguments do not count."""
        key = (record.name, str(record.msg)[:MESSAGE_CHARACTERS])
        now = self._monotonic()
        if now < self._next.get(key, now):
            return False
        if len(self._next) >= MOST_MESSAGES:
            self._next.clear()
        self._next[key] = now + self._every_seconds
        return True


def _route_libraries(shared: list[Processor], renderer: Processor, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_module],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(),
                hide_secrets,
                renderer,
            ],
        )
    )
    handler.addFilter(SeldomFilter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def _name_module(_: object, __: str, event: EventDict) -> Mapping[str, Any]:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["module"] = record.name
    return event


def hide_secrets(_: object, __: str, event: EventDict) -> EventDict:
    """Hides the passwords of URLs and connection strings in a line."""
    for key, value in event.items():
        if isinstance(value, str) and ("@" in value or "=" in value):
            event[key] = without_passwords(value)
    return event


def without_passwords(text: str) -> str:
    """Returns the text with each password in a URL or a connection string replaced by stars."""
    text = PASSWORD_IN_URL.sub(r"\1***@", text)
    return PASSWORD_IN_CONNECTION_STRING.sub(r"\1***", text)
