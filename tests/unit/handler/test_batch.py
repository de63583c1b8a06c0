"""Messages with equal content in one batch."""

from __future__ import annotations

from postrail.incoming.queue import DueMail
from services.handler.batch import distinct
from tests.makers.records import mail_parsed


def due(fingerprint: str) -> DueMail:
    mail = mail_parsed(fingerprint=fingerprint)
    return DueMail(mail=mail, conversation="c", queue="q", attempts=0, revision=0)


def test_of_equal_messages_only_the_first_stays_in_the_batch() -> None:
    first, second, equal = due("a"), due("b"), due("a")
    assert distinct([first, second, equal]) == [first, second]
