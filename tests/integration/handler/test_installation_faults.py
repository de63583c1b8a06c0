"""Faults of the installation fail no message: what meets one lets it wait, what meets all pauses.

On a real PostgreSQL: rights, columns, limits and space are taken away and given back.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postrail.database import open_pool
from postrail.database.faults import DatabaseUnavailable
from postrail.errors import InstallationFault, TransientError
from postrail.records import MailParsed
from postrail.settings import Settings
from tests.integration.handler.bench import Bench, FlakyTracker, configure
from tests.makers.descriptors import no_descriptors
from tests.makers.records import mail_parsed
from tests.servers.small_disk import small_disk

Administer = Callable[..., None]
# What the longest pause of a waiting message is.
LONGEST_PAUSE = 300


@pytest.fixture
def administer(database_url: str) -> Administer:
    """Runs statements as the superuser."""

    def run(*statements: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("SET ROLE NONE")
            for statement in statements:
                connection.execute(statement.encode())

    return run


@pytest.fixture
def limited(administer: Administer, database_url: str) -> Iterator[None]:
    """Lets all sessions of this database act as a user with rights on our tables only."""
    role = database_url.rpartition("/")[2]
    administer(
        f"CREATE ROLE {role}_app",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}_app",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}_app",
        f"ALTER DATABASE {role} SET role = {role}_app",
    )
    yield
    administer(f"DROP OWNED BY {role}_app CASCADE", f"DROP ROLE {role}_app")


@pytest.fixture
async def quick(settings: Settings, administer: Administer) -> AsyncIterator[Bench]:
    """A handler whose statements may take 0.3 s."""
    database = settings.database.model_copy(update={"statement_timeout_seconds": 0.3})
    handler = settings.handler.model_copy(update={"limit_tries": 3})
    made = await bench_of(settings.model_copy(update={"database": database, "handler": handler}))
    yield made
    await made.close()
    await made.pool.close()


async def bench_of(settings: Settings) -> Bench:
    pool = await open_pool(settings.database)
    await configure(pool)
    made = Bench(settings, pool)
    made.offsets.expect({0: None})
    return made


async def issues(bench: Bench, number: int) -> list[MailParsed]:
    mails = [mail_parsed(subject=f"issue {n}") for n in range(number)]
    await bench.handle(*mails)
    return mails


def answers(mails: list[MailParsed], **changes: Any) -> list[MailParsed]:
    return [
        mail_parsed(subject=f"Re: {mail.subject}", in_reply_to=[mail.message_id], **changes)
        for mail in mails
    ]


async def states(bench: Bench) -> dict[str, int]:
    return dict(await bench.rows("SELECT state, count(*) FROM incoming_mail GROUP BY 1"))


async def reasons(bench: Bench) -> set[str]:
    found = await bench.rows("SELECT DISTINCT reason FROM incoming_mail WHERE state = 'waiting'")
    return {reason for (reason,) in found}


async def resume(bench: Bench) -> None:
    bench.clock.move(LONGEST_PAUSE)
    await bench.work()


@pytest.mark.usefixtures("limited")
async def test_a_right_that_some_messages_need_is_taken_away_and_given_back(
    bench: Bench, administer: Administer, database_url: str
) -> None:
    role = f"{database_url.rpartition('/')[2]}_app"
    mails = await issues(bench, 200)
    administer(f"REVOKE INSERT ON comment FROM {role}")
    await bench.handle(*answers(mails), mail_parsed(subject="needs no comment"))
    assert await states(bench) == {"done": 201, "waiting": 200}
    (reason,) = await reasons(bench)
    assert "permission denied for table comment" in reason
    assert "Grant the user of this URL" in reason
    await bench.handle(mail_parsed(subject="meanwhile"))
    assert (await states(bench))["done"] == 202
    administer(f"GRANT INSERT ON comment TO {role}")
    await resume(bench)
    assert await states(bench) == {"done": 402}
    assert await bench.rows("SELECT count(*) FROM comment") == [(200,)]


async def test_a_message_that_waits_holds_up_its_own_conversation_only(
    bench: Bench, administer: Administer
) -> None:
    (mail,) = await issues(bench, 1)
    administer("ALTER TABLE comment RENAME COLUMN body TO content")
    first, second = answers([mail, mail])
    await bench.handle(first, second, mail_parsed(subject="another"))
    found = await bench.rows("SELECT subject, state FROM incoming_mail ORDER BY arrival")
    assert [state for _, state in found] == ["done", "waiting", "new", "done"]
    (reason,) = await reasons(bench)
    assert 'column "body" of relation "comment" does not exist' in reason
    administer("ALTER TABLE comment RENAME COLUMN content TO body")
    await resume(bench)
    assert await states(bench) == {"done": 4}


@pytest.mark.parametrize(
    ("table", "column"),
    [("incoming_mail", "trace"), ("incoming_mail", "parsed"), ("outbox", "value")],
)
async def test_a_column_that_all_messages_need_pauses_the_work(
    bench: Bench, administer: Administer, table: str, column: str
) -> None:
    await bench.take_in(*(mail_parsed() for _ in range(20)))
    administer(f"ALTER TABLE {table} RENAME COLUMN {column} TO renamed")
    with pytest.raises(TransientError, match=f'"?{column}"?.* does not exist.*postrail doctor'):
        await bench.handler.work_batch()
    assert await states(bench) == {"new": 20}
    administer(f"ALTER TABLE {table} RENAME COLUMN renamed TO {column}")
    await bench.work()
    assert await states(bench) == {"done": 20}


async def test_a_configuration_that_is_not_valid_pauses_the_work(
    bench: Bench, administer: Administer
) -> None:
    await bench.take_in(mail_parsed(), mail_parsed())
    administer("UPDATE outgoing_connection SET encryption = 'odd'")
    with pytest.raises(InstallationFault, match=r"database: encryption.*table outgoing_connection"):
        await bench.handler.work_batch()
    assert await states(bench) == {"new": 2}
    administer("UPDATE outgoing_connection SET encryption = 'none'")
    await bench.work()
    assert await states(bench) == {"done": 2}


class SlowTracker(FlakyTracker):
    """The built-in tracker, slow with one issue."""

    async def create_issues(self, connection: Any, drafts: Any, now: Any) -> list[str]:
        if any(draft.summary == "slow" for draft in drafts):
            await connection.execute("SELECT pg_sleep(60)")
        return await super().create_issues(connection, drafts, now)


@pytest.mark.logs_errors("a mail failed")
async def test_a_message_that_always_takes_too_long_fails_in_the_end_and_stops_no_other(
    quick: Bench,
) -> None:
    quick.tracker = SlowTracker()
    quick.handler, quick.offsets = quick.another()
    quick.offsets.expect({0: None})
    mails = [mail_parsed(subject="slow" if n == 20 else f"mail {n}") for n in range(51)]
    await quick.handle(*mails)
    assert await states(quick) == {"done": 50, "waiting": 1}
    (reason,) = await reasons(quick)
    assert "statement timeout" in reason
    assert "POSTRAIL_DATABASE__STATEMENT_TIMEOUT_SECONDS" in reason
    await resume(quick)
    assert await states(quick) == {"done": 50, "waiting": 1}
    await resume(quick)
    assert await states(quick) == {"done": 50, "failed": 1}
    ((reason,),) = await quick.rows("SELECT reason FROM incoming_mail WHERE state = 'failed'")
    assert "given up after 3 tries: PostgreSQL: canceling statement due to statement" in reason


class BreakingTracker(FlakyTracker):
    """The built-in tracker; PostgreSQL ends its session with one issue."""

    async def create_issues(self, connection: Any, drafts: Any, now: Any) -> list[str]:
        if any(draft.summary == "breaks" for draft in drafts):
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await super().create_issues(connection, drafts, now)


async def test_a_message_that_breaks_the_connection_again_and_again_waits_alone(
    bench: Bench,
) -> None:
    bench.tracker = BreakingTracker()
    bench.handler, bench.offsets = bench.another()
    bench.offsets.expect({0: None})
    mails = [mail_parsed(subject="breaks" if n == 3 else f"mail {n}") for n in range(8)]
    await bench.take_in(*mails)
    losses = 0
    for _ in range(20):
        try:
            await bench.handler.work_batch()
        except DatabaseUnavailable:
            losses += 1
    assert await states(bench) == {"done": 7, "waiting": 1}
    # Once in the batch, and three times alone.
    assert losses == 4
    (reason,) = await reasons(bench)
    assert "PostgreSQL broke the connection 3 times while this mail was handled" in reason


async def test_without_descriptors_only_what_needs_one_waits(bench: Bench) -> None:
    mails = await issues(bench, 3)
    blob = await bench.blobs.put(b"a large text")
    with no_descriptors():
        await bench.handle(
            *answers(mails, text="", text_blob=blob), mail_parsed(subject="without a blob")
        )
    assert await states(bench) == {"done": 4, "waiting": 3}
    (reason,) = await reasons(bench)
    assert "Too many open files" in reason
    await resume(bench)
    assert await states(bench) == {"done": 7}


async def test_a_missing_folder_of_blobs_delays_only_what_needs_it(bench: Bench) -> None:
    mails = await issues(bench, 3)
    blob = await bench.blobs.put(b"a large text")
    folder = Path(bench.settings.blobs.url.removeprefix("file://"))
    folder.rename(folder.with_name("elsewhere"))
    await bench.handle(*answers(mails, text="", text_blob=blob), mail_parsed(subject="another"))
    assert await states(bench) == {"done": 4, "waiting": 3}
    (reason,) = await reasons(bench)
    assert "POSTRAIL_BLOBS__URL" in reason
    folder.with_name("elsewhere").rename(folder)
    await resume(bench)
    assert await states(bench) == {"done": 7}


async def test_a_limit_on_temporary_files_is_the_installations(
    bench: Bench, administer: Administer, database_url: str
) -> None:
    mails = await issues(bench, 3)
    administer(
        "CREATE FUNCTION sort() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " SET LOCAL work_mem = '64kB'; SET LOCAL temp_file_limit = '64kB';"
        " PERFORM n FROM (SELECT n FROM generate_series(1, 1000000) AS n ORDER BY -n) AS sorted"
        " OFFSET 999999; RETURN NEW; END $$",
        "CREATE TRIGGER sort BEFORE INSERT ON comment FOR EACH ROW EXECUTE FUNCTION sort()",
    )
    await bench.handle(*answers(mails), mail_parsed(subject="without a comment"))
    assert await states(bench) == {"done": 4, "waiting": 3}
    (reason,) = await reasons(bench)
    assert "temp_file_limit" in reason
    administer("DROP TRIGGER sort ON comment")
    await resume(bench)
    assert await states(bench) == {"done": 7}


async def test_a_full_disk_of_one_table_delays_what_is_written_there(
    bench: Bench, administer: Administer, own_folder: Path
) -> None:
    mails = await issues(bench, 3)
    ((data,),) = await bench.rows("SHOW data_directory")
    name = f"small_{own_folder.name[-8:]}"
    owner = Path(data).stat().st_uid
    with small_disk(own_folder / "small", mebibytes=1) as disk:
        place = disk.folder / "tables"
        place.mkdir(mode=0o700)
        os.chown(place, owner, owner)
        administer(f"CREATE TABLESPACE \"{name}\" LOCATION '{place}'")
        administer(f'ALTER TABLE comment SET TABLESPACE "{name}"')
        try:
            disk.fill()
            await bench.handle(
                *answers(mails, text="It burns. " * 1000), mail_parsed(subject="another")
            )
            assert await states(bench) == {"done": 4, "waiting": 3}
            (reason,) = await reasons(bench)
            assert "No space left on device" in reason
            assert "Free space" in reason
            disk.free()
            await resume(bench)
            assert await states(bench) == {"done": 7}
        finally:
            administer("ALTER TABLE comment SET TABLESPACE pg_default")
            administer(f'DROP TABLESPACE "{name}"')


async def test_a_fault_that_meets_all_is_said_by_name(bench: Bench) -> None:
    await bench.take_in(mail_parsed())

    async def no_descriptors(*_: object) -> None:
        raise OSError(24, "Too many open files")

    bench.handler._batch.mark.take = no_descriptors  # type: ignore[assignment, method-assign]
    with pytest.raises(InstallationFault, match=r"Too many open files.*ulimit -n"):
        await bench.handler.work_batch()
    assert await states(bench) == {"new": 1}
