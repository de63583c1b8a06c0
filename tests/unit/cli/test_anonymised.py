"""Each mail of tests/mails takes the same way with other words, through rules of many kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decide import decide
from postrail.decision.decision import CreateIssue, Decision, FieldCommand
from postrail.decision.facts import Facts, PersonFact
from postrail.decision.way import EXPECTED, way_of
from postrail.errors import PermanentError
from postrail.operate.explain import Explained
from postrail.records import MailParsed
from services.cli.commands.mail.anonymised import anonymised
from tests.makers.configuration import mail_account
from tests.makers.parsing import INLINE_MAX_BYTES, made
from tests.unit.decision.test_again import MAILS, SNAPSHOT

# Their texts are in containers that are replaced as a whole; or hardly anything in them is a word.
REFUSED = {
    "rubbish-in-headers",
    "smime-bounce",
    "smime-vacation",
    "winmail-meeting",
    "winmail-meeting-accepted",
}


@pytest.mark.parametrize("file", MAILS, ids=lambda path: path.stem)
def test_a_message_takes_the_same_way_with_other_words(file: Path) -> None:
    raw = file.read_bytes()
    record: MailParsed = replace(made(raw).record, mailbox="support")
    decision = decide(record, SNAPSHOT, Facts())
    again = Explained(mail=record, decision=decision)
    if file.stem in REFUSED:
        with pytest.raises(PermanentError, match="takes another way: "):
            anonymised(raw, again, SNAPSHOT, b"key", INLINE_MAX_BYTES)
        return
    found = anonymised(raw, again, SNAPSHOT, b"key", INLINE_MAX_BYTES)
    way = way_of(decision)
    assert found.expectation.expected == {name: way[name] for name in EXPECTED}


COMMANDS = b"""\
Authentication-Results: mx.example.com; dmarc=pass header.from=lovelace.example
From: Ada Lovelace <ada@lovelace.example>
To: support@example.com
Subject: the lamp

#priority High
#type Task
#assignee ben@lovelace.example
#labels fragile, glowing
Status: In Progress
Wattage: 60 glowing
#summary The glowing lamp

It glows.
"""


def commands_of(decision: Decision) -> tuple[FieldCommand, ...]:
    [effect] = decision.effects
    assert isinstance(effect, CreateIssue)
    return effect.commands


def test_a_fixture_keeps_field_commands_and_the_values_that_projects_know() -> None:
    fields = ["priority", "type", "assignee", "labels", "status", "Wattage", "summary"]
    handler = MailHandler(name="desk", field_commands=fields)
    account = mail_account(authserv_ids=["mx.example.com"])
    snapshot = replace(SNAPSHOT, handlers=(handler,), accounts={account.name: account})
    record = replace(made(COMMANDS).record, mailbox=account.name)
    facts = Facts(sender=PersonFact(address="ada@lovelace.example"), agent_of=(account.project,))
    decision = decide(record, snapshot, facts)
    found = anonymised(
        COMMANDS, Explained(mail=record, decision=decision), snapshot, b"key", INLINE_MAX_BYTES
    )
    again = decide(replace(made(found.raw).record, mailbox=account.name), snapshot, facts)
    before, after = commands_of(decision), commands_of(again)
    assert [one.field for one in after] == [one.field for one in before] == fields
    assert [one.value for one in after][4] == "In Progress"
    assert found.expectation.kept == ["words that the handlers name"]
    for word in (b"lovelace", b"ben@", b"fragile", b"glow"):
        assert word not in found.raw.lower()
