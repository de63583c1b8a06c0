"""Stores posts; claims those that are due and records what came of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from postrail.database import Connection, rows, storable
from postrail.secrets import Secrets

# A receiver that is repaired on the Monday after a long weekend gets all that it has missed.
GIVE_UP_AFTER = timedelta(days=5)


class Purpose(StrEnum):
    """Why something is posted; rows hold these spellings."""

    # The decision of an approval request, to the system that asked for it.
    APPROVAL = "approval"
    # A fault, to the webhook of the sender's settings.
    ALERT = "alert"


class PostState(StrEnum):
    """The state of a post."""

    WAITING = "waiting"
    # A sender has claimed it.
    POSTING = "posting"
    POSTED = "posted"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPost:
    """What is to be posted as JSON, with the id of the post as its first member, `id`."""

    purpose: Purpose
    content: Mapping[str, object]
    # Sealed; "": that of the sender's settings.
    url: str = ""
    # The approval setup whose secret signs it, and whose hosts may be private.
    setup: str = ""
    # What it is about, as people know it: A-12.
    about: str = ""


async def add(connection: Connection, post: NewPost, now: datetime) -> str:
    """Stores a post for the sender; returns its id."""
    post_id = str(uuid.uuid4())
    body = json.dumps({"id": post_id, **post.content}, ensure_ascii=False)
    await connection.execute(
        "INSERT INTO webhook_post"
        " (post_id, purpose, setup, about, url, body, made_at, give_up_at, next_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            post_id,
            post.purpose,
            post.setup,
            post.about,
            post.url,
            storable(body),
            now,
            now + GIVE_UP_AFTER,
            now,
        ],
    )
    return post_id


async def reseal(connection: Connection, secrets: Secrets) -> int:
    """Seals addresses that use an older key with the first one; returns their number."""
    found = await rows(
        connection, "SELECT post_id, url FROM webhook_post WHERE url <> '' FOR UPDATE"
    )
    old = [(post_id, url) for post_id, url in found if secrets.sealed_with_old_key(url)]
    for post_id, url in old:
        await connection.execute(
            "UPDATE webhook_post SET url = %s WHERE post_id = %s",
            [secrets.seal(secrets.reveal(url)), post_id],
        )
    return len(old)
