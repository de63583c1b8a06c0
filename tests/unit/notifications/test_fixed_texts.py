"""The fixed texts of messages about no issue: words that came by mail stay in their lines."""

from __future__ import annotations

import pytest

from postrail.message_parts import Address
from postrail.notifications.fixed_texts import Told, forwarded, told
from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.templates.render import rendered
from tests.makers.records import mail_parsed

BY = "mail handler desk"


def of(outcome: str, issue_key: str = "", reason: str = "no known conversation") -> Told:
    return Told(by=BY, reason=reason, outcome=outcome, issue_key=issue_key)


@pytest.mark.parametrize(
    ("given", "subject", "became"),
    [
        (of("issue", "HELP-1"), "[HELP-1] Printer on fire", "It became issue HELP-1."),
        (of("comment", "HELP-1"), "[HELP-1] Printer on fire", "It became a comment on HELP-1."),
        (of("forwarded"), "Printer on fire", "It became no issue and no comment."),
        (of("failed"), "Printer on fire", "It could not be handled."),
        (of("noted", "HELP-1"), "[HELP-1] Printer on fire", "Its outcome is: noted."),
    ],
)
def test_a_letter_names_who_sends_it_the_issue_and_the_reason(
    given: Told, subject: str, became: str
) -> None:
    forward = rendered(forwarded(mail_parsed(), given, ENGLISH))
    notice = rendered(told(mail_parsed(), given, ENGLISH))
    assert (forward.subject, notice.subject) == (f"Fwd: {subject}", f"Postrail: {subject}")
    for letter in (forward, notice):
        assert letter.text.startswith("Mail handler desk ")
        assert f"{became}\n\nReason: no known conversation\n" in letter.text


def test_words_of_a_stranger_make_no_line_of_their_own() -> None:
    reason = "bulk: Precedence: bulk\nMailbox: forged"
    mail = mail_parsed(
        subject="Fire\r\nBcc: x\x1b[2J\u2028y", sender=Address(name="", address="a\n@b.example")
    )
    letter = rendered(told(mail, of("issue", "HELP-1", reason), ENGLISH))
    assert letter.subject == "Postrail: [HELP-1] Fire Bcc: x [2J y"
    assert "\nSubject: Fire Bcc: x [2J y\n" in letter.text
    assert "\nReason: bulk: Precedence: bulk Mailbox: forged\n" in letter.text
    assert "\nFrom: a @b.example\n" in letter.text
