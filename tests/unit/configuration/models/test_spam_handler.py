"""The handler against spam that `postrail init` writes: off, and what it does once it is on."""

from __future__ import annotations

from importlib import resources

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.configuration.yaml_read import parse_file
from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from postrail.message_parts import HeaderField
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

EXAMPLE = (resources.files("postrail.configuration") / "example.yaml").read_text()


def handlers(*, spam_on: bool) -> tuple[MailHandler, ...]:
    text = EXAMPLE.replace("enabled: false", "enabled: true") if spam_on else EXAMPLE
    things = [entry.thing for entry in parse_file(text, "example.yaml")]
    return tuple(thing for thing in things if isinstance(thing, MailHandler))


def outcome(*, spam_on: bool, name: str, value: str) -> str:
    base = snapshot()
    given = ConfigurationSnapshot(
        accounts=base.accounts, projects=base.projects, handlers=handlers(spam_on=spam_on)
    )
    mail = mail_parsed(headers=[HeaderField(name=name, value=value)])
    return decide(mail, given, Facts()).outcome


@pytest.mark.parametrize(
    ("name", "value", "spam"),
    [
        ("X-Spam-Flag", "YES", True),
        ("x-spam-flag", " yes ", True),
        ("X-Spam-Flag", "NO", False),
        ("X-Spam-Status", "Yes, score=7.1 required=5.0 tests=BAYES_99", True),
        ("X-Spam-Status", "No, score=-1.9 required=5.0", False),
        ("X-Spam-Score", "yes", False),
    ],
)
def test_what_the_mail_server_marks_is_held_once_the_handler_is_on(
    name: str, value: str, spam: bool
) -> None:
    assert outcome(spam_on=True, name=name, value=value) == ("quarantined" if spam else "issue")
    assert outcome(spam_on=False, name=name, value=value) == "issue"


def test_without_conditions_the_last_handler_does_what_none_does() -> None:
    *_, last = handlers(spam_on=False)
    assert last == MailHandler(name="desk", order=900, cc_assignee=False)
