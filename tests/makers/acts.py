"""Desks for acts on issues, and their actors."""

from __future__ import annotations

from datetime import datetime

from postrail.database import Pool
from postrail.operate.issues.act import Actor, Desk

OPERATOR = Actor(name="root")


def desk_at(now: datetime, pool: Pool) -> Desk:
    """Returns a desk whose acts are at this time."""
    return Desk(pool=pool, message_id_key=b"key", excerpt_max_characters=1000, now=now)
