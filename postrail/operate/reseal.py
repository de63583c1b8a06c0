"""Seals every stored secret with the first key, so that older keys can be removed."""

from __future__ import annotations

from datetime import datetime

from postrail.configuration import apply
from postrail.database import Connection
from postrail.oauth import token_table
from postrail.secrets import Secrets
from postrail.webhooks import queue as webhooks


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals what uses an older key with the first one; returns the number of secrets."""
    secrets_sealed = await apply.reseal(connection, secrets, author=author, now=now)
    tokens_sealed = await token_table.reseal(connection, secrets)
    return secrets_sealed + tokens_sealed + await webhooks.reseal(connection, secrets)
