"""A person who wants so is told once a day: on real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postrail.configuration.models.person import Person
from postrail.configuration.models.project import Project
from postrail.database import Connection, rows, transaction
from postrail.errors import FatalError
from postrail.notifications.events import COMMENTED, INTERNALLY_COMMENTED
from postrail.notifications.phrases.english import ENGLISH
from postrail.notifications.reply_marker import quotes_internal
from postrail.outgoing import intake
from postrail.outgoing.bundles import pending
from postrail.records import OutgoingQueued
from postrail.timers import queue as timers
from postrail.tracker.issues import Watcher
from tests.integration.handler.bench import Bench
from tests.integration.handler.bundles.bundling import ANN, left, tell, to, watch, work_of
from tests.makers.records import mail_parsed

BO = Watcher(address="bo@example.com", name="Bo")
BERLIN_7 = timedelta(hours=6)


async def digesting(bench: Bench, **changes: Any) -> None:
    """Lets Bo be told at 7 o'clock in Berlin."""
    fields: dict[str, Any] = {
        "address": BO.address,
        "name": BO.name,
        "messages": "digest",
        "time_zone": "Europe/Berlin",
    }
    await bench.save(Person(**fields | changes))


async def until_7(bench: Bench) -> None:
    """Moves the clock from the beginning of a day to 7 o'clock in Berlin."""
    day = bench.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    bench.clock.move((day + BERLIN_7 - bench.clock.now()).total_seconds())


async def test_a_day_is_one_message(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    for cause in "ab":
        await tell(bench, issue, cause)
        bench.clock.move(3600)
    work = work_of(bench)
    await work.work()
    assert await to(bench, BO.address) == []
    assert [at for at, _ in await to(bench, ANN.address)] == [0, 3600]
    await until_7(bench)
    assert await work.work() == 1
    ((at, _),) = await to(bench, BO.address)
    assert at == BERLIN_7.total_seconds()
    sent = bench.sent(OutgoingQueued)[-1]
    assert (sent.event, sent.subject, sent.purpose) == ("digest", "Your day in Help desk", "digest")
    text = sent.text or ""
    assert "* HELP-1: Printer on fire" in text
    assert text.index("Ada commented on HELP-1: a.") < text.index("Ada commented on HELP-1: b.")
    assert ENGLISH.why_digest.format(project="Help desk") in text
    assert ENGLISH.stop_asking.format(project="Help desk") in text
    assert (sent.issue_id, sent.in_reply_to, sent.reply_to) == (None, None, "info@example.com")
    # The next day.
    await tell(bench, issue, "c")
    bench.clock.move(24 * 3600)
    await work.work()
    assert len(await to(bench, BO.address)) == 2
    assert await left(bench) == (0, 0, 0)


async def other_issue(bench: Bench, mailbox: str, **changes: Any) -> int:
    before = {row[0] for row in await bench.rows("SELECT issue_id FROM issue_index")}
    await bench.handle(mail_parsed(mailbox=mailbox, **changes))
    after = {row[0] for row in await bench.rows("SELECT issue_id FROM issue_index")}
    (made,) = after - before
    await watch(bench, made, BO, ANN)
    return int(made)


async def test_each_project_is_a_message_of_its_own(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    second = await other_issue(bench, "support", subject="No coffee")
    third = await other_issue(bench, "sales", subject="A quote")
    for number in (issue, second, third):
        await tell(bench, number, f"about {number}")
    await until_7(bench)
    # A timer for each issue: the first sends all.
    assert await work_of(bench).work() == 3
    digests = [one for one in bench.sent(OutgoingQueued) if one.event == "digest"]
    assert sorted(one.subject for one in digests) == [
        "Your day in Help desk",
        "Your day in Sales",
    ]
    (desk,) = (one for one in digests if "Help" in one.subject)
    assert "No coffee" in (desk.text or "")
    assert "A quote" not in (desk.text or "")
    assert await left(bench) == (0, 0, 0)


async def test_two_persons_have_a_message_each(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await digesting(bench, address=ANN.address, name=ANN.name)
    await watch(bench, issue, BO)
    await tell(bench, issue, "a")
    await until_7(bench)
    await work_of(bench).work()
    digests = [one for one in bench.sent(OutgoingQueued) if one.event == "digest"]
    assert sorted(tuple(own.recipient for own in one.deliveries) for one in digests) == [
        (ANN.address,),
        (BO.address,),
    ]


async def test_a_digest_hides_what_the_person_may_not_see_any_more(
    bench: Bench, issue: int
) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "secret", INTERNALLY_COMMENTED)
    await tell(bench, issue, "open", COMMENTED)
    await bench.save(Project(key="HELP", name="Help desk", outsiders=[BO.address]))
    await until_7(bench)
    await work_of(bench).work()
    text = bench.sent(OutgoingQueued)[-1].text or ""
    assert "open." in text
    assert "secret" not in text
    assert not quotes_internal(text)


async def test_an_answer_to_a_digest_with_an_internal_comment_does_not_publish_it(
    bench: Bench, issue: int
) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "secret", INTERNALLY_COMMENTED)
    await until_7(bench)
    await work_of(bench).work()
    text = bench.sent(OutgoingQueued)[-1].text or ""
    assert "secret" in text
    quoted = "\n".join(f"> {one}" for one in text.splitlines())
    answer = (
        "From: bo@example.com\r\nTo: info@example.com, ada@example.org\r\nSubject: Re: Your day\r\n"
        f"Message-ID: <answer@example.com>\r\n\r\nPlease look.\r\n\r\n{quoted}\r\n"
    )
    await bench.arrive(answer.encode())
    ((description,),) = await bench.rows("SELECT description FROM issue WHERE issue_key = 'HELP-2'")
    assert "Please look." in description
    assert "secret" not in description


@pytest.mark.parametrize("step", ["store", "forget", "remove"])
async def test_a_kill_loses_nothing_and_repeats_nothing(
    bench: Bench, issue: int, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "a")
    await until_7(bench)
    where = {"store": intake, "forget": pending, "remove": timers}[step]
    done = getattr(where, step)

    async def killed(*given: Any) -> None:
        await done(*given)
        raise FatalError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(where, step, killed)
        with pytest.raises(FatalError):
            await work_of(bench).work()
    assert await to(bench, BO.address) == []
    await asyncio.gather(*(work_of(bench).work() for _ in range(3)))
    assert len(await to(bench, BO.address)) == 1


async def test_who_changes_to_at_once_gets_the_digest_of_before(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "a")
    await digesting(bench, messages="")
    await tell(bench, issue, "b")
    assert [cause for _, cause in await to(bench, BO.address)] == ["b"]
    await until_7(bench)
    await work_of(bench).work()
    assert len(await to(bench, BO.address)) == 2


async def test_a_restored_database_swallows_no_digest(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "a")
    await until_7(bench)
    await work_of(bench).work()
    # The restored database numbers its events again, and has the digest from its record.
    await bench.rows("SELECT setval('pending_event_event_id_seq', 1, false)")
    await tell(bench, issue, "b")
    bench.clock.move(24 * 3600)
    await work_of(bench).work()
    assert len({cause for _, cause in await to(bench, BO.address)}) == 2


async def test_a_digest_is_found_by_index(bench: Bench, issue: int) -> None:
    await digesting(bench)
    await watch(bench, issue, BO)
    await tell(bench, issue, "a")
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "INSERT INTO pending_delivery (event_id, recipient, issue_id, name, message_id, due_at,"
            "  digest) SELECT event_id, 'r' || n || '@example.org', issue_id, '', '<m>', due_at,"
            "  true FROM pending_delivery CROSS JOIN generate_series(1, 5000) AS n WHERE digest"
        )
    async with transaction(bench.pool) as connection:
        await connection.execute("ANALYZE pending_delivery")
    async with transaction(bench.pool) as connection:
        # Those of the transaction before may be among them.
        before = await _scans(connection)
        assert await pending.due_in_digest(connection, BO.address, datetime(2027, 1, 1, tzinfo=UTC))
        assert await _scans(connection) == before


async def _scans(connection: Connection) -> list[tuple[int]]:
    return await rows(
        connection,
        "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'pending_delivery'",
    )
