"""Bounces without a delivery status: the recipients in the notices of many mail servers."""

from __future__ import annotations

import pytest

from services.parser.parse import parse
from tests.makers.parsing import bounced

WHO = "bob@cust.example"


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        # Exchange 5.5: the address precedes the reason.
        (
            "System Administrator <postmaster@b.example>",
            "Undeliverable: Quote",
            "did not reach the following recipient(s):\n\nbob@cust.example on Mon, 2 Feb 2026\n"
            "    The recipient name is not recognized",
        ),
        # Domino: the reason repeats the address in brackets.
        (
            "Postmaster@b.example",
            "DELIVERY FAILURE: User bob (bob@cust.example) not listed in Domino Directory",
            "was not delivered to:\n\n  bob@cust.example\n\nbecause:\n\n  User bob not listed",
        ),
        # GroupWise: address and reason are in one line.
        (
            "Mailer-Daemon@b.example",
            "Message status - undeliverable",
            "was undeliverable to the following:\n\tbob@cust.example (user not found)",
        ),
        # MailEnable: the address has a prefix.
        (
            "Postmaster <postmaster@b.example>",
            "Message Delivery Failure",
            "recipient(s) could not be reached:\n\n\tRecipient: [SMTP:bob@cust.example]",
        ),
        # Mercury: the address follows asterisks.
        (
            "Mail System Administrator <Maiser@b.example>",
            "Delivery failure notification",
            "problems trying to deliver your message:\n\n*** bob@cust.example\n550 Unknown user.",
        ),
        # IMail: the sentence comes first.
        (
            "Postmaster <postmaster@b.example>",
            "Undeliverable Mail",
            "unknown user: <bob@cust.example>",
        ),
        # Courier: From has no address.
        (
            '"Courier mail server at b.example" <@>',
            "NOTICE: mail delivery status.",
            "Your message to the following recipients cannot be delivered:\n\n"
            "<bob@cust.example>:\n    mx.cust.example [192.0.2.1]:\n<<< 550 User unknown.",
        ),
        # A carrier's gateway for short messages.
        (
            "postmaster@b.example",
            "Undeliverable message",
            "Your message to bob@cust.example was not delivered. The subscriber takes no messages.",
        ),
        (
            "Mail Administrator <Postmaster@b.example>",
            "Mail System Error - Returned Mail",
            "次のあて先へのメッセージはエラーのため送信できませんでした。\n\n<bob@cust.example>",
        ),
        # A filter: the line above the server's reply is like one above a returned message.
        (
            "mailer-daemon@b.example",
            "failure notice",
            "あなたの送信したメッセージは送信できませんでした。\n\n-------server message\n"
            "<<< 550 5.1.1 unknown user <bob@cust.example>\n\n-------original message\n",
        ),
        (
            "PostMaster@b.example",
            "系统退信",
            "您发送的邮件被退回\n收件人 bob@cust.example\n550 Mailbox not found",
        ),
        (
            "mailer-daemon@b.example",
            "Mail failure.",
            "Ваше письмо не может быть доставлено получателям:\n\nbob@cust.example\nне найден",
        ),
        (
            "Mail Delivery System <MAILER-DAEMON@b.example>",
            "Votre message n'a pas pu être remis",
            "Votre message n'a pas pu être remis à :\nbob@cust.example",
        ),
        (
            "MAILER-DAEMON@b.example",
            "Mensagem não entregue",
            "Não foi possível entregar sua mensagem para:\n\n<bob@cust.example>: caixa cheia",
        ),
        (
            "postmaster@b.example",
            "Niedostarczalna wiadomość",
            "Twoja wiadomość nie została dostarczona do:\nbob@cust.example",
        ),
    ],
)
def test_the_recipient_of_a_notice(sender: str, subject: str, text: str) -> None:
    (one,) = bounced(text, subject, sender)
    assert (one.address, one.action) == (WHO, "failed")
    # Words alone do not prove that a failure is permanent.
    assert one.hard == ("550" in text)


@pytest.mark.parametrize(
    "opening",
    [
        "An error occurred while trying to deliver the mail to the following recipients:",
        "Sorry, these addresses failed:",
        "Die folgenden Adressen wurden nicht erreicht:",
        "Ces adresses n'ont rien reçu :",
        "次の宛先:",
    ],
)
@pytest.mark.parametrize(
    "lines",
    [
        "bob@cust.example\neve@cust.example",
        "\nbob@cust.example\n\neve@cust.example",
        "  - <bob@cust.example>\n  - <eve@cust.example>",
        "1. bob@cust.example,\n2. eve@cust.example",
        "Bob Berg <bob@cust.example>\nEve Ems <eve@cust.example>",
    ],
)
def test_lines_that_are_addresses_alone_are_recipients(opening: str, lines: str) -> None:
    found = bounced(f"{opening}\n{lines}\n\nThe staff of b.example\nhelp@b.example\n")
    assert [one.address for one in found] == ["bob@cust.example", "eve@cust.example"]


def undeliverable(sender: str, text: str) -> list[str]:
    """Returns the recipients of a bounce with a null return path."""
    head = f"Return-Path: <>\nFrom: {sender}\nTo: me@desk.example\nSubject: Undeliverable"
    mail = parse(f"{head}\n\n{text}\n".encode())
    assert mail.bounce is not None
    return [one.address for one in mail.bounce.recipients]


GATEWAY = "4155550100@carrier.example"


@pytest.mark.parametrize(
    "text",
    [
        f"Your message to {GATEWAY} could not be delivered: subscriber not found",
        f"Error: Invalid user address {GATEWAY}",
        f"The message to {GATEWAY} could not be delivered.\n\n550 Invalid recipient",
        f"<{GATEWAY}>: user unknown",
        "Your message to 4155550100 could not be delivered.",
        "Subscriber not found: message undeliverable",
    ],
)
def test_a_gateway_writes_in_the_name_of_the_address_that_failed(text: str) -> None:
    assert undeliverable(GATEWAY, text) == [GATEWAY]


@pytest.mark.parametrize(
    ("sender", "text", "recipients"),
    [
        # A program's address says only who reports.
        ("notifications@b.example", "It was not delivered, says notifications@b.example", []),
        ("Mail System <mx@b.example>", "It was not delivered, says your mx@b.example", []),
        (
            "pat@cust.example",
            "Your message to pat@cust.example was not delivered: mailbox full",
            ["pat@cust.example"],
        ),
        ("pat@cust.example", "Your message was not delivered.", []),
    ],
)
def test_who_reports_is_no_recipient(sender: str, text: str, recipients: list[str]) -> None:
    assert undeliverable(sender, text) == recipients


def test_our_own_address_in_other_case_is_no_recipient() -> None:
    assert not bounced(
        "Hi. This is the qmail-send program at b.example.\n\n<Me@Desk.Example>:\nSorry."
    )
