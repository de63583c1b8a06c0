"""Seals every stored secret with the first key, so that older keys can be removed."""

from __future__ import annotations

from datetime import datetime

from postrail.configuration import apply
from postrail.database import Connection
from postrail.oauth import token_table
from postrail.secrets import Secrets


async def reseal(connection: Connection, secrets: Secrets, *, author: str, now: datetime) -> int:
    """Seals secrets and tokens that use an older key with the first one; returns their number."""
    secrets_sealed = await apply.reseal(connection, secrets, author=author, now=now)
    return secrets_sealed + await token_table.reseal(connection, secrets)
