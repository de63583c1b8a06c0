"""Comments of outsiders wait; once accepted, they are as those of anyone who takes part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from postrail.blobs import BlobMissing, BlobStore
from postrail.database import Pool
from postrail.incoming.reply_parts import blob_of
from postrail.message_parts import ReplyParts
from postrail.operate.issues.accept import NothingToAccept, accept
from postrail.operate.issues.act import Desk
from postrail.operate.issues.comment import CommentNotFound, comment
from postrail.operate.issues.watch import watch
from tests.integration.operate.issues.scene import (
    AGENT,
    LATER,
    OPERATOR,
    history,
    mails,
    outsider_comment,
    published,
    query,
)

MALLORY = "mallory@example.net"
BLOBS = BlobStore("memory://")


async def people_of(pool: Pool) -> tuple[set[str], set[str]]:
    """Returns the watchers and the participants."""
    watchers = await query(pool, "SELECT address FROM watcher")
    participants = await query(pool, "SELECT address FROM participant")
    return {address for (address,) in watchers}, {address for (address,) in participants}


async def test_the_others_are_told_and_the_author_takes_part(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await watch(desk, AGENT, issue)
    number = await outsider_comment(pool, issue, body="I know more.")
    done = await accept(desk, AGENT, issue, number, BLOBS)
    assert (done.changed, done.author) == (True, MALLORY)
    # The agent was notified when the comment came, and Mallory wrote it.
    assert done.notified == ("ada@example.org",)
    ((recipient, text),) = await mails(pool)
    assert recipient == "ada@example.org"
    assert "Mallory commented on HELP-1" in text
    assert "I know more." in text
    watchers, participants = await people_of(pool)
    assert watchers == {"ada@example.org", AGENT.address, MALLORY}
    assert participants == {"ada@example.org", MALLORY}
    assert await query(pool, "SELECT outsider, accepted_at FROM comment") == [(True, LATER)]
    accepted = ("accepted comment", None, {"id": number, "author": MALLORY})
    assert (await history(pool, issue))[1:] == [accepted, ("watcher", None, MALLORY)]
    record = (await published(pool))[-1]
    assert (record.act, record.actor_address) == ("accept", AGENT.address)
    after = record.changes[0].after
    assert (record.changes[0].field, json.loads(after or "")) == ("accepted comment", accepted[2])


async def test_accepted_again_it_changes_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    number = await outsider_comment(pool, issue)
    await accept(desk, AGENT, issue, number, BLOBS)
    before = await history(pool, issue), await mails(pool)
    again = await accept(desk, OPERATOR, issue, number, BLOBS)
    assert (again.changed, again.notified) == (False, ())
    assert (await history(pool, issue), await mails(pool)) == before


async def test_an_internal_one_is_shown_to_nobody_outside(
    pool: Pool, desk: Desk, issue: str
) -> None:
    number = await outsider_comment(pool, issue, internal=True)
    assert (await accept(desk, AGENT, issue, number, BLOBS)).notified == ()
    assert MALLORY in (await people_of(pool))[1]


async def test_a_large_text_is_read_from_its_blob(
    pool: Pool, desk: Desk, issue: str, tmp_path: Path
) -> None:
    blobs = BlobStore(tmp_path.as_uri())
    whole = await blobs.put(b"It is large.")
    parts = ReplyParts(
        new_text="It is new.",
        quoted_text="> old",
        signature="",
        new_html="",
        quoted_html="",
        signature_html="",
    )
    reply = await blobs.put(blob_of(parts))
    first = await outsider_comment(pool, issue, body="", body_blob=whole.sha256)
    second = await outsider_comment(pool, issue, body="", reply_blob=reply.sha256)
    gone = await outsider_comment(pool, issue, body="", body_blob="0" * 64)
    for number in (first, second):
        await accept(desk, AGENT, issue, number, blobs)
    texts = [text for recipient, text in await mails(pool) if recipient == "ada@example.org"]
    assert ["It is large." in texts[0], "It is new." in texts[1]] == [True, True]
    assert "> old" not in texts[1]
    before = await history(pool, issue)
    with pytest.raises(BlobMissing):
        await accept(desk, AGENT, issue, gone, blobs)
    assert await history(pool, issue) == before


async def test_what_does_not_wait_is_refused(pool: Pool, desk: Desk, issue: str) -> None:
    made = await comment(desk, AGENT, issue, "Use water.")
    with pytest.raises(NothingToAccept, match=f"the author of comment {made.comment_id} takes"):
        await accept(desk, AGENT, issue, made.comment_id, BLOBS)
    with pytest.raises(CommentNotFound, match="HELP-1 has no comment 99"):
        await accept(desk, AGENT, issue, 99, BLOBS)


async def test_our_own_address_takes_part_in_nothing(pool: Pool, desk: Desk, issue: str) -> None:
    """A message may claim to be from the desk itself, or from nobody."""
    for address in ("support@example.com", ""):
        number = await outsider_comment(pool, issue, author_address=address, author_name="")
        assert (await accept(desk, AGENT, issue, number, BLOBS)).changed
    assert await people_of(pool) == ({"ada@example.org"}, {"ada@example.org"})
