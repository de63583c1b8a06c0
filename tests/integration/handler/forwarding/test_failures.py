"""Failed messages are sent on, whatever they failed of; nothing goes round in circles."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.database import transaction
from postrail.decision.decision import Forward
from postrail.effects import apply as apply_module
from postrail.message_parts import Bounce
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed

BOSS = "boss@example.net"


@pytest.fixture(autouse=True)
async def handlers(bench: Bench) -> None:
    await bench.save(
        MailHandler(name="first", order=1, accounts=["support"]),
        MailHandler(name="second", order=2, forward_address=BOSS),
    )


async def forwarded(bench: Bench) -> list[str]:
    """Returns the reasons in the texts of the forwards."""
    found = await bench.rows(
        "SELECT text FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        f" WHERE forwards IS NOT NULL AND recipient = '{BOSS}' ORDER BY outgoing_mail.sequence"
    )
    return [str(row[0]).partition("\nReason: ")[2].partition("\n")[0] for row in found]


async def test_an_unparsable_message_is_forwarded(bench: Bench) -> None:
    await bench.handle(mail_parsed(error="too deep"))
    assert await bench.outcomes() == [("failed", "failed", None)]
    assert await forwarded(bench) == ["the message could not be parsed: too deep"]
    (queued,) = bench.sent(OutgoingQueued)
    assert queued.purpose == "forward"


@pytest.mark.logs_errors("a mail failed")
async def test_a_message_with_which_the_handler_fails_is_forwarded(bench: Bench) -> None:
    bench.tracker.faults["poison"] = ValueError("cannot be")
    await bench.handle(mail_parsed(subject="poison"), mail_parsed())
    assert sorted(await bench.outcomes()) == [
        ("done", "issue", "HELP-1"),
        ("failed", "failed", None),
    ]
    assert await forwarded(bench) == ["ValueError: cannot be"]


@pytest.mark.logs_errors("a mail failed", "a failed mail is not forwarded")
async def test_a_message_that_cannot_be_forwarded_fails_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ValueError("no way")

    monkeypatch.setitem(apply_module.MAILERS, Forward, broken)
    bench.tracker.faults["poison"] = ValueError("cannot be")
    await bench.handle(mail_parsed(subject="poison"))
    assert await bench.outcomes() == [("failed", "failed", None)]
    assert await forwarded(bench) == []


async def test_a_message_of_which_handlers_die_is_forwarded(bench: Bench) -> None:
    mail = mail_parsed()
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "INSERT INTO death (service, work_id, holder, alone, died_at)"
            " SELECT 'handler', %s, gen_random_uuid(), true, now() FROM generate_series(1, 3)",
            [mail.mail_id],
        )
    await bench.handle(mail)
    assert await bench.outcomes() == [("failed", "failed", None)]
    (reason,) = await forwarded(bench)
    assert reason.startswith("the handler died 3 times while processing this mail")


@pytest.mark.logs_errors("a mail failed")
async def test_the_bounce_of_a_forward_is_never_forwarded(bench: Bench) -> None:
    await bench.handle(mail_parsed(error="too deep"))
    ((message_id,),) = await bench.rows("SELECT message_id FROM delivery")
    bounce = Bounce(recipients=[], original_message_id=message_id)
    bench.tracker.faults["poison"] = ValueError("cannot be")
    await bench.handle(
        # The bounce is handled, cannot be parsed, or makes the handler fail.
        mail_parsed(kind="bounce", bounce=bounce),
        mail_parsed(kind="bounce", bounce=bounce, error="too deep"),
        mail_parsed(subject="poison", in_reply_to=[message_id]),
    )
    assert len(await forwarded(bench)) == 1
    states = [state for state, _, _ in await bench.outcomes()]
    assert states == ["failed", "done", "failed", "failed"]


async def test_a_message_handled_again_is_forwarded_once_a_revision(bench: Bench) -> None:
    mail = mail_parsed(error="too deep")
    await bench.handle(mail, mail)
    await bench.handle(mail)
    assert len(await forwarded(bench)) == 1
