"""Tests which refusals are about a message's size, and whose limit it is."""

from __future__ import annotations

import pytest

from postrail.courier import Answer, State
from services.sender.message_size import is_mailbox_size_refusal, is_size_refusal


@pytest.mark.parametrize(
    ("reply", "by_server", "by_mailbox"),
    [
        # Postfix, Exchange, and Exim, which has no enhanced codes.
        ("552 5.3.4 Message size exceeds fixed limit", True, False),
        ("554 5.3.4 Message too big for system", True, False),
        ("552 Message size exceeds maximum permitted", True, False),
        # Gmail and Exchange, of a recipient.
        ("552 5.2.3 Your message exceeded Google's message size limits", False, True),
        (
            "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
            False,
            True,
        ),
        # Others: the mailbox is full, an attachment is forbidden, the text has such a number.
        ("552 5.2.2 mailbox full", False, False),
        ("552 5.7.0 This message was blocked because of its content", False, False),
        ("550 5.1.1 no such user, see 5.3.4", False, False),
    ],
)
def test_replies(reply: str, by_server: bool, by_mailbox: bool) -> None:
    answer = Answer(recipient="ann@x.org", state="failed", reply=reply)

    assert is_size_refusal(answer) == by_server
    assert is_mailbox_size_refusal(answer) == by_mailbox


@pytest.mark.parametrize("state", ["sent", "deferred", "unknown"])
def test_only_a_refusal_counts(state: State) -> None:
    for status in ("5.3.4", "5.2.3"):
        answer = Answer(recipient="ann@x.org", state=state, reply=f"552 {status} too large")
        assert not is_size_refusal(answer)
        assert not is_mailbox_size_refusal(answer)
