"""Machines make thousands of issues of one conversation: only a few are read and locked."""

from __future__ import annotations

import asyncio

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.database import transaction
from postrail.incoming import conversations
from postrail.message_parts import Address
from postrail.records import MailParsed
from postrail.tracker import issues
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified

BASE = "<base@monitor.example>"
MONITOR = Address(name="", address="alarm@monitor.example")


def alarm() -> MailParsed:
    return mail_parsed(sender=MONITOR, kind="auto_generated", in_reply_to=[BASE])


@pytest.fixture
async def alarms(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[MailParsed]:
    """Makes issues of one conversation, more than are read."""
    monkeypatch.setattr(conversations, "MOST_ISSUES", 3)
    await bench.save(
        MailHandler.model_validate(
            {"name": "alarms", "kind": "create", "when": {"kind is": "auto_generated"}}
        ),
        MailHandler(name="rest", order=1000),
    )
    mails = [alarm() for _ in range(6)]
    await bench.handle(*mails)
    return mails


async def test_only_the_newest_issues_are_locked(bench: Bench, alarms: list[MailParsed]) -> None:
    async with transaction(bench.pool) as connection, asyncio.timeout(20):
        await issues.lock_by_key(connection, ["HELP-1", "HELP-2", "HELP-3"])
        await bench.handle(alarm())
    assert (await bench.outcomes())[-1] == ("done", "issue", "HELP-7")
    ((known,),) = await bench.rows(
        "SELECT jsonb_path_query_array(trace, '$.facts.conversation_issues[*].issue_key')"
        " FROM incoming_mail ORDER BY arrival DESC LIMIT 1"
    )
    assert known == ["HELP-4", "HELP-5", "HELP-6"]


async def test_an_answer_still_finds_the_old_issue_whose_message_it_answers(
    bench: Bench, alarms: list[MailParsed]
) -> None:
    for answered in (alarms[0], alarms[5]):
        answer = mail_parsed(in_reply_to=[str(answered.message_id)], references=[BASE])
        await bench.handle(verified(answer))
    assert [key for _, _, key in (await bench.outcomes())[-2:]] == ["HELP-1", "HELP-6"]
