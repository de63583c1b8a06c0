"""Messages without a text have words of their own, and nobody is quoted our notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.message_parts import Attachment
from postrail.notifications.events import COMMENTED, ISSUE_CREATED
from postrail.notifications.phrases import phrases_in
from postrail.notifications.said import TOO_LARGE, is_note_of_size, said, shown_size
from services.parser.parse import parse
from services.parser.record import record_maker
from tests.makers.parsing import fetched
from tests.makers.records import calendar_event, mail_parsed
from tests.unit.notifications.written import written


def attached(name: str, content_type: str) -> Attachment:
    return Attachment(
        name=name,
        content_type=content_type,
        size=1,
        sha256="a",
        content_id=None,
        inline=False,
    )


PICTURE, REPORT = attached("fire.png", "image/png"), attached("report.pdf", "application/pdf")
NOTE = "[This mail of 50,000,000 bytes is larger than the mailbox info allows …]"


@pytest.mark.parametrize(
    ("changes", "body", "expected"),
    [
        ({}, "It burns.", "It burns."),
        ({}, " \n", "(The message has no text.)"),
        ({"attachments": [PICTURE]}, "", "(The message has no text, only pictures: fire.png)"),
        (
            {"attachments": [PICTURE, REPORT]},
            "",
            "(The message has no text, only files: fire.png, report.pdf)",
        ),
        (
            {"attachments": [PICTURE] * 7},
            "",
            "(The message has no text, only pictures: " + "fire.png, " * 5 + "+2)",
        ),
        (
            {"events": [calendar_event(summary="Planning")]},
            "",
            "(The message is an invitation: Planning)",
        ),
        # our internal note about a message that was not fetched is not quoted
        (
            {"defects": [TOO_LARGE], "size": 50_000_000},
            NOTE,
            "(The message was too large to read: 50 MB. Its subject and sender arrived; for files"
            " of this size, ask us for another way.)",
        ),
    ],
)
def test_what_stands_in_the_place_of_a_text(
    changes: dict[str, Any], body: str, expected: str
) -> None:
    mail = mail_parsed(**{"text": body, **changes})
    assert said(mail, body, phrases_in("en")) == expected
    for event in (ISSUE_CREATED, COMMENTED):
        made = written(event, body, max_characters=1000, mail=mail)
        assert expected in made.text
        assert "larger than the mailbox" not in f"{made.text}{made.html}"


def test_the_parser_says_so_of_a_message_that_was_too_large() -> None:
    with open(record_maker.__file__, encoding="utf-8") as source:  # noqa: PTH123
        assert f'"{TOO_LARGE}"' in source.read()


def test_its_text_is_known_as_our_note_in_a_comment() -> None:
    arrived = replace(fetched(b"Subject: Fire\r\n\r\n"), size=50_000_000)
    text = record_maker.header_only(parse(b"Subject: Fire\r\n\r\n"), arrived).content.text
    assert is_note_of_size(text)
    assert not is_note_of_size(f"You wrote: {text}")


def test_nothing_stands_above_nothing() -> None:
    assert "You wrote" not in written(ISSUE_CREATED, "").text


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 KB"), (50_000_000, "50 MB")],
)
def test_sizes(size: int, shown: str) -> None:
    assert shown_size(size) == shown
