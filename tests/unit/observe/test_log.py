"""Tests the lines of the log, and that secrets stay out of them."""

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from postrail.observe.log import SeldomFilter, configure_log, log, without_passwords
from postrail.settings import Settings


class Lines:
    """The lines that were logged so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield Lines(capsys)
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["json", "console"] = "json",
) -> None:
    configure_log(Settings(log_level=level, log_format=form), "parser")


def test_a_line_is_json_with_what_happened(lines: Lines) -> None:
    configure()
    log("postrail.x").info("parsed", mail_id="7", mailbox="support")
    (event,) = lines.events
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "parsed",
        "level": "info",
        "module": "postrail.x",
        "service": "parser",
        "mail_id": "7",
        "mailbox": "support",
    }


def test_a_terminal_gets_text(lines: Lines) -> None:
    configure(form="console")
    log("postrail.x").info("parsed", mailbox="support")
    assert "parsed" in lines.text
    assert "mailbox=support" in lines.text


def test_lines_below_the_level_are_left_out(lines: Lines) -> None:
    configure("warning")
    log("postrail.x").info("parsed")
    assert lines.text == ""


def test_lines_of_libraries_are_included_from_warnings_upwards(lines: Lines) -> None:
    configure("debug")
    logging.getLogger("kafka.client").info("hello")
    logging.getLogger("kafka.client").warning("no answer from %s", "127.0.0.1:9092")
    (event,) = lines.events
    assert event["event"] == "no answer from 127.0.0.1:9092"
    assert event["module"] == "kafka.client"
    assert event["service"] == "parser"
    assert event["level"] == "warning"


def test_an_error_is_one_line_too(lines: Lines) -> None:
    configure()
    try:
        raise ValueError("postgresql://u:hidden@host/db")
    except ValueError:
        log("postrail.x").error("failed", exc_info=True)
    (event,) = lines.events
    assert "ValueError" in event["exception"]
    assert "hidden" not in lines.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://user:pa:ss@host/db", "postgresql://user:***@host/db"),
        ("host=h password=secret user=u", "host=h password=*** user=u"),
        ("password='with space' user=u", "password=*** user=u"),
        ("to joe@example.org over smtp://host:25", "to joe@example.org over smtp://host:25"),
    ],
)
def test_passwords_are_taken_out(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_passwords_are_taken_out_of_library_lines(lines: Lines) -> None:
    configure()
    logging.getLogger("psycopg.pool").warning("cannot connect to %s", "postgresql://u:hidden@h/d")
    assert "hidden" not in lines.text


def test_a_repeated_line_of_a_library_is_shown_seldom() -> None:
    seconds = [0.0]
    seldom = SeldomFilter(every_seconds=30, monotonic=lambda: seconds[0])

    def shown(message: str) -> bool:
        return seldom.filter(logging.LogRecord("kafka", 30, "", 1, message, (), None))

    assert shown("no answer")
    assert not shown("no answer")
    assert shown("another thing")
    seconds[0] = 31
    assert shown("no answer")


@pytest.mark.parametrize("form", ["json", "console"])
def test_lines_that_a_full_disk_has_cost_are_reported(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, form: Literal["json", "console"]
) -> None:
    class Disk(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    disk = Disk()
    monkeypatch.setattr(sys, "stderr", disk)
    configure(form=form)
    log("postrail.x").info("parsed", mail_id="7")
    logging.getLogger("kafka").warning("no broker")
    disk.full = False
    log("postrail.x").info("parsed", mail_id="8")
    text = disk.getvalue()
    if form == "console":
        assert "log lines lost" in text
        assert "lines=2" in text
        return
    lost, parsed = (json.loads(line) for line in text.splitlines() if line)
    assert (lost["event"], lost["lines"], lost["level"]) == ("log lines lost", 2, "warning")
    assert (lost["service"], parsed["mail_id"]) == ("parser", "8")
