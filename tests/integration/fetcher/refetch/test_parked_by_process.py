"""A fetcher process asks for a parked message at once: by request, and when its account returns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from postrail.incoming import refetch
from postrail.settings import Settings
from tests.fakes.fetching import account_named, until_blocking
from tests.integration.fetcher.refetch.scene import Scene, opened
from tests.processes.fetcher_process import configure, fetcher, query
from tests.servers.imap_server import Ask, ImapServer


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


async def test_a_parked_message_arrives_by_a_request_or_with_its_account(
    scene: Scene, environment: dict[str, str], tmp_path: Path
) -> None:
    """Its mailbox is polled only every hour."""
    url = scene.settings.database.url.get_secret_value()
    refused = {2, 3}
    server = ImapServer({uid: b"Subject: %d\r\n\r\n%d\r\n" % (uid, uid) for uid in (1, 2, 3)})

    def fetch(server: ImapServer, ask: Ask) -> bytes:
        if "BODY" in ask.items and refused & set(ask.uids):
            return b"@ NO storage failure\r\n"
        return server.full(ask)

    def states() -> list[str]:
        return [s for (s,) in query(url, "SELECT state FROM incoming_mail ORDER BY source")]

    server.fetch = fetch
    environment = {
        **environment,
        "POSTRAIL_SECRET_MAIL": "password",
        "POSTRAIL_FETCHER__ACCOUNTS_RELOAD_SECONDS": "0.2",
    }
    with server.serving() as port, fetcher(environment, tmp_path / "fetcher.log"):
        account = account_named(host="127.0.0.1", port=port, encryption="none", poll_seconds=3600)
        await configure(scene.settings, [account])
        await until_blocking(lambda: states() == ["fetched", "failed", "failed"], 40)

        refused.remove(2)
        ((parked,),) = await scene.rows(
            "SELECT mail_id::text FROM incoming_mail WHERE source LIKE '%%uid=2'"
        )
        await _retry(scene, parked)
        await until_blocking(lambda: states() == ["fetched", "fetched", "failed"], 40)

        await scene.change("UPDATE mail_account SET enabled = false")
        await until_blocking(lambda: query(url, "SELECT held FROM refetch") == [(True,)], 40)
        refused.clear()
        await scene.change("UPDATE mail_account SET enabled = true")
        await until_blocking(lambda: query(url, "SELECT 1 FROM refetch") == [], 40)
    assert states() == ["fetched"] * 3


async def _retry(scene: Scene, mail_id: str) -> None:
    async with scene.store.transaction() as connection:
        ((now,),) = await scene.rows("SELECT now()")
        await refetch.request(connection, [mail_id], requested_by="ann", reason="retry", now=now)
