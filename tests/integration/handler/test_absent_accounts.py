"""Messages of a mail account that the handler does not know: read again, wait, go on, or fail."""

from __future__ import annotations

from typing import Any

from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.database import transaction
from postrail.records import MailHandled
from services.handler.absent_accounts import AccountReturns
from tests.integration.handler.bench import Bench
from tests.makers.configuration import mail_account, outgoing_connection
from tests.makers.records import NOON, mail_parsed

DAY = 24 * 3600.0


async def save(bench: Bench, thing: Configured) -> None:
    async with transaction(bench.pool) as connection:
        await store.save(connection, thing, before=None, author="test", now=NOON)


async def remove(bench: Bench, name: str) -> None:
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM mail_account WHERE name = %s", [name])


async def restore(bench: Bench, name: str) -> None:
    """Brings the account back without a recorded change, as the restore of a database does."""
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "CREATE TEMPORARY TABLE restored ON COMMIT DROP AS SELECT * FROM mail_account LIMIT 1"
        )
        await connection.execute("UPDATE restored SET name = %s", [name])
        await connection.execute("INSERT INTO mail_account SELECT * FROM restored")


def returns(bench: Bench) -> AccountReturns:
    return AccountReturns(bench.process(), bench.pool)


async def mails(bench: Bench) -> list[Any]:
    return await bench.rows("SELECT subject, state, outcome FROM incoming_mail ORDER BY arrival")


async def test_an_account_added_after_the_snapshot_was_read_is_known(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    await restore(bench, "new")
    await bench.handle(mail_parsed(mailbox="new"))
    await save(bench, mail_account("newer"))
    await bench.handle(mail_parsed(mailbox="newer"))
    assert [state for state, _, _ in await bench.outcomes()] == ["done"] * 3


async def test_a_connection_added_after_the_snapshot_was_read_is_used(bench: Bench) -> None:
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_connection")
    await bench.handle(mail_parsed())
    assert notified(bench) == []
    await save(bench, outgoing_connection())
    await bench.handle(mail_parsed())
    assert len(notified(bench)) == 1


def notified(bench: Bench) -> list[str]:
    return [entry.topic.name for entry in bench.producer.sent if "queued" in entry.topic.name]


async def test_a_message_of_an_absent_account_waits_and_holds_only_its_conversation(
    bench: Bench,
) -> None:
    await remove(bench, "info")
    waiting = mail_parsed(mailbox="info", subject="waiting")
    reply = mail_parsed(subject="reply", in_reply_to=[str(waiting.message_id)])
    await bench.handle(waiting, reply, mail_parsed(subject="other"))
    assert await mails(bench) == [
        ("waiting", "waiting", None),
        ("reply", "new", None),
        ("other", "done", "issue"),
    ]
    [(reason,)] = await bench.rows("SELECT reason FROM incoming_mail WHERE state = 'waiting'")
    assert "mail account info is not configured: add it again with postrail apply" in reason

    await returns(bench).release()
    assert await bench.handler.work_batch() == 0
    await restore(bench, "info")
    await returns(bench).release()
    await bench.work()
    assert await mails(bench) == [
        ("waiting", "done", "issue"),
        ("reply", "done", "comment"),
        ("other", "done", "issue"),
    ]
    assert [handled.revision for handled in bench.sent(MailHandled)] == [1, 1, 1]


async def test_it_fails_after_its_time_and_waits_anew_when_it_is_retried(bench: Bench) -> None:
    await remove(bench, "info")
    mail = mail_parsed(mailbox="info")
    await bench.handle(mail)
    bench.clock.move(13.9 * DAY)
    await bench.work()
    assert [state for state, _, _ in await bench.outcomes()] == ["waiting"]
    bench.clock.move(0.2 * DAY)
    await bench.work()
    assert await bench.outcomes() == [("failed", "failed", None)]
    [(reason,)] = await bench.rows("SELECT reason FROM incoming_mail")
    assert "add it again with postrail apply, then retry the message" in reason

    async with transaction(bench.pool) as connection:
        # A retry is served by the fetcher: it publishes the message again.
        await connection.execute("UPDATE incoming_mail SET state = 'fetched'")
    await bench.handle(mail)
    [(state, _, _)] = await bench.outcomes()
    assert state == "waiting"
    await restore(bench, "info")
    await returns(bench).release()
    await bench.work()
    assert await bench.outcomes() == [("done", "issue", "HELP-1")]


async def test_one_that_found_no_place_in_a_batch_fails_in_the_next(bench: Bench) -> None:
    handler = bench.settings.handler.model_copy(update={"batch_max_bytes": 8000})
    bench.settings = bench.settings.model_copy(update={"handler": handler})
    bench.handler, bench.offsets = bench.another()
    bench.offsets.expect({0: None})
    await remove(bench, "info")
    await bench.handle(*(mail_parsed(mailbox="info", text="It burns. " * 300) for _ in range(2)))
    bench.clock.move(14.1 * DAY)
    await bench.handler.work_batch()
    assert [state for state, _, _ in await bench.outcomes()] == ["failed", "waiting"]
    await bench.handler.work_batch()
    assert [state for state, _, _ in await bench.outcomes()] == ["failed", "failed"]
    assert await bench.rows("SELECT DISTINCT awaits_account_since FROM incoming_mail") == [(None,)]


async def test_a_message_that_is_worked_on_is_released_in_the_next_round(bench: Bench) -> None:
    await remove(bench, "info")
    mail = mail_parsed(mailbox="info")
    await bench.handle(mail)
    await restore(bench, "info")
    async with transaction(bench.pool) as connection:
        await connection.execute("SELECT FROM incoming_mail FOR UPDATE")
        await returns(bench).release()
    await bench.work()
    assert [state for state, _, _ in await bench.outcomes()] == ["waiting"]
    await returns(bench).release()
    await bench.work()
    assert [state for state, _, _ in await bench.outcomes()] == ["done"]


async def test_a_message_that_could_not_be_parsed_fails_at_once_with_that_reason(
    bench: Bench,
) -> None:
    await bench.handle(mail_parsed(mailbox="gone", error="too deep"))
    assert await bench.outcomes() == [("failed", "failed", None)]
    [(reason,)] = await bench.rows("SELECT reason FROM incoming_mail")
    assert reason == "the message could not be parsed: too deep"
