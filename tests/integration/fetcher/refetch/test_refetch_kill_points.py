"""A fetcher is killed at each point of publishing messages again; no message stays behind."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postrail.incoming.message_ids import named_by
from postrail.incoming.queue import not_taken_in, take_in
from postrail.records import MailFetched, MailParsed
from postrail.settings import Settings
from postrail.stream.producer import partition_of
from tests.fakes.fetching import until_blocking
from tests.integration.fetcher.refetch.scene import NOON, Scene, opened
from tests.makers.folders import Folder
from tests.makers.records import mail_parsed, received
from tests.makers.settings import PARTITIONS
from tests.processes.fetcher_process import (
    configure,
    fetched_records,
    fetcher,
    query,
    until_count,
)

MAILS = [
    b"Subject: Mail %d\nMessage-ID: <%d@example.org>\n\nText\n" % (number, number)
    for number in range(3)
]
# The states and outcomes of messages that can be handled again.
HELD = [("failed", "failed"), ("quarantined", "quarantined"), ("done", "ignored")]
# The point, how many messages are back in `fetched` then, and how many records are published.
POINTS = [
    ("refetch begun", 3, 0),
    ("acknowledged", 3, 3),
    ("refetch saved", 3, 3),
]


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


@pytest.mark.parametrize("source", ["record", "mailbox"])
@pytest.mark.parametrize(("point", "back", "published"), POINTS)
@pytest.mark.parametrize("taken_in", [False, True], ids=["handler later", "handler first"])
async def test_after_a_kill_at_each_point_every_message_is_handled_once(
    scene: Scene,
    environment: dict[str, str],
    tmp_path: Path,
    source: str,
    point: str,
    back: int,
    published: int,
    taken_in: bool,
) -> None:
    settings, log = scene.settings, tmp_path / "fetcher.log"
    before = await _all_held(scene, environment, tmp_path, source)
    with fetcher(environment, log, "tests.processes.faulty.killed_at", point) as process:
        assert await asyncio.to_thread(process.wait, 40) == -signal.SIGKILL, log.read_text()
    assert await _states(scene) == {"fetched": back}
    assert len(await asyncio.to_thread(fetched_records, settings)) == before + published
    if taken_in:
        # What was published is handled before the successor starts.
        await _take_in_all(scene, skipped=before)
    with fetcher(environment, log):
        await until_blocking(lambda: _requests(settings) == 0, 40)
    if not taken_in or not published:
        assert await _states(scene) == {"fetched": 3}
    await _take_in_all(scene, skipped=before)
    # None is left in `fetched`, each keeps its revision, and each row names its own record.
    assert await _states(scene) == {"new": 3}
    assert await scene.rows("SELECT DISTINCT revision FROM incoming_mail") == [(1,)]
    for (mail_id,) in await scene.rows("SELECT mail_id::text FROM incoming_mail"):
        assert (await scene.record_of(mail_id)).mail_id == mail_id
    records = await asyncio.to_thread(fetched_records, settings)
    again = Counter(record.mail_id for record in records[before:])
    # Twice only where the first record was not known to be there, nor handled.
    twice = point == "acknowledged" and not taken_in
    assert set(again.values()) == {2 if twice else 1}
    assert sorted({record.body or b"" for record in records}) == MAILS


async def _all_held(scene: Scene, environment: dict[str, str], tmp_path: Path, source: str) -> int:
    """Fetches three messages, has them held and asked for; returns how many records there are."""
    folder = Folder("eml", tmp_path)
    for content in MAILS:
        folder.add(content)
    await configure(scene.settings, [folder.account(after_download="leave", poll_seconds=1)])
    with fetcher(environment, tmp_path / "first.log"):
        await until_count(scene.settings.database.url.get_secret_value(), 3)
    # If its end found it in the midst of a poll, its successor would read the messages one by one.
    await scene.rows("DELETE FROM in_flight RETURNING 1")
    if source == "mailbox":
        await scene.topic_made_anew()
    found = await scene.rows("SELECT mail_id::text FROM incoming_mail")
    for (mail_id,), (state, outcome) in zip(found, HELD, strict=True):
        await scene.failed(mail_id, state=state, outcome=outcome)
    await scene.request(*[mail_id for (mail_id,) in found])
    return 0 if source == "mailbox" else 3


async def _states(scene: Scene) -> dict[str, int]:
    return dict(await scene.rows("SELECT state, count(*) FROM incoming_mail GROUP BY state"))


def _requests(settings: Settings) -> int:
    url = settings.database.url.get_secret_value()
    ((count,),) = query(url, "SELECT count(*) FROM refetch")
    return int(count)


async def _take_in_all(scene: Scene, skipped: int) -> None:
    """Takes in each record that was published again, in order, as parser and handler do."""
    records = await asyncio.to_thread(fetched_records, scene.settings)
    for offset, record in list(enumerate(records))[skipped:]:
        async with scene.store.transaction() as connection:
            batch = [received(_parsed(record, offset))]
            fresh = await not_taken_in(connection, batch)
            await take_in(connection, fresh, [named_by(one) for one in fresh], (), NOON)


def _parsed(record: MailFetched, offset: int) -> MailParsed:
    # All are in the partition of their mailbox.
    return mail_parsed(
        mail_id=record.mail_id,
        source=record.source,
        size=record.size,
        raw_partition=partition_of(record.mailbox, PARTITIONS),
        raw_offset=offset,
    )
