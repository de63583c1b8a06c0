"""Each right through the real acts: role by act by channel."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from postrail.blobs import BlobStore
from postrail.database import Pool
from postrail.operate.issues.accept import accept
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.issues.assign import assign
from postrail.operate.issues.attach import NewFile, attach
from postrail.operate.issues.comment import comment, edit_comment
from postrail.operate.issues.create import create
from postrail.operate.issues.edit import Edits, edit
from postrail.operate.issues.link import link
from postrail.operate.issues.mailing.letter import Letter
from postrail.operate.issues.mailing.send import mail
from postrail.operate.issues.merge import merge
from postrail.operate.issues.move import move
from postrail.operate.issues.transition import transition
from postrail.operate.issues.watch import watch
from postrail.workflow.rights import Act, Channel, NotAllowed
from tests.integration.operate.issues.scene import (
    ADMINISTRATOR,
    AGENT,
    LEAD,
    OPERATOR,
    OUTSIDER,
    history,
    new_issue,
    outsider_comment,
    published,
    query,
)

STRANGER = Actor(address="stranger@example.net")
SECOND = "second@example.com"
Call = Callable[[Desk, Actor, str], Awaitable[Any]]


async def _edit_comment(desk: Desk, actor: Actor, key: str) -> Any:
    added = await comment(desk, OPERATOR, key, "before")
    return await edit_comment(desk, actor, key, added.comment_id, "after")


async def _accept(desk: Desk, actor: Actor, key: str) -> Any:
    comment_id = await outsider_comment(desk.pool, key)
    return await accept(desk, actor, key, comment_id, BlobStore("memory://"))


async def _attach(desk: Desk, actor: Actor, key: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        store = BlobStore(Path(folder).as_uri())
        return await attach(desk, actor, key, [NewFile("plan.pdf", b"%PDF")], store)


ACTS: dict[Act, Call] = {
    Act.CREATE: lambda desk, actor, _: create(
        desk, actor, "HELP", {"summary": "x", "reporter": actor.address or SECOND}
    ),
    Act.COMMENT: lambda desk, actor, key: comment(desk, actor, key, "x"),
    Act.COMMENT_INTERNALLY: lambda desk, actor, key: comment(desk, actor, key, "x", internal=True),
    Act.EDIT_COMMENT: _edit_comment,
    Act.ACCEPT: _accept,
    Act.ATTACH: _attach,
    Act.EDIT: lambda desk, actor, key: edit(desk, actor, key, Edits(values={"summary": "x"})),
    Act.ASSIGN: lambda desk, actor, key: assign(desk, actor, key, SECOND),
    Act.TRANSITION: lambda desk, actor, key: transition(desk, actor, key, "In Progress"),
    Act.APPROVE: lambda desk, actor, key: transition(desk, actor, key, "Released"),
    Act.ADD_WATCHER: lambda desk, actor, key: watch(desk, actor, key, watcher=SECOND),
    Act.MAIL: lambda desk, actor, key: mail(
        desk, actor, key, Letter(to=["supplier@example.net"], text="x")
    ),
    Act.LINK: lambda desk, actor, key: link(desk, actor, key, "blocks", "HELP-1"),
    Act.MOVE: lambda desk, actor, key: move(desk, actor, key, "SALE"),
    Act.MERGE: lambda desk, actor, key: merge(desk, actor, key, "HELP-1"),
}
OF_OUTSIDERS = {Act.CREATE, Act.COMMENT, Act.ATTACH}
OF_AGENTS = {*OF_OUTSIDERS, Act.COMMENT_INTERNALLY, Act.EDIT, Act.ASSIGN, Act.TRANSITION}
ON_COMMENTS = {Act.EDIT_COMMENT, Act.ACCEPT}
BY_HAND = {*OF_AGENTS, *ON_COMMENTS, Act.ADD_WATCHER, Act.MAIL, Act.LINK, Act.MOVE, Act.MERGE}
OF_LEADS = {*BY_HAND, Act.APPROVE}
RIGHTS: list[tuple[Actor, Channel, set[Act]]] = [
    (STRANGER, "command", OF_OUTSIDERS),
    (STRANGER, "page", OF_OUTSIDERS),
    (STRANGER, "mail", OF_OUTSIDERS),
    (OUTSIDER, "command", OF_OUTSIDERS),
    (OUTSIDER, "page", OF_OUTSIDERS),
    (OUTSIDER, "mail", OF_OUTSIDERS),
    (AGENT, "command", BY_HAND),
    (AGENT, "page", BY_HAND),
    (AGENT, "mail", OF_AGENTS),
    (LEAD, "command", OF_LEADS),
    (LEAD, "page", OF_LEADS),
    (LEAD, "mail", OF_AGENTS),
    (ADMINISTRATOR, "command", OF_LEADS),
    (ADMINISTRATOR, "page", OF_LEADS),
    (ADMINISTRATOR, "mail", OF_AGENTS),
    (OPERATOR, "command", OF_LEADS),
    (Actor(address="gone@example.com"), "command", OF_OUTSIDERS),
]


@pytest.mark.parametrize(("actor", "channel", "allowed"), RIGHTS)
async def test_a_role_allows_its_acts_and_no_others(
    pool: Pool, desk: Desk, actor: Actor, channel: Channel, allowed: set[Act]
) -> None:
    mail_id = str(uuid.uuid4()) if channel == "mail" else None
    actor = replace(actor, channel=channel, mail_id=mail_id)
    # The first one is HELP-1, which others are linked to and merged into.
    await new_issue(pool)
    for act, call in ACTS.items():
        issue = await new_issue(pool)
        if act is Act.APPROVE:
            await transition(desk, OPERATOR, issue, "In Progress")
        rows, records = await history(pool, issue), len(await published(pool))
        if act in allowed:
            await call(desk, actor, issue)
            new = (await published(pool))[records:]
            record = next(one for one in new if one.act == act)
            assert (record.act, record.actor_address, record.channel) == (
                act,
                actor.address,
                channel,
            )
        else:
            # Without the right to any transition there is none to an approval either.
            with pytest.raises(NotAllowed, match=f"may not ({act}|transition) by {channel}"):
                await call(desk, actor, issue)
            by_actor = [one for one in (await published(pool))[records:] if one.act == act]
            assert by_actor == []
            if act is not Act.EDIT_COMMENT:
                assert await history(pool, issue) == rows


async def test_an_act_by_mail_names_its_message(pool: Pool, desk: Desk, issue: str) -> None:
    mail_id = str(uuid.uuid4())
    await ACTS[Act.EDIT](desk, replace(AGENT, channel="mail", mail_id=mail_id), issue)
    found = await query(pool, "SELECT channel, mail_id::text FROM issue_change")
    assert found == [("mail", mail_id)]


async def test_rights_are_those_of_the_issue_s_project(pool: Pool, desk: Desk) -> None:
    # An outsider of HELP is an agent in SALE, as all known people are.
    issue = await new_issue(pool, project="SALE")
    await ACTS[Act.EDIT](desk, OUTSIDER, issue)
    assert await history(pool, issue) == [("summary", "Printer on fire", "x")]


def test_every_act_has_its_place_in_the_matrix() -> None:
    # People watch for themselves, and a mention is a part of a comment: see the tests below.
    assert set(ACTS) | {Act.WATCH, Act.MENTION} == set(Act)


@pytest.mark.parametrize("actor", [OUTSIDER, AGENT, LEAD, ADMINISTRATOR])
async def test_known_people_watch_for_themselves(
    pool: Pool, desk: Desk, issue: str, actor: Actor
) -> None:
    await watch(desk, actor, issue)
    (record,) = await published(pool)
    assert (record.act, record.actor_address) == (Act.WATCH, actor.address)


@pytest.mark.parametrize(("actor", "may"), [(OUTSIDER, False), (AGENT, True), (LEAD, True)])
async def test_a_mention_notifies_if_its_author_may_mention(
    desk: Desk, issue: str, actor: Actor, may: bool
) -> None:
    done = await comment(desk, actor, issue, "@second please look")
    assert (SECOND in done.notified, [one.name for one in done.unresolved]) == (
        may,
        [] if may else ["second"],
    )
