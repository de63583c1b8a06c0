"""A change of keys reaches the addresses of callbacks, before and after the decision."""

from __future__ import annotations

from datetime import UTC, datetime

from postrail.approvals import store
from postrail.database import Pool, rows, transaction
from postrail.operate.reseal import reseal
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from postrail.webhooks import queue
from postrail.webhooks.queue import NewPost, Purpose
from tests.makers.approvals.requests import new_request

NOW = datetime(2026, 11, 30, tzinfo=UTC)
URL = "https://hooks.example.org/T0K3N"


def secrets_of(*keys: str) -> Secrets:
    return Secrets(SecretSettings.model_validate({"keys": ",".join(keys)}))


async def test_the_old_key_can_be_removed(pool: Pool) -> None:
    old, new = generate_key(), generate_key()
    sealed = secrets_of(old).seal(URL)
    async with transaction(pool) as connection:
        for purpose, url in ((Purpose.APPROVAL, sealed), (Purpose.ALERT, "")):
            await queue.add(connection, NewPost(purpose=purpose, content={}, url=url), NOW)
        await store.insert(connection, new_request(callback_url=sealed))
        assert await reseal(connection, secrets_of(new, old), author="Sam", now=NOW) == 2
        assert await reseal(connection, secrets_of(new, old), author="Sam", now=NOW) == 0
        (callback,) = (await store.callback_urls(connection)).values()
        found = {row[0] for row in await rows(connection, "SELECT url FROM webhook_post")}
    assert {secrets_of(new).reveal(url) for url in found} == {URL, ""}
    assert secrets_of(new).reveal(callback) == URL
