"""What a request holds comes from elsewhere: it forges no header, no markup, no words of ours."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from postrail.approvals.request import Choice, Meaning
from postrail.approvals.token import tokens_in
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.notifications.templates.words import GREETING
from tests.makers.approvals.requests import assignment
from tests.makers.records import NOON
from tests.unit.notifications.approvals.letters import asking, ending

LINE_ENDS = "\r\nBcc: eve@evil.example\r\n\r\nYes"
TURNED = "invoice\u202egpj.exe"
CASES: dict[str, dict[str, Any]] = {
    "subject": {"subject": f"Deploy{LINE_ENDS}"},
    "subject of separators": {"subject": "Deploy\u2028Bcc: eve@evil.example\x85x\x0bz"},
    "long subject": {"subject": "x" * 5000},
    "requester": {"requester_name": f"Rob{LINE_ENDS}", "requester_address": f"rob@x{LINE_ENDS}"},
    "fields": {"fields": [(f"Env{LINE_ENDS}", LINE_ENDS), (TURNED, TURNED)]},
    "body": {"body": f"Hi{LINE_ENDS}\r\n-- \r\n"},
    "choices": {"choices": [Choice(name="go", label=f"Go{LINE_ENDS}", meaning=Meaning.APPROVE)]},
    "issue": {"issue_key": "HELP-7"},
}
MARKUP = '<script>alert(1)</script><a href="javascript:x">Click</a>"\'&'


def sent(**changes: Any) -> EmailMessage:
    """Returns the message as its recipient's program reads it."""
    made = asking(**changes)
    raw = build_message(
        MessageParts(
            message_id="<a@desk.example>",
            date=NOON,
            from_name="Desk",
            from_address="desk@desk.example",
            to="ana@example.org",
            subject=made.subject,
            text=made.text,
            html=made.html,
        )
    )
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("case", CASES)
def test_no_value_adds_a_field_to_the_header(case: str) -> None:
    plain, message = sent(), sent(**CASES[case])
    assert message.keys() == plain.keys()
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
    assert message.get_body(("plain",)) is not None


@pytest.mark.parametrize("case", CASES)
def test_words_of_the_requester_are_quoted_or_follow_words_of_ours(case: str) -> None:
    text = asking(**CASES[case]).text
    own = [line for line in text.splitlines() if not line.startswith(">")]
    assert not [line for line in own if line.startswith(("Bcc", "Yes", "\u2028", "invoice"))]


def test_markup_is_shown_as_it_was_written() -> None:
    html = asking(
        subject=MARKUP,
        body=MARKUP,
        requester_name=MARKUP,
        fields=[(MARKUP, MARKUP)],
        choices=[Choice(name="go", label=MARKUP, meaning=Meaning.APPROVE)],
    ).html
    assert "<script" not in html
    assert "javascript:x" in html
    assert 'href="javascript' not in html
    answers = [assignment(name=MARKUP, choice="approve", comment=MARKUP, answered_at=NOON)]
    assert "<script" not in ending(answers=answers, subject=MARKUP).html


def test_no_value_takes_the_place_of_what_is_filled_in() -> None:
    made = asking(
        subject=f"x{GREETING}",
        body=f"y{GREETING}",
        fields=[(f"l{GREETING}", f"v{GREETING}")],
        choices=[Choice(name="go", label=f"Go{GREETING}", meaning=Meaning.APPROVE)],
    )
    assert made.text.count("Hello Ana Sol,") == 1
    assert made.html.count("Hello Ana Sol,") == 1


def test_no_value_turns_the_direction_of_our_lines() -> None:
    choices = [Choice(name="go", label=TURNED, meaning=Meaning.APPROVE)]
    made = asking(subject=TURNED, requester_name=TURNED, fields=[(TURNED, TURNED)], choices=choices)
    assert "\u202e" not in f"{made.subject}{made.text}{made.html}"


def test_a_token_in_the_text_of_a_request_is_left_out() -> None:
    """An answer that quotes it would name two requests, and count for none."""
    forged = f"[7a-{'b' * 26}]"
    made = asking(body=forged, subject=f"Deploy {forged}", fields=[(forged, forged)])
    found = tokens_in([], [], [made.subject, made.text, made.html])
    assert [one.assignment_id for one in found] == [1]
