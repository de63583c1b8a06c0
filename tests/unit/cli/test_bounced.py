"""The recipients of a bounce in words that people understand."""

from __future__ import annotations

import pytest

from postrail.message_parts import BouncedRecipient
from services.cli.bounced import bounced_lines


@pytest.mark.parametrize(
    ("action", "status", "hard", "reason", "line"),
    [
        ("failed", "5.1.1", True, "550 5.1.1 no", "failed for good: a@b.example (5.1.1)"),
        ("failed", "5.0.0", True, "550 no", "failed for good: a@b.example (5.0.0)"),
        ("failed", "4.4.1", False, "", "failed, may work again later: a@b.example (4.4.1)"),
        ("failed", "5.2.2", False, "", "failed, may work again later: a@b.example (5.2.2)"),
        ("delayed", "4.7.0", False, "", "delayed, will be tried again: a@b.example (4.7.0)"),
        ("delayed", "", False, "", "delayed, will be tried again: a@b.example"),
        # Without a code it is not hard, and the status is only what the words mean.
        ("failed", "5.1.1", False, "unknown user", "failed: a@b.example (by its words 5.1.1)"),
        # A service calls a code of class 5 temporary.
        ("failed", "5.3.4", False, "552 5.3.4 no", "failed: a@b.example (5.3.4)"),
        ("failed", "", False, "sorry", "failed: a@b.example"),
        ("undeliverable", "5.1.1", True, "", "undeliverable: a@b.example (5.1.1)"),
    ],
)
def test_a_recipient_in_words(action: str, status: str, hard: bool, reason: str, line: str) -> None:
    one = BouncedRecipient(
        address="a@b.example",
        action=action,
        status=status,
        status_class=status[:1],
        hard=hard,
        reason=reason,
    )
    assert bounced_lines([one], "") == [f"{line}; {reason}" if reason else line]


def test_a_bounce_without_an_address() -> None:
    assert bounced_lines([], "5.1.1") == ["no address found (5.1.1)"]
    assert bounced_lines([], "") == ["no address found"]
    assert bounced_lines([], None) == []
