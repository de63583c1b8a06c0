"""What conditions may ask about a message, taken from the parsed message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.facts import Facts
from postrail.decision.mail_handlers.choose import declines
from postrail.decision.question import Question
from postrail.message_parts import (
    Address,
    Attachment,
    AuthenticationResult,
    HeaderField,
    ReplyParts,
)
from postrail.records import BlobReference, MailParsed
from tests.makers.configuration import mail_account, snapshot
from tests.makers.records import mail_parsed

GERMAN = "Guten Tag, der Drucker geht nicht. Können Sie mir helfen?"
ENGLISH = "Hello, the printer does not work. Could you help me, please?"
FILE = Attachment(
    name="Rechnung.pdf",
    content_type="application/pdf",
    size=7,
    sha256="a",
    content_id=None,
    inline=False,
)
PASSED = AuthenticationResult(
    server="mx.example.com", method="dmarc", result="pass", properties=[], position=0
)
MAIL = mail_parsed(
    subject="Bug: Fire",
    text=GERMAN,
    sender=Address(name="Mona Lind", address="Mona@mail.customer.example"),
    to=[Address(name="", address="help@desk.example")],
    cc=[Address(name="", address="boss@other.example")],
    delivered_to=["all@desk.example"],
    headers=[
        HeaderField(name="From", value="Mona Lind <Mona@mail.customer.example>"),
        HeaderField(name="X-Spam-Flag", value="YES"),
        HeaderField(name="Received", value="from a"),
        HeaderField(name="received", value="from b"),
    ],
    attachments=[FILE],
    size=3000,
    kind="auto_generated",
    authentication=[PASSED],
    received_at=datetime(2026, 11, 30, 8, 30, tzinfo=UTC),
)


def holds(test: str, operand: object, mail: MailParsed = MAIL) -> bool:
    base = snapshot()
    accounts = base.accounts | {"support": mail_account(authserv_ids=["mx.example.com"])}
    asked = type(base)(accounts=accounts, projects=base.projects)
    handler = MailHandler(name="h", when={test: operand})
    return not declines(handler, Question(mail=mail, snapshot=asked, facts=Facts()))


@pytest.mark.parametrize(
    ("test", "operand", "other"),
    [
        ("header x-spam-flag is", "yes", "no"),
        ("header Received contains", "b", "c"),
        ("subject starts", "bug:", "fire"),
        ("text contains", "drucker", "scanner"),
        ("sender is", "mona@mail.customer.example", "mona@customer.example"),
        ("sender name is", "mona lind", "mona"),
        ("sender domain is", "mail.customer.example", "customer.example"),
        # To and Cc, and not where a server delivered it.
        ("recipients in", ["help@desk.example"], ["all@desk.example"]),
        ("recipients is", "boss@other.example", "mona@mail.customer.example"),
        ("recipient domains is", "other.example", "customer.example"),
        ("delivered to is", "all@desk.example", "help@desk.example"),
        ("attachments is", "rechnung.pdf", "rechnung"),
        ("attachment types is", "application/pdf", "pdf"),
        ("attachment count is", 1, 0),
        ("size over", 2999, 3000),
        ("kind is", "auto_generated", "human"),
        ("language is", "de", "en"),
        ("authentication is", "pass", "none"),
        ("account is", "support", "help"),
        ("time in", "mon 09:00-10:00 Europe/Berlin", "mon 08:00-09:00 Europe/Berlin"),
    ],
)
def test_each_field(test: str, operand: object, other: object) -> None:
    assert holds(test, operand)
    assert not holds(test, other)


def test_the_language_is_that_of_the_new_text() -> None:
    reply = ReplyParts(
        new_text=ENGLISH,
        quoted_text=GERMAN,
        signature="",
        new_html="",
        quoted_html="",
        signature_html="",
    )
    assert holds("language is", "en", mail_parsed(text=GERMAN * 3 + ENGLISH, reply=reply))
    assert holds("language exists", False, mail_parsed(text="404"))


def test_of_a_large_text_the_beginning_is_asked() -> None:
    large = mail_parsed(
        text="", text_blob=BlobReference(sha256="a", size=10**6), text_beginning=GERMAN
    )
    assert holds("text contains", "drucker", large)
    assert holds("language is", "de", large)


def test_a_message_without_a_sender_has_no_address() -> None:
    assert holds("sender exists", False, mail_parsed(sender=None))
    assert not holds("sender domain matches", ".", mail_parsed(sender=None))


def test_the_time_of_a_message_without_one_is_when_it_was_fetched() -> None:
    mail = mail_parsed(received_at=None, fetched_at=datetime(2026, 11, 30, 8, 30, tzinfo=UTC))
    assert holds("time in", "mon 08:00-09:00 UTC", mail)
