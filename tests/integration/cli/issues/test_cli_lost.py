"""`postrail issues lost` finds what people did since the backup of a restored database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from postrail.clock import SettableClock
from postrail.database import one_connection, open_pool
from postrail.settings import OutboxSettings, Settings
from postrail.stream.outbox import Sweeper
from postrail.stream.producer import Producer
from tests.makers.commands import Postrail, answer
from tests.makers.installation import Filled

NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)
AGENT = ("--author", "agent@example.com")


def do_much(postrail: Postrail) -> None:
    """Acts in each way that leaves other rows."""
    for arguments in (
        ("create", "HELP", "Odd smell"),
        ("comment", "HELP-1", "Use water.", *AGENT),
        ("comment", "HELP-1", "She is angry.", "--internal", *AGENT),
        ("watch", "HELP-1", *AGENT),
        ("edit", "HELP-1", "--set", "priority=4"),
        ("assign", "HELP-1", "agent@example.com"),
        ("transition", "HELP-1", "Done"),
        ("link", "HELP-1", "blocks", "HELP-3"),
        ("mail", "HELP-1", "--to", "bob@example.org", "--text", "Is it in stock?", "--yes"),
        ("merge", "HELP-2", "HELP-3"),
    ):
        code, output, errors = postrail("issues", *arguments)
        assert code == 0, (arguments, output, errors)
    comments = answer(postrail, "issues", "show", "HELP-1")["comments"]
    number = next(str(one["comment_id"]) for one in comments if one["body"] == "Use water.")
    assert postrail("issues", "comment", "HELP-1", "Use sand.", "--edit", number)[0] == 0


async def publish(settings: Settings) -> None:
    """Sends the records of the acts to Kafka, as a handler does."""
    producer, pool = Producer(settings.kafka), await open_pool(settings.database)
    await producer.start()
    try:
        sweeper = Sweeper(pool, producer, OutboxSettings(), SettableClock(NEXT_YEAR))
        assert await sweeper.sweep() > 0
    finally:
        await producer.close()
        await pool.close()


async def lose_the_last_acts(settings: Settings) -> None:
    """Takes an act of each kind of rows from the database, as a restore does."""
    async with one_connection(settings.database) as connection:
        await connection.execute("DELETE FROM comment WHERE body = 'She is angry.'")
        await connection.execute("DELETE FROM issue_change WHERE act = 'comment internally'")
        await connection.execute("DELETE FROM issue_change WHERE field = 'priority'")


def test_acts_that_a_restored_database_lacks_are_listed(
    postrail: Postrail, filled: Filled, settings: Settings
) -> None:
    do_much(postrail)
    asyncio.run(publish(settings))
    assert answer(postrail, "issues", "lost") == []
    assert postrail("issues", "lost")[1] == "The database has all acts.\n"

    asyncio.run(lose_the_last_acts(settings))
    lost = answer(postrail, "issues", "lost")
    assert [(one["act"], one["issue_key"]) for one in lost] == [
        ("comment internally", "HELP-1"),
        ("edit", "HELP-1"),
    ]
    assert lost[0]["comment"]["text"] == "She is angry."
    assert lost[0]["actor_address"] == "agent@example.com"
    shown = postrail("issues", "lost")[1]
    assert "She is angry." in shown
    assert "priority" in shown
