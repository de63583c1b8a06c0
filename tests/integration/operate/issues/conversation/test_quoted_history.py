"""Notifications of comments quote the earlier ones that all their recipients may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.templates.message_template import MessageTemplate
from postrail.database import Pool, transaction
from postrail.notifications.issue_words import HISTORY_MAX_CHARACTERS
from postrail.operate.issues.accept import accept
from postrail.operate.issues.act import Desk
from postrail.operate.issues.comment import comment, edit_comment
from postrail.operate.issues.mailing.letter import Letter
from postrail.operate.issues.mailing.send import mail
from postrail.operate.issues.watch import watch
from postrail.operate.template_preview import preview
from postrail.rendering.events import MessageEvent
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.integration.operate.issues.scene import (
    AGENT,
    HELP,
    LATER,
    LEAD,
    mails,
    new_issue,
    outsider_comment,
    query,
)
from tests.makers.drafts import comment_draft
from tests.makers.records import NOON

HEADING = "Earlier comments:"
QUOTING = HELP.model_copy(update={"quote_history": True})
BLOBS = BlobStore("memory://")


async def save(pool: Pool, thing: Configured, before: Configured | None = None) -> None:
    async with transaction(pool) as connection:
        await store.save(connection, thing, before=before, author="test", now=NOON)


async def quoting(pool: Pool) -> None:
    await save(pool, QUOTING, HELP)


async def by_mail(pool: Pool, issue: str, kind: str = "human", **fields: Any) -> None:
    """Adds a comment by a message of this kind."""
    draft = comment_draft(issue, **fields)
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, [draft], NOON)
    await query(
        pool,
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, trace)"
        " VALUES (%s, 'support', 'x', 'done', 1, now(), jsonb_build_object('kind', %s::text))"
        " RETURNING 1",
        draft.mail_id,
        kind,
    )


async def latest(pool: Pool, recipient: str = "ada@example.org") -> str:
    """Returns what the last message to the recipient quotes; "" for nothing."""
    texts = [text for address, text in await mails(pool) if address == recipient]
    return texts[-1].partition(HEADING)[2]


async def test_a_public_message_quotes_what_everybody_may_see(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await quoting(pool)
    await watch(desk, LEAD, issue)
    await by_mail(pool, issue, body="By mail.", author_name="Ann")
    await by_mail(pool, issue, "auto_reply", body="I am away.")
    note = "[This mail of 9,999 bytes is larger than the mailbox support allows (…)]"
    await by_mail(pool, issue, body=note)
    await comment(desk, AGENT, issue, "Only for us.", internal=True)
    await mail(desk, AGENT, issue, Letter(to=["supplier@example.net"], text="To a supplier."))
    hidden = await comment(desk, AGENT, issue, "First public, then internal.")
    await edit_comment(desk, AGENT, issue, hidden.comment_id, "Now hidden.", internal=True)
    await outsider_comment(pool, issue, body="Not accepted.")
    accepted = await outsider_comment(pool, issue, body="Accepted.")
    await accept(desk, AGENT, issue, accepted, BLOBS)
    # What it announces itself, and what came after it, is not quoted.
    assert await latest(pool) == "\n\nAnn, 2026-01-01 12:00 UTC:\n> By mail.\n"
    await comment(replace(desk, now=LATER + timedelta(hours=1)), AGENT, issue, "Use water.")
    quoted = await latest(pool)
    assert [line for line in quoted.splitlines() if line.startswith(">")] == [
        "> Accepted.",
        "> By mail.",
    ]
    # The same people are told of an internal one, with the internal ones before.
    await comment(desk, AGENT, issue, "They pay.", internal=True)
    quoted = await latest(pool, LEAD.address)
    assert [line for line in quoted.splitlines() if line.startswith(">")] == [
        "> Use water.",
        "> Accepted.",
        "> Now hidden.",
        "> To a supplier.",
        "> Only for us.",
    ]
    assert quoted.count(", internal, ") == 2
    assert "They pay." not in await latest(pool)


async def test_the_last_five_are_quoted_and_of_a_long_one_the_beginning(
    pool: Pool, desk: Desk, issue: str
) -> None:
    await quoting(pool)
    await by_mail(pool, issue, body="z" * 5000)
    await by_mail(pool, issue, body="", body_blob="a" * 64)
    for number in range(3):
        await by_mail(pool, issue, body=f"Number {number}.")
    await comment(desk, AGENT, issue, "Use water.")
    quoted = await latest(pool)
    assert quoted.count("UTC:") == 5
    assert quoted.count("z") == HISTORY_MAX_CHARACTERS
    assert "> [This comment is too long to be quoted; HELP-1 has it.]" in quoted
    await comment(desk, AGENT, issue, "More water.")
    quoted = await latest(pool)
    assert quoted.count("UTC:") == 5
    assert "z" not in quoted


async def test_by_default_nothing_is_quoted(pool: Pool, desk: Desk, issue: str) -> None:
    await by_mail(pool, issue)
    await comment(desk, AGENT, issue, "Use sand.")
    assert await latest(pool) == ""


async def test_a_template_may_ask_for_them(pool: Pool, desk: Desk, issue: str) -> None:
    own = {"name": "own", "event": "commented", "text": "{{ marker }}\n{{ history }}"}
    await save(pool, MessageTemplate.model_validate(own))
    await by_mail(pool, issue, body="It burns.")
    await comment(desk, AGENT, issue, "Use sand.")
    assert "> It burns." in await latest(pool)


async def test_another_issue_is_never_quoted(pool: Pool, desk: Desk, issue: str) -> None:
    await quoting(pool)
    await by_mail(pool, issue, body="It burns.")
    other = await new_issue(pool)
    await comment(desk, AGENT, other, "Use sand.")
    assert await latest(pool) == ""


@pytest.mark.parametrize("event", ["commented", "internally_commented", "status_changed"])
async def test_the_preview_has_them(pool: Pool, desk: Desk, issue: str, event: str) -> None:
    await quoting(pool)
    await by_mail(pool, issue, body="It burns.")
    await comment(desk, AGENT, issue, "Use sand.")
    await comment(desk, AGENT, issue, "They pay.", internal=True)
    async with transaction(pool) as connection:
        made = await preview(connection, BLOBS, issue, MessageEvent(event))
    quoted = [line for line in made.text.splitlines() if line.startswith(">")]
    assert (
        quoted
        == {
            "commented": ["> It burns."],
            "internally_commented": ["> Use sand.", "> It burns."],
            "status_changed": [],
        }[event]
    )
