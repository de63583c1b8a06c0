"""What is a bounce, a complaint or a probe, and what only looks like one."""

from __future__ import annotations

import json

import pytest

from services.parser.parse import parse
from tests.makers.parsing import kind_of_message

PERSON = "Ann <ann@cust.example>"
NOTICE = "Your message could not be delivered:\n\n<bob@cust.example>: 550 5.1.1 unknown\n"
CARRIER = (
    "Error: this number is not in use\n\n550 - no such user\n\nMAIL FROM: me@desk.example\n"
    "RCPT TO: 5550100@carrier.example\n"
)
REPORT = (
    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nLook at this.\n--b\n"
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; b.example\n\n"
    "Final-Recipient: rfc822; bob@cust.example\nAction: {action}\nStatus: {status}\n--b--\n"
)


@pytest.mark.parametrize(
    ("sender", "subject", "text", "kind"),
    [
        ("admin@b.example", "Undelivered mail", NOTICE, "bounce"),
        (
            "gateway@b.example",
            "Delivery failure notification",
            "Your message with Subject: Quote\ncould not be delivered to the following recipients:"
            "\n\nbob@cust.example\n\nDo not resend it.",
            "bounce",
        ),
        (
            "service@parcel.example",
            "Unzustellbar: Paket 17",
            "Das Paket konnte nicht zugestellt werden.\nEmpfänger: bob@cust.example",
            "human",
        ),
        # The words of a URL, an address, a host's name or the other server are not the notice's.
        ("mx@b.example", "Undeliverable: x", f"{NOTICE}See https://b.example/our/?p=1", "bounce"),
        ("mx@b.example", "Undeliverable: x", f"{NOTICE}See www.b.example/help/?id=1", "bounce"),
        (
            "mx@b.example",
            "Undeliverable: x",
            "Your message could not be delivered:\n\n<our-team@me.example>: mx.us.example said:\n"
            "    550-5.7.1 Our system has detected\n    that my.host sends us spam.",
            "bounce",
        ),
        (PERSON, "Undelivered mail", f"{NOTICE}\nWhat is https://b.example/1?", "human"),
        (PERSON, "Undelivered mail", f"{NOTICE.strip()}. Can you help?", "human"),
        # A person forwards, quotes or asks about a bounce, or writes about a parcel.
        (PERSON, "Fwd: Undelivered mail", NOTICE, "human"),
        (PERSON, "WG: Unzustellbar: Angebot", NOTICE, "human"),
        (PERSON, "Re: Undelivered mail", NOTICE, "human"),
        (PERSON, "Undelivered mail", f"{NOTICE}\nWhat does that mean?", "human"),
        (PERSON, "Undelivered mail", f"I got this:\n{NOTICE}", "human"),
        (PERSON, "Unzustellbar", f"Das kam zurück, danke für Hilfe:\n{NOTICE}", "human"),
        (PERSON, "Parcel undeliverable", "The parcel for bob@cust.example came back.", "human"),
        (PERSON, "Delivery failed", "The van broke down. Call 550 1234, bob@cust.example", "human"),
        # A monitor sends lines of a log.
        (
            "monitor@cust.example",
            "Delivery problem",
            "mx postfix/smtp[7]: 4B: to=<bob@cust.example>, status=bounced (said: 550 5.1.1 no)",
            "human",
        ),
        (
            PERSON,
            "Undelivered mail",
            f"See below.\n\nFrom: Mail Delivery System <MAILER-DAEMON@b.example>\nSent: Monday\n"
            f"Subject: Undelivered mail\n\n{NOTICE}",
            "human",
        ),
        (PERSON, "mail delivery failed", f"Bob got nothing.\nIt came back:\n\n{NOTICE}", "human"),
        (
            PERSON,
            "Delivery failure",
            "Order 7 delivery failed twice. Address: bob@cust.example. Reason: 550 Nobody at home",
            "human",
        ),
        (
            "no-reply@shop.example",
            "Re: Order",
            "It could not be delivered.\n550 Main Street\nCustomer: bob@cust.example",
            None,
        ),
        # A ticket quotes a bounce.
        ("notices@forge.example", "Mail delivery failed", f"Missed:\n```\n{NOTICE}```", "human"),
        ("Ann <ann@cust.example>", "Delivery failed", f"> {NOTICE}> 550 5.1.1 no", "human"),
        ("post_master@carrier.example", "Re: Order", CARRIER, "bounce"),
        (
            "noreply@carrier.example",
            "AW: Auftrag",
            "Nachricht nicht zustellbar\nAntwort: 550 5.1.1 unbekannt\n"
            "Empfänger: 5550100@carrier.example\n",
            "bounce",
        ),
        ("no-reply@carrier.example", "Re: Order", CARRIER, "bounce"),
        (
            "mms-gateway@carrier.example",
            "Re: Order",
            "This subscriber belongs to nobody\nServer: 550 rejected\n"
            "Number: 5550100@carrier.example",
            "bounce",
        ),
        (
            "notifications@shop.example",
            "Re: Order",
            "You have 450 points.\nAccount: bob@cust.example",
            "human",
        ),
        (PERSON, "Re: Order", CARRIER, "human"),
        ("no-reply@shop.example", "Re: Order", "Order 550 - no user for bob@cust.example", None),
    ],
)
def test_a_notice_or_a_message_about_one(
    sender: str, subject: str, text: str, kind: str | None
) -> None:
    found = kind_of_message(text, From=sender, Subject=subject)
    assert found == kind if kind else found != "bounce"


def test_an_answer_of_a_carrier_belongs_to_a_conversation() -> None:
    found = kind_of_message(
        CARRIER, From="no-reply@carrier.example", Subject="Re: x", In_Reply_To="<o@desk.example>"
    )
    assert found == "bounce"


@pytest.mark.parametrize(
    ("head", "action", "kind"),
    [
        ("From: postmaster@b.example\nSubject: x\n", "failed", "bounce"),
        ("From: postmaster@b.example\nSubject: Fwd: x\n", "failed", "bounce"),
        # Mail programs forward a bounce with all its parts.
        (f"From: {PERSON}\nSubject: Fwd: Undelivered\n", "failed", "human"),
        (f"From: {PERSON}\nSubject: TR: Non remis\n", "failed", "human"),
        ("From: postmaster@b.example\nSubject: x\n", "delivered", "receipt"),
        ("From: postmaster@b.example\nSubject: x\n", "deliverable", "probe"),
        (
            "From: postmaster@b.example\nSubject: Mail Delivery Status Report\n",
            "undeliverable",
            "probe",
        ),
        ("From: postmaster@b.example\nSubject: Returned mail\n", "undeliverable", "bounce"),
    ],
)
def test_a_report(head: str, action: str, kind: str) -> None:
    mail = parse((head + REPORT.format(action=action, status="5.1.1")).encode())
    assert mail.kind.name == kind
    assert (mail.bounce is None) == (kind != "bounce")


@pytest.mark.parametrize(
    ("sender", "text", "kind"),
    [
        # A program forwards a person's mail with a return path of its own.
        (PERSON, f"Hello team,\n\nI get this back:\n\n{NOTICE}\nWhat can I do?\nAnn", "human"),
        (PERSON, f"{NOTICE}\nKannst du mir helfen? Danke", "human"),
        (PERSON, "The invoice is wrong. Can you correct it?", "human"),
        ("Mail <mx@b.example>", NOTICE, "bounce"),
        ("MAILER-DAEMON@b.example", f"Hi. I'm afraid my try failed.\n{NOTICE}", "bounce"),
    ],
)
def test_a_mail_that_a_program_forwards(sender: str, text: str, kind: str) -> None:
    fields = {"Return_Path": "<mailer-daemon@b.example>", "From": sender}
    assert kind_of_message(text, **fields, Subject="Undelivered mail, help") == kind


def test_exchange_marks_its_bounces() -> None:
    fields = {"From": PERSON, "X_MS_Exchange_Message_Is_Ndr": ""}
    assert kind_of_message("x", **fields) == "bounce"


SES = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [
            {
                "emailAddress": "bob@cust.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 unknown",
            }
        ],
    },
    "mail": {"source": "me@desk.example", "destination": ["bob@cust.example"]},
}
MAILGUN = {
    "event-data": {
        "event": "failed",
        "severity": "temporary",
        "recipient": "bob@cust.example",
        "delivery-status": {"code": 452, "message": "452 4.2.2 full"},
    }
}
EVENTS = [
    {"event": "bounce", "email": "bob@cust.example", "status": "5.1.1", "reason": "550 unknown"},
    {"event": "bounce", "email": "eve@cust.example", "type": "blocked", "reason": "550 5.7.1 no"},
]


@pytest.mark.parametrize(
    ("notice", "recipients"),
    [
        (SES, [("bob@cust.example", "failed", "5.1.1", True)]),
        # In a notice of SNS.
        (
            {"Type": "Notification", "Message": json.dumps(SES)},
            [("bob@cust.example", "failed", "5.1.1", True)],
        ),
        (
            {"event": "bounce", "email": "Bob <bob@cust.example>", "reason": "550 5.1.1 no"},
            [("bob@cust.example", "failed", "5.1.1", True)],
        ),
        (MAILGUN, [("bob@cust.example", "failed", "4.2.2", False)]),
        (
            EVENTS,
            [
                ("bob@cust.example", "failed", "5.1.1", True),
                ("eve@cust.example", "failed", "5.7.1", True),
            ],
        ),
        (
            {
                "eventType": "DeliveryDelay",
                "deliveryDelay": {"delayedRecipients": [{"emailAddress": "bob@cust.example"}]},
            },
            [("bob@cust.example", "delayed", "", False)],
        ),
    ],
)
def test_a_notice_in_json(notice: object, recipients: list[tuple[str, str, str, bool]]) -> None:
    text = f"{json.dumps(notice)}\n\n--\nTo stop these notices, use the console.\n"
    mail = parse(f"From: no-reply@sns.example\nSubject: Notice\n\n{text}".encode())
    assert mail.kind.name == "bounce"
    assert mail.bounce is not None
    found = [(one.address, one.action, one.status, one.hard) for one in mail.bounce.recipients]
    assert found == recipients


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        # Also when a mail program wraps its lines.
        (
            '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAd\ndress":\n"a@b.c"}]}}',
            "bounce",
        ),
        ('{"notificationType":"Complaint","complaint":{}}', "feedback"),
        ('{"notificationType":"Delivery","delivery":{}}', "receipt"),
        ('{"status": "5.1.1", "event": "login"}', "human"),
        ('{"notificationType":"Bounce"', "human"),
        ("{" * 100_000, "human"),
        ("[" * 100_000, "human"),
        # Events of other programs.
        ('{"event":"delivery","recipient":"bob@cust.example"}', "human"),
        ('[{"type":"failed","to":"bob@cust.example"}]', "human"),
        # A person asks about one.
        ('{"notificationType":"Bounce","bounce":{}}\n\nWhat can we do?', "human"),
        ('We got this: {"notificationType":"Bounce"}. What now?', "human"),
    ],
)
def test_json_that_is_a_notice(text: str, kind: str) -> None:
    assert kind_of_message(text, From=PERSON) == kind


def test_a_notice_whose_own_type_is_json() -> None:
    mail = parse(
        b"From: no-reply@sns.example\nSubject: Notice\nMIME-Version: 1.0\n"
        b"Content-Type: application/json\n\n" + json.dumps(SES).encode()
    )
    assert mail.kind.name == "bounce"
    assert mail.bounce is not None
    assert [one.status for one in mail.bounce.recipients] == ["5.1.1"]


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("Delivery Status Notification (Success)", "Delivered to bob@cust.example.", "receipt"),
        ("Delivered: Quote", "It was delivered to bob@cust.example", "receipt"),
        ("Delivery Status Notification (Failure)", "It was not delivered", "bounce"),
        ("Niedostarczalna", "Wiadomość nie została dostarczona: bob@cust.example", "bounce"),
        ("Недоставено", "Писмото не е доставено: bob@cust.example", "bounce"),
        ("Nedoručeno", "Zpráva nebyla doručena: bob@cust.example", "bounce"),
    ],
)
def test_a_report_of_success_in_words(subject: str, text: str, kind: str) -> None:
    assert kind_of_message(text, From="postmaster@b.example", Subject=subject) == kind
