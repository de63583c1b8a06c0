"""A message that kills the fetcher is parked after three deaths alone; all others are fetched."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from postrail.settings import Settings
from tests.makers.folders import Folder
from tests.processes.fetcher_process import configure, fetched_records, fetcher, query

pytestmark = pytest.mark.timeout(150)

WAIT_SECONDS = 100.0
DEADLY = 4
MAILS = [
    b"Subject: Mail %d\nMessage-ID: <%d@example.org>\n\n%s\n"
    % (number, number, b"deadly" if number == DEADLY else b"good")
    for number in range(8)
]


def states(url: str) -> dict[str, int]:
    return dict(query(url, "SELECT state, count(*) FROM incoming_mail GROUP BY 1"))


async def test_a_message_that_kills_is_parked_and_the_others_are_fetched(
    settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    url = settings.database.url.get_secret_value()
    folder, log = Folder("maildir", tmp_path), tmp_path / "fetcher.log"
    for mail in MAILS:
        folder.add(mail)
    await configure(settings, [folder.account(poll_seconds=1)])
    codes: list[int | None] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while states(url) != {"fetched": 7, "failed": 1}:
        with fetcher(environment, log, "tests.processes.faulty.deadly_fetcher") as process:
            while process.poll() is None and states(url) != {"fetched": 7, "failed": 1}:
                assert time.monotonic() < deadline, f"{codes} {log.read_text()[-3000:]}"
                await asyncio.sleep(0.05)
            if (code := process.poll()) is not None:
                codes.append(code)
    # Once in a batch, and three times alone.
    assert codes == [-signal.SIGKILL] * 4
    ((reason,),) = query(url, "SELECT reason FROM incoming_mail WHERE state = 'failed'")
    assert reason.startswith("could not be fetched: the fetcher died 3 times while it was read")
    records = fetched_records(settings)
    # Those before it were read again after a death: the same id, so without a second effect.
    assert len({record.mail_id for record in records}) == 7
    bodies = {record.body for record in records}
    assert bodies == {mail for number, mail in enumerate(MAILS) if number != DEADLY}
    # It is asked for again later; one more death is enough then.
    assert query(url, "SELECT count(*) FROM death") == [(2,)]
