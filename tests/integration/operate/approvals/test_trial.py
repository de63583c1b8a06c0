"""The test of an approval setup: its steps, the request, and the reply that it waits for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from postrail.approvals.token import token_for
from postrail.clock import SettableClock
from postrail.configuration import store as configuration
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.mail_account import MailAccount
from postrail.database import Pool, transaction
from postrail.effects.approvals.refused import RequestRefused
from postrail.oauth.tokens import AccessTokens
from postrail.operate.approvals.answer import PageAnswer, answer_on_page
from postrail.operate.approvals.trial import SetupTrial, try_setup
from postrail.operate.issues.act import Desk
from postrail.secrets import Secrets
from postrail.settings import SecretSettings
from postrail.wire.timed_steps import Step
from tests.integration.operate.approvals.scene import ANN, OPERATOR, parts
from tests.integration.operate.issues.scene import LATER, query
from tests.makers.configuration import mail_account, outgoing_connection
from tests.makers.records import NOON
from tests.servers.smtp_sink import SmtpSink

Poll = Callable[[str], Awaitable[object]]


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    server = SmtpSink()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def account(pool: Pool, smtp_sink: SmtpSink, tmp_path: Path) -> MailAccount:
    """Lets the setup read a folder of this machine, and send over a server that keeps messages."""
    account = mail_account(
        "answers",
        purpose="approvals",
        protocol="folder",
        path=str(tmp_path),
        host="",
        username="",
        password="",
        after_download="leave",
        authserv_ids=["mx.example.com"],
    )
    connection = outgoing_connection(host="localhost", port=smtp_sink.port, encryption="none")
    await save(pool, account, connection)
    return account


async def save(pool: Pool, *things: Any) -> None:
    """Replaces configured things."""
    async with transaction(pool) as connection:
        for thing in things:
            await configuration.save(connection, thing, before=thing, author="test", now=NOON)


async def steps_of(
    pool: Pool, desk: Desk, *, poll: Poll | None = None, name: str = "deploy", wait: float = 0.0
) -> list[Step]:
    """Returns the steps of the test of a setup, which asks Ann."""
    secrets = Secrets(SecretSettings())
    clock = SettableClock(LATER)
    tokens = AccessTokens(lambda: transaction(pool), secrets, clock)

    async def nothing(_: str) -> None:
        """Polls nothing."""

    trial = SetupTrial(
        desk=desk,
        actor=OPERATOR,
        transactions=lambda: transaction(pool),
        secrets=secrets,
        tokens=tokens,
        clock=clock,
        poll=poll or nothing,
        name=name,
        to=ANN.address,
        wait_seconds=wait,
    )
    try:
        return [step async for step in try_setup(trial)]
    finally:
        await tokens.close()


def named(steps: list[Step], name: str) -> Step:
    """Returns the step with this name."""
    return next(one for one in steps if one.name == name)


async def test_account_connection_and_request_are_tested(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    steps = await steps_of(pool, desk)
    assert all(one.ok for one in steps), steps
    assert "verified by mx.example.com" in named(steps, "settings").detail
    assert "stays in" in named(steps, "other mail").detail
    assert named(steps, "recipient").ok
    assert steps[-1].detail == "A-1 asks ann@example.com; reply to it to go on"
    subjects = await query(pool, "SELECT subject FROM approval_request")
    assert subjects == [("Test of approval setup deploy",)]


async def test_it_waits_for_the_reply_and_the_plus_address(
    pool: Pool, desk: Desk, account: MailAccount, smtp_sink: SmtpSink
) -> None:
    polled = []

    async def poll(name: str) -> None:
        """Lets the probe arrive at the first time, and Ann answer at the second."""
        polled.append(name)
        if len(polled) == 1:
            await _arrives(pool, smtp_sink.mails[-1].message_id)
        else:
            await _answers(pool, desk, "reject")

    steps = await steps_of(pool, desk, poll=poll, wait=60)
    assert polled == ["answers", "answers"]
    assert smtp_sink.mails[-1].recipients == ("answers+postrail-test@example.com",)
    plus = named(steps, "plus address")
    assert (plus.ok, plus.remedy.startswith("Set plus_addresses of account answers to true")) == (
        True,
        True,
    )
    assert steps[-1].name == "reply"
    assert steps[-1].detail.startswith("ann@example.com chose reject")


async def test_the_request_does_not_wait_long_for_a_plus_address_that_is_not_used(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    steps = await steps_of(pool, desk, wait=600)
    plus, reply = named(steps, "plus address"), named(steps, "reply")
    assert (plus.ok, reply.ok) == (True, False)
    assert plus.milliseconds < 60_000 < 600_000 <= reply.milliseconds


async def test_a_group_gets_no_message_to_a_plus_address(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    async with transaction(pool) as connection:
        setup = (await load_snapshot(connection)).approval_setups["deploy"]
    group = {"group_address": True, "reply_address": "group@example.com"}
    await save(pool, setup.model_copy(update=group))
    steps = await steps_of(pool, desk, wait=60)
    assert [one.name for one in steps[-2:]] == ["request", "reply"]


async def test_a_plus_address_that_loses_mail_is_a_fault(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    await save(pool, account.model_copy(update={"plus_addresses": True}))
    steps = await steps_of(pool, desk, wait=60)
    assert (steps[-1].name, steps[-1].ok) == ("plus address", False)
    assert "to false" in steps[-1].remedy
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]


async def test_a_refused_reply_and_none_are_told_apart(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    async def poll(_: str) -> None:
        if await query(pool, "SELECT 1 FROM approval_request"):
            await _answers(pool, desk, "maybe")

    steps = await steps_of(pool, desk, poll=poll, wait=60)
    assert not steps[-1].ok
    assert "does not count: A-1 has no choice 'maybe'" in steps[-1].detail
    steps = await steps_of(pool, desk, wait=60)
    assert (steps[-1].ok, steps[-1].detail) == (False, "no reply has arrived yet")


async def test_it_ends_with_the_first_fault(pool: Pool, desk: Desk, account: MailAccount) -> None:
    await save(pool, account.model_copy(update={"path": "/nowhere"}))
    steps = await steps_of(pool, desk)
    assert [one.ok for one in steps][-2:] == [True, False]
    await save(pool, account.model_copy(update={"enabled": False}))
    (step,) = await steps_of(pool, desk)
    assert (step.name, step.remedy) == ("settings", "Run: postrail accounts enable answers")
    with pytest.raises(RequestRefused, match="is disabled"):
        await steps_of(pool, desk, name="off")
    assert await query(pool, "SELECT count(*) FROM approval_request") == [(0,)]


async def test_unverified_senders_are_pointed_out(
    pool: Pool, desk: Desk, account: MailAccount
) -> None:
    await save(pool, account.model_copy(update={"authserv_ids": []}))
    step = named(await steps_of(pool, desk), "settings")
    assert step.ok
    assert "anybody who knows a token and an approver's address can answer" in step.remedy


async def _answers(pool: Pool, desk: Desk, choice: str) -> None:
    """Lets Ann answer A-1."""
    (part,) = await parts(pool, "A-1")
    token = token_for(desk.message_id_key, part.assignment_id, part.request_id, part.address)
    given = PageAnswer(token=str(token), choice=choice, comment="", address=ANN.address)
    await answer_on_page(desk, given)


async def _arrives(pool: Pool, message_id: str) -> None:
    """Lets a message be fetched from the account."""
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at,"
            "  raw_partition, raw_offset, message_id)"
            " VALUES (gen_random_uuid(), 'answers', '1', 'fetched', 1, %s, 0, 0, %s)",
            [LATER, message_id],
        )
