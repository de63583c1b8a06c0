"""Seals every stored secret with the first key, so that older keys can be removed."""

from __future__ import annotations

from datetime import datetime

from postrail.approvals import store as approvals
from postrail.configuration import apply
from postrail.database import Connection
from postrail.oauth import token_table
from postrail.secrets import Secrets
from postrail.webhooks import queue as webhooks


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals what uses an older key with the first one; returns the number of secrets."""
    count = await apply.reseal(connection, secrets, author=author, now=now)
    count += await token_table.reseal(connection, secrets)
    # Requests first: what is decided meanwhile stores a post with the address of its request.
    count += await _reseal_callbacks(connection, secrets)
    return count + await webhooks.reseal(connection, secrets)


async def _reseal_callbacks(connection: Connection, secrets: Secrets) -> int:
    found = await approvals.callback_urls(connection)
    old = {one: url for one, url in found.items() if secrets.sealed_with_old_key(url)}
    anew = {one: secrets.seal(secrets.reveal(url)) for one, url in old.items()}
    await approvals.replace_callback_urls(connection, anew)
    return len(anew)
