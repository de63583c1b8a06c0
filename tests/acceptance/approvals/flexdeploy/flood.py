"""An approval among a hundred messages of spam, which a poll reads thirty by thirty."""

from __future__ import annotations

from typing import Any

from tests.acceptance.approvals.mail_programs import answer, outlook
from tests.acceptance.approvals.office import ADA, ADDRESS, Office
from tests.processes.pipeline import letter

SPAM = 100
# Of the spam: the third poll finds the answer.
BEFORE = 70
COMMENT = "The backup is done."


def decide_among_spam(office: Office, *, passes: bool | None) -> dict[str, Any]:
    """Asks for an approval and lets it be given amid a flood; returns the request as it is then.

    `passes` is what the mail server states about senders; see `Office.put`.
    """
    office.pipeline.start(["parser", "handler", "sender"])
    key = office.ask("Deploy 4.2 to production", ADA, deadline="2d", field="Version=4.2").key
    approval = answer(office.request_to(ADA, key), ADA, f"Approve. {COMMENT}", outlook)
    for number in range(SPAM):
        if number == BEFORE:
            office.put(approval, passes=passes)
        office.put(spam(number), passes=passes)
    office.pipeline.start(["fetcher"])
    office.wait_for_state(key, "decided")
    office.settle()
    assert office.state(key) == ("decided", "approve")
    # Nothing is lost, and spam has no effect.
    assert office.outcomes() == {"approval": 1, "ignored": SPAM}
    assert office.pipeline.value("SELECT count(*) FROM issue") == 0
    assert office.refused(key) == []
    office.require_whole_ledger()
    shown = office.show(key)
    assert [one["comment"] for one in shown["approvers"]] == [COMMENT]
    return shown


def spam(number: int) -> bytes:
    """Returns a message that is no answer to anything."""
    return letter(
        f"Re: Approve offer {number}",
        sender=f"seller{number}@spam.test",
        to=ADDRESS,
        message_id=f"<offer-{number}@spam.test>",
        text="Yes\r\n\r\nApprove this offer now.\r\n",
    )
