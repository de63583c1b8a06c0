"""Notices of sending services as JSON, and the JSON of other programs."""

from __future__ import annotations

import json

import pytest

from services.parser.parse import parse
from tests.makers.parsing import kind_of_message

BOB = "bob@cust.example"
FORM = {"name": "Ann", "email": "ann@cust.example", "message": "450 lamps are broken."}


@pytest.mark.parametrize("sender", ["Shop <noreply@shop.example>", "Ann <ann@cust.example>"])
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "complaint", **FORM},
        {"Type": "Complaint", **FORM, "complaint": "It is broken."},
        {"eventType": "complaint", **FORM},
        {"event": "bounced", "order": 4711, "cheque": "bounced", **FORM},
        {"event": "bounce", "reason": "no money", "to": "ann@cust.example"},
        {"type": "bounce", "status": "open", "description": "550 Main Street"},
        {"event": "complained", "customer": FORM},
        {"event": "contact", "metadata": {"event": "bounce", "sg_event_id": "1"}},
    ],
)
def test_forms_and_events_of_other_programs_are_no_notices(
    fields: dict[str, object], sender: str
) -> None:
    found = kind_of_message(json.dumps(fields), From=sender, Subject="Form")
    assert found not in ("bounce", "feedback", "receipt")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"event": "bounce", "email": BOB, "sg_event_id": "1", "reason": "unknown"}, "bounce"),
        ({"event": "bounce", "email": BOB, "reason": "550 unknown"}, "bounce"),
        ({"event": "bounce", "email": BOB, "status": "5.1.1"}, "bounce"),
        ({"event": "complained", "recipient": BOB, "log-level": "warn"}, "feedback"),
        ({"RecordType": "Bounce", "MessageStream": "outbound", "Email": BOB}, "bounce"),
        ({"msys": {"message_event": {"type": "bounce", "rcpt_to": BOB}}}, "bounce"),
        ({"event": "hard_bounce", "msg": {"email": BOB, "diag": "smtp;550 no"}}, "bounce"),
        ({"eventType": "Complaint", "complaint": {}, "mail": {}}, "feedback"),
    ],
)
def test_the_notices_of_services(fields: dict[str, object], kind: str) -> None:
    text = json.dumps(fields)
    assert kind_of_message(text, From="noreply@service.example", Subject="Event") == kind


MAILGUN = {
    "event": "failed",
    "severity": "permanent",
    "recipient": BOB,
    "delivery-status": {"code": 550, "message": "5.1.1 unknown"},
    "message": {"headers": {"to": f"Alice <alice@cust.example>, {BOB}"}},
    "user-variables": {"email": "clerk@desk.example"},
}
MANDRILL = {
    "event": "hard_bounce",
    "msg": {"email": BOB, "diag": "smtp;550 5.1.1", "metadata": {"email": "clerk@desk.example"}},
}
SENDGRID = {
    "event": "bounce",
    "email": BOB,
    "status": "5.1.1",
    "unique_args": {"to": "clerk@desk.example"},
}


@pytest.mark.parametrize("notice", [{"event-data": MAILGUN}, MANDRILL, [SENDGRID]])
def test_addresses_in_copies_of_the_message_are_no_recipients(notice: object) -> None:
    head = "From: noreply@service.example\nSubject: Event\n\n"
    mail = parse((head + json.dumps(notice)).encode())
    assert mail.bounce is not None
    found = [(one.address, one.status) for one in mail.bounce.recipients]
    assert found == [(BOB, "5.1.1")]


@pytest.mark.parametrize(
    "below",
    ["This came in for the customer Miller. Please stop the mailing.", "Bitte prüfen.\n\nAnn"],
)
def test_a_person_sends_a_notice_on(below: str) -> None:
    text = json.dumps([SENDGRID]) + f"\n\n{below}"
    assert kind_of_message(text, From="Ann <ann@cust.example>", Subject="webhook") == "human"
