"""One structured line an event, as JSON or for a terminal; never bodies or secrets.

Libraries that log by themselves (kafka, faust, psycopg) join it from their warnings upwards.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from postrail.settings import Settings

EventDict = MutableMapping[str, Any]
# user:password@ in a URL, and password=... in a connection string.
PASSWORD_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@/]+@")
PASSWORD_IN_CONNECTION_STRING = re.compile(r"(?i)\b(password\s*=\s*)('[^']*'|[^\s,)]+)")


def log(name: str) -> FilteringBoundLogger:
    """A logger; `name` is the module's."""
    return cast(FilteringBoundLogger, structlog.get_logger(module=name))


def configure_log(settings: Settings, service: str) -> None:
    """Sends all lines of this process to stderr, each with its service."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _processors(service)
    renderer = _renderer(settings)
    structlog.configure(
        processors=[*shared, structlog.processors.ExceptionRenderer(), hide_secrets, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_libraries(shared, renderer)


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


def _route_libraries(shared: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(sys.stderr)
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
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def _name_module(_: object, __: str, event: EventDict) -> Mapping[str, Any]:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["module"] = record.name
    return event


def hide_secrets(_: object, __: str, event: EventDict) -> EventDict:
    """Takes passwords out of URLs and connection strings that found their way into a line."""
    for key, value in event.items():
        if isinstance(value, str) and ("@" in value or "=" in value):
            event[key] = without_passwords(value)
    return event


def without_passwords(text: str) -> str:
    """The text with each password in a URL or a connection string replaced by stars."""
    text = PASSWORD_IN_URL.sub(r"\1***@", text)
    return PASSWORD_IN_CONNECTION_STRING.sub(r"\1***", text)
