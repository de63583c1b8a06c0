"""Bounces without a delivery status: the recipients in the notices of many mail servers."""

from __future__ import annotations

import pytest

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
