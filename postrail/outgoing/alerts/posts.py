"""Keeps what is to be posted to the webhook for alerts, until it has been posted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from postrail.database import Connection, rows_as, storable
from postrail.timers import queue as timers
from postrail.timers.queue import TimerKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """What is posted, as JSON, and since when it waits."""

    body: str
    made_at: datetime


async def add(connection: Connection, content: Mapping[str, str], now: datetime) -> None:
    """Stores an alert, and sets the timer to post it; the receiver knows it again by its id."""
    alert_id = str(uuid.uuid4())
    body = json.dumps({"id": alert_id, **content, "at": now.isoformat()}, ensure_ascii=False)
    await connection.execute(
        "INSERT INTO alert (alert_id, made_at, body) VALUES (%s, %s, %s)",
        [alert_id, now, storable(body)],
    )
    await timers.schedule(connection, TimerKind.WEBHOOK, {alert_id: now})


async def find(connection: Connection, alert_id: str) -> Alert | None:
    """Returns the alert that waits, or None."""
    found = await rows_as(
        connection, Alert, "SELECT body, made_at FROM alert WHERE alert_id = %s", [alert_id]
    )
    return found[0] if found else None


async def remove(connection: Connection, alert_id: str) -> None:
    """Removes an alert that has been posted, or given up."""
    await connection.execute("DELETE FROM alert WHERE alert_id = %s", [alert_id])
