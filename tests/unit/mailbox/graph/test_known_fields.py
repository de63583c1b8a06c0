"""What Graph tells of a message is kept, also where it has another form than it should."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.mailbox import KnownFields
from postrail.mailbox.graph.known_fields import LONGEST_FIELD, known_fields

CASES = [
    (
        {
            "subject": "Printer",
            "from": {"emailAddress": {"address": "ada@example.net"}},
            "internetMessageId": "<1@example.org>",
        },
        KnownFields("Printer", "ada@example.net", "<1@example.org>"),
    ),
    ({}, KnownFields()),
    ({"subject": None, "from": None, "internetMessageId": ""}, KnownFields()),
    ({"subject": 7, "from": {"emailAddress": []}, "internetMessageId": []}, KnownFields()),
    ({"subject": "x" * 5000}, KnownFields("x" * LONGEST_FIELD)),
]


@pytest.mark.parametrize(("message", "known"), CASES)
def test_keeps_the_fields_that_are_text(message: dict[str, Any], known: KnownFields) -> None:
    assert known_fields(message, None) == known
