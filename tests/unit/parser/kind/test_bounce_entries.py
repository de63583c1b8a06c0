"""Bounces in prose: which addresses are recipients, and what is said about each."""

from __future__ import annotations

import pytest

from services.parser.parse import parse
from tests.makers.parsing import bounced

BOB = ("bob@cust.example",)


@pytest.mark.parametrize(
    ("text", "recipients"),
    [
        # Addresses in the reply of the other server: a sender, a contact, an id, a new address.
        (
            "<bob@cust.example>: host mx said: 550 5.7.1\n    <me-bounces@desk.example>: denied,"
            " ask\n    admin@cust.example (in reply to MAIL FROM)",
            BOB,
        ),
        (
            "Could not be delivered to bob@cust.example.\n\n550 5.7.1 <x@list.example> rejected",
            BOB,
        ),
        ("<bob@cust.example>:\n551 User not local; try <robert@new.example>", BOB),
        (
            "could not be delivered:\n  bob@cust.example\n    550 id=1Abc@mx.cust.example rejected"
            "\n    see help@cust.example",
            BOB,
        ),
        # The sender that was refused.
        ("It was not delivered, as bob@cust.example takes no mail from x@list.example", BOB),
        # Only the reply names the recipient.
        (" ----- Transcript -----\n>>> DATA\n<<< 550 5.1.1 <bob@cust.example>... unknown", BOB),
        # Contacts.
        (
            "Delivery to bob@cust.example failed permanently.\nFor help, contact it@cust.example.",
            BOB,
        ),
        ("It failed: bob@cust.example\n\nFor questions, please contact\nit@cust.example", BOB),
        # Not a contact: it stands before the offer of more information.
        ("Your message to bob@cust.example was blocked. For more questions, see below.", BOB),
        # The message also went to others.
        ("Undeliverable\n\nTo: bob@cust.example\nCc: eve@cust.example\nError: 550 5.1.1 no", BOB),
        # The sender in the envelope.
        ("Delivery failed.\nMAIL FROM: x@list.example\nRCPT TO: bob@cust.example\n550 no", BOB),
        # The returned header, also indented or without a space after the colon.
        (
            "Failed: bob@cust.example 550 5.1.1 unknown\n\nReceived:from a by b\n"
            "Message-ID:<1.2@desk.example>\nFrom:<x@list.example>\nTo:<bob@cust.example>",
            BOB,
        ),
        # The sender of the notice.
        ("Not delivered:\nbob@cust.example\n\n--\nMAILER-DAEMON@b.example", BOB),
        # Role addresses, too, may fail.
        ("<support@cust.example>: host mx said:\n    550 no mailbox", ("support@cust.example",)),
        ("<postmaster@cust.example>:\n550 5.1.1 unknown", ("postmaster@cust.example",)),
        # Addresses that were expanded count once, as the sender used them.
        (
            "These failed:\n\n  bob@in.example\n    (generated from all@cust.example)\n    550 no\n"
            "  eve@in.example\n    (ultimately generated from all@cust.example)\n    550 no",
            ("all@cust.example",),
        ),
        (
            "<bob@in.example> (expanded from <all@cust.example>): 550 5.1.1 unknown",
            ("all@cust.example",),
        ),
        # Several, one below the other, with labels and bullets.
        (
            "could not be delivered to:\n * bob@cust.example\n * eve@cust.example\n",
            ("bob@cust.example", "eve@cust.example"),
        ),
        ("Zustellung fehlgeschlagen\nEmpfänger: bob@cust.example\nFehler: 550", BOB),
        # An entry right below the end of another one's reply, or behind it in a joined line.
        *(
            (
                f"<bob@cust.example>: host mx said: 550 5.1.1 no (in{gap}reply to {command}"
                f" command){end}<eve@cust.example>{rest}",
                ("bob@cust.example", "eve@cust.example"),
            )
            for command in ("RCPT TO", "end of DATA")
            for gap in (" ", "\n")
            for end in ("\n", " ")
            for rest in (": host mx said: 550 5.1.1 no", ": mailbox full")
        ),
        (
            "<bob@cust.example>: see our page for help\n<eve@cust.example>: user unknown",
            ("bob@cust.example", "eve@cust.example"),
        ),
        # An address with signs that occur in addresses of lists.
        ("<a+b=c.example@cust.example>:\n550 no", ("a+b=c.example@cust.example",)),
    ],
)
def test_the_recipients(text: str, recipients: tuple[str, ...]) -> None:
    assert tuple(one.address for one in bounced(text)) == recipients


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<bob@cust.example>: said:\n    421 slow down", ("failed", "4.0.0", "4", False)),
        ("<bob@cust.example>: said: 550 no", ("failed", "5.0.0", "5", True)),
        ("<bob@cust.example>: 552 5.2.2 full", ("failed", "5.2.2", "5", False)),
        # The code follows below a divider.
        (
            "Delivery failed:\nbob@cust.example\n\n-------server message\n550 5.4.1 denied\n"
            "-------original message\nSubject: 500 5.5.5",
            ("failed", "5.4.1", "5", True),
        ),
        # A reply below what looks like the returned message.
        (
            "Fatal errors\n\n>>> bob@cust.example <bob@cust.example>\n\n  ----- Original message"
            " follows -----\n550 sorry (#5.1.1 - check)",
            ("failed", "5.1.1", "5", True),
        ),
        # The header comes first.
        (
            "This relates to your message with the following header fields:\n\n"
            "  Return-path: <me@desk.example>\n  To: eve@cust.example\n\n"
            "It cannot be delivered to:\n\n  Recipient address: bob@cust.example\n"
            "  Diagnostic code: smtp;550 5.1.1 <bob@cust.example>... unknown",
            ("failed", "5.1.1", "5", True),
        ),
        # Words alone: their meaning, but not hard.
        ("<bob@cust.example>:\nuser unknown", ("failed", "5.1.1", "5", False)),
        (
            "<bob@cust.example>:\nThis account has been disabled or discontinued",
            ("failed", "5.2.1", "5", False),
        ),
        ("<bob@cust.example>:\nsorry", ("failed", "", "", False)),
        # The server goes on trying.
        (
            "There was a temporary problem with your mail to bob@cust.example. We will retry for"
            " 41 more hours. You will be told if it fails for good.",
            ("delayed", "", "4", False),
        ),
        (
            "Delivery to bob@cust.example is delayed. You do not need to resend it.",
            ("delayed", "", "4", False),
        ),
        (
            "Unzustellbar: bob@cust.example. Es wird weiterhin versucht.",
            ("delayed", "", "4", False),
        ),
        # Asking the sender to try again later is no promise.
        ("Non remis à bob@cust.example, veuillez réessayer plus tard.", ("failed", "", "", False)),
        ("Не доставлено: bob@cust.example. Повторите позже.", ("failed", "", "", False)),
        (
            "Votre message à bob@cust.example n'a pas encore pu être remis",
            ("delayed", "", "4", False),
        ),
        # What the other server says is not what this one will do.
        (
            "Could not be delivered, I gave up:\n<bob@cust.example>:\n451 4.7.1 will retry later",
            ("failed", "4.7.1", "4", False),
        ),
        (
            "It was delayed for 5 days, and is returned to sender.\n<bob@cust.example>:\n421 busy",
            ("failed", "4.0.0", "4", False),
        ),
        (
            "I report on the delivery of a message:\n\n  <bob@cust.example>  failed; will not"
            " continue trying",
            ("failed", "", "", False),
        ),
        (
            "Permanent failure, no further delivery attempts will be made:\n<bob@cust.example>",
            ("failed", "", "", False),
        ),
    ],
)
def test_what_is_said_about_a_recipient(text: str, expected: tuple[str, str, str, bool]) -> None:
    (one,) = bounced(text)
    assert (one.action, one.status, one.status_class, one.hard) == expected


def test_each_recipient_has_its_own_reply() -> None:
    text = (
        "<bob@cust.example>:\n550 5.1.1 unknown\n\n<eve@cust.example>:\n452 4.2.2 full\n\n"
        "<joe@cust.example>:\nno reason\n"
    )
    assert [one.status for one in bounced(text)] == ["5.1.1", "4.2.2", ""]


def test_each_recipient_has_its_own_words() -> None:
    found = bounced(
        "It failed:\n  bob@cust.example (mailbox full)\n  eve@cust.example (user unknown)"
    )
    assert [(one.status, one.reason, one.hard) for one in found] == [
        ("5.2.2", "(mailbox full)", False),
        ("5.1.1", "(user unknown)", False),
    ]


def test_words_about_one_of_several_recipients_say_nothing_about_the_others() -> None:
    text = "It failed:\n<bob@cust.example>: unknown user\n<eve@cust.example>: host\n    said: no"
    assert [one.status for one in bounced(text)] == ["5.1.1", ""]


def test_a_reason_begins_behind_the_address() -> None:
    text = (
        "<bob@cust.example>: host mx said: 550 no\n\n"
        "<bob@in.example> (expanded from <eve@cust.example>): host mx\n    said: 550 no\n\n"
        "joe@cust.example\n    SMTP error from remote server after RCPT TO:\n    550 no\n"
    )
    assert [one.reason for one in bounced(text)] == [
        "host mx said: 550 no",
        "host mx said: 550 no",
        "550 no",
    ]


def test_a_transcript_names_the_recipient_of_each_reply() -> None:
    text = (
        "  ----- The following addresses had permanent fatal errors -----\n"
        "<bob@cust.example>\n<eve@cust.example>\n\n  ----- Transcript of session follows -----\n"
        "550 5.1.1 <bob@cust.example>... User unknown\n552 5.2.2 <eve@cust.example>... full\n"
    )
    assert [one.status for one in bounced(text)] == ["5.1.1", "5.2.2"]


@pytest.mark.parametrize("name", ["X-Original-To", "Delivered-To", "Envelope-To"])
def test_a_server_may_note_the_failed_address(name: str) -> None:
    mail = parse(
        f"From: MAILER-DAEMON@b.example\nTo: me@desk.example\n{name}: <bob@cust.example>\n"
        "\nDelivery to <bob@cust.example> failed:\n550 5.1.1 unknown\n".encode()
    )
    assert mail.bounce is not None
    assert [one.status for one in mail.bounce.recipients] == ["5.1.1"]


def test_the_returned_message_names_the_recipient() -> None:
    text = (
        "421 mx (smtp)... Deferred\n\nReceived: by a\nFrom: me@desk.example\nTo: bob@cust.example"
    )
    assert [one.address for one in bounced(text)] == ["bob@cust.example"]
    # One of several may have failed: nobody knows which.
    assert bounced(f"{text}, eve@cust.example") == []


def test_the_address_of_a_notice_is_no_recipient() -> None:
    text = "Not delivered:\n\n  bob@cust.example\n\nThe postmaster\npostmaster@b.example"
    found = bounced(text, sender="postmaster@b.example", subject="Undeliverable")
    assert [one.address for one in found] == ["bob@cust.example"]


def test_people_also_write_to_themselves() -> None:
    assert [one.address for one in bounced("<me@desk.example>:\n550 5.1.1 unknown")] == [
        "me@desk.example"
    ]
