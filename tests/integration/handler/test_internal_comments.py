"""Internal comments and mentions by mail: what answers an internal comment is internal, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postrail.configuration.models.project import Project
from postrail.database import transaction
from postrail.message_parts import Address, ReplyParts
from postrail.operate.issues.act import Actor
from postrail.operate.issues.comment import comment
from postrail.operate.issues.merge import merge
from postrail.operate.issues.watch import watch
from postrail.outgoing.intake import take_in
from postrail.records import MailParsed, OutgoingQueued
from postrail.stream import avro
from tests.integration.handler.bench import Bench
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

AGENT = Actor(address="agent@example.com", name="Agent")
BY_AGENT = Address(name="Agent", address="agent@example.com")
BY_ADA = Address(name="Ada", address="ada@example.org")
OTHER = Actor(address="other@example.com")
SECRET = "They never paid."


async def other_agent(bench: Bench) -> None:
    """Lets a second agent watch HELP-1, beside Ada."""
    await bench.rows(
        "WITH made AS (INSERT INTO person (address) VALUES ('other@example.com')"
        " RETURNING address, person_id), own AS (INSERT INTO person_address SELECT * FROM made)"
        " INSERT INTO watcher (issue_id, address) SELECT issue_id, 'other@example.com'"
        " FROM issue_index RETURNING 1"
    )


async def internal_message_id(bench: Bench) -> str:
    """Makes Ada's issue and an internal comment on it; returns its notification's Message-ID."""
    await bench.handle(mail_parsed())
    await other_agent(bench)
    await comment(bench.desk, AGENT, "HELP-1", SECRET, internal=True)
    found = await bench.rows(
        "SELECT recipient, delivery.message_id FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " WHERE internal"
    )
    ((recipient, message_id),) = found
    assert recipient == "other@example.com"
    return str(message_id)


async def told(bench: Bench) -> list[tuple[str, bool]]:
    """Returns recipient and internal of the notifications of the last effect."""
    return await bench.rows(
        "SELECT recipient, internal FROM delivery JOIN outgoing_mail AS mail USING (outgoing_id)"
        " WHERE mail.cause = (SELECT cause FROM outgoing_mail ORDER BY sequence DESC LIMIT 1)"
        " ORDER BY recipient"
    )


async def stored(bench: Bench) -> list[tuple[Any, ...]]:
    return await bench.rows(
        "SELECT author_address, internal FROM comment WHERE mail_id IS NOT NULL ORDER BY comment_id"
    )


@pytest.mark.parametrize("by", ["in_reply_to", "references", "key"])
async def test_an_answer_to_an_internal_comment_is_internal(bench: Bench, by: str) -> None:
    message_id = await internal_message_id(bench)
    answered: dict[str, dict[str, Any]] = {
        "in_reply_to": {"in_reply_to": [message_id]},
        # The answer of another agent who was in copy of the first answer.
        "references": {"in_reply_to": ["<x@y>"], "references": [message_id, "<x@y>"]},
        # By the key, in a conversation of its own.
        "key": {"subject": "HELP-1", "references": [message_id]},
    }
    sender = Address(name="", address="other@example.com")
    answer = mail_parsed(sender=sender, text=f"So what?\n\n> {SECRET}", **answered[by])
    await bench.handle(answer)
    assert await stored(bench) == [("other@example.com", True)]
    assert await told(bench) == [("agent@example.com", True)]
    # And so is the answer to the answer's notification.
    ((next_id,),) = await bench.rows(
        "SELECT message_id FROM delivery WHERE recipient = 'agent@example.com'"
    )
    await bench.handle(mail_parsed(sender=BY_AGENT, in_reply_to=[next_id], text="Nothing."))
    assert await stored(bench) == [("other@example.com", True), ("agent@example.com", True)]
    assert await told(bench) == [("other@example.com", True)]


async def test_a_leaked_internal_comment_that_an_outsider_answers_stays_internal(
    bench: Bench,
) -> None:
    message_id = await internal_message_id(bench)
    await bench.handle(mail_parsed(sender=BY_ADA, in_reply_to=[message_id], text="I did pay!"))
    assert await stored(bench) == [("ada@example.org", True)]
    assert {recipient for recipient, _ in await told(bench)} == {
        "agent@example.com",
        "other@example.com",
    }


async def test_an_answer_after_a_merge_is_internal(bench: Bench) -> None:
    message_id = await internal_message_id(bench)
    await bench.handle(mail_parsed(subject="Another", message_id="<another@x>"))
    await merge(bench.desk, AGENT, "HELP-1", "HELP-2")
    await bench.handle(mail_parsed(sender=BY_AGENT, in_reply_to=[message_id]))
    assert await bench.rows(
        "SELECT issue_key, internal FROM comment WHERE author_address = 'agent@example.com'"
        " AND mail_id IS NOT NULL"
    ) == [("HELP-2", True)]
    assert await told(bench) == [("other@example.com", True)]


async def test_an_answer_is_internal_by_what_it_quotes(bench: Bench) -> None:
    """Some servers change the Message-IDs of what they send, and answers name theirs."""
    await internal_message_id(bench)
    ((text,),) = await bench.rows("SELECT text FROM outgoing_mail WHERE internal")
    quoted = "".join(f"> {line}\r\n" for line in str(text).splitlines())
    await bench.arrive(
        f"Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from=example.com\r\n".encode()
        + b"From: other@example.com\r\nTo: support@example.com\r\nSubject: Re: [HELP-1] Fire\r\n"
        b"Message-ID: <answer@example.com>\r\nIn-Reply-To: <changed@ses.example>\r\n\r\n"
        b"So what?\r\n\r\n" + quoted.encode()
    )
    assert await stored(bench) == [("other@example.com", True)]
    assert await told(bench) == [("agent@example.com", True)]


async def test_a_restored_notification_is_still_internal(bench: Bench) -> None:
    message_id = await internal_message_id(bench)
    found = await bench.rows("SELECT value FROM outbox WHERE topic = 'outgoing.queued'")
    queued = [avro.decode_as(OutgoingQueued, bytes(value)) for (value,) in found]
    async with transaction(bench.pool) as connection:
        await connection.execute("DELETE FROM outgoing_mail")
        assert await take_in(connection, queued) == 1
    await bench.handle(mail_parsed(sender=BY_AGENT, in_reply_to=[message_id]))
    assert await stored(bench) == [("agent@example.com", True)]


async def test_an_answer_is_internal_by_its_token_where_the_notification_is_lost(
    bench: Bench,
) -> None:
    message_id = await internal_message_id(bench)
    await bench.rows("DELETE FROM outgoing_mail RETURNING 1")
    await bench.rows("DELETE FROM message_index RETURNING 1")
    # The program of the one who answers quotes nothing.
    sender = Address(name="", address="other@example.com")
    await bench.handle(mail_parsed(sender=sender, in_reply_to=[message_id], text="So what?"))
    assert await stored(bench) == [("other@example.com", True)]
    assert await told(bench) == [("agent@example.com", True)]


async def test_other_answers_are_public(bench: Bench) -> None:
    await internal_message_id(bench)
    fixed = mail_parsed(sender=BY_AGENT, subject="HELP-1", text="It is fixed.")
    await bench.handle(verified(fixed))
    assert await stored(bench) == [("agent@example.com", False)]
    assert await told(bench) == [("ada@example.org", False), ("other@example.com", False)]


async def test_a_decision_about_an_internal_answer_can_be_repeated(bench: Bench) -> None:
    message_id = await internal_message_id(bench)
    await bench.handle(mail_parsed(sender=BY_AGENT, in_reply_to=[message_id]))
    ((fact,),) = await bench.rows(
        "SELECT trace -> 'facts' -> 'internal_issue' FROM incoming_mail"
        " ORDER BY arrival DESC LIMIT 1"
    )
    assert fact["issue_key"] == "HELP-1"


async def test_an_answer_to_the_message_of_an_internal_comment_is_internal(bench: Bench) -> None:
    """An agent in copy answers what another one wrote, and not our notification."""
    message_id = await internal_message_id(bench)
    sender = Address(name="", address="other@example.com")
    first = mail_parsed(
        sender=sender, cc=[BY_AGENT], in_reply_to=[message_id], message_id="<m1@x>", text=SECRET
    )
    await bench.handle(first)
    await bench.handle(mail_parsed(sender=BY_AGENT, in_reply_to=["<m1@x>"], text=f"> {SECRET}"))
    assert await stored(bench) == [("other@example.com", True), ("agent@example.com", True)]
    assert await told(bench) == [("other@example.com", True)]


async def test_an_answer_to_the_message_of_a_public_comment_is_public(bench: Bench) -> None:
    await internal_message_id(bench)
    public = verified(mail_parsed(sender=BY_AGENT, subject="HELP-1", message_id="<m1@x>"))
    await bench.handle(public, mail_parsed(sender=BY_ADA, in_reply_to=["<m1@x>"]))
    assert await stored(bench) == [("agent@example.com", False), ("ada@example.org", False)]


@pytest.mark.parametrize("subject", ["Re: [HELP-1] Fire", "Re: Fire"])
async def test_the_middle_of_long_references_shows_an_internal_answer(
    bench: Bench, subject: str
) -> None:
    message_id = await internal_message_id(bench)
    older, newer = [f"<old{n}@x>" for n in range(10)], [f"<new{n}@x>" for n in range(10)]
    answer = mail_parsed(
        sender=BY_AGENT,
        subject=subject,
        message_id="<m1@x>",
        in_reply_to=newer[-1:],
        references=[*older, message_id, *newer],
        text=SECRET,
    )
    await bench.handle(answer)
    assert await stored(bench) == [("agent@example.com", True)]
    assert await told(bench) == [("other@example.com", True)]
    # And so is what answers it: its conversation has joined the issue.
    sender = Address(name="", address="other@example.com")
    await bench.handle(mail_parsed(sender=sender, in_reply_to=["<m1@x>"], text="Yes."))
    assert await stored(bench) == [("agent@example.com", True), ("other@example.com", True)]


AT_HOME = Address(name="", address="agent@home.example")


async def test_an_answer_in_the_mailbox_of_another_project_is_internal(bench: Bench) -> None:
    message_id = await internal_message_id(bench)
    answer = mail_parsed(
        mailbox="sales",
        sender=AT_HOME,
        in_reply_to=[message_id],
        text=f"See\n> {SECRET}",
        quotes_internal=True,
    )
    await bench.handle(answer)
    assert await bench.rows("SELECT count(*) FROM issue") == [(1,)]
    assert await stored(bench) == [("agent@home.example", True)]
    assert await told(bench) == [("agent@example.com", True), ("other@example.com", True)]


FORWARDED = (
    "FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Agent <agent@example.com>\r\n"
    "Date: Mon, 1 Jan 2024 10:00:00 +0000\r\nSubject: Re: [HELP-1] Fire\r\n"
    "To: support@example.com\r\n\r\nI know: " + SECRET + "\r\n\r\n"
)
LEFT_OUT = "(The rest of this message is left out, because it quotes an internal comment."


@pytest.mark.parametrize(
    ("above", "kept"), [("So what?\r\n\r\n", f"So what?\n\n{LEFT_OUT}"), (FORWARDED, LEFT_OUT)]
)
async def test_an_issue_holds_no_quoted_internal_comment(
    bench: Bench, above: str, kept: str
) -> None:
    """The message's Message-IDs are those of a server, and its sender is a stranger."""
    await internal_message_id(bench)
    ((text,),) = await bench.rows("SELECT text FROM outgoing_mail WHERE internal")
    await bench.save(Project(key="HELP", name="Help desk", default_assignee="other@example.com"))
    quoted = "".join(f"> {line}\r\n" for line in str(text).splitlines())
    await bench.arrive(
        b"From: agent@home.example\r\nTo: support@example.com\r\nSubject: Re: Fire\r\n"
        b"Message-ID: <answer@home.example>\r\nIn-Reply-To: <changed@ses.example>\r\n\r\n"
        + (above + quoted).encode()
    )
    found = await bench.rows("SELECT issue_key, description, description_blob FROM issue")
    made = {key: (description, blob) for key, description, blob in found}
    description, blob = made["HELP-2"]
    assert (description[: len(kept)], blob) == (kept, None)
    assert SECRET not in description
    sent = await bench.rows("SELECT text FROM outgoing_mail WHERE NOT internal")
    assert sent
    assert not [one for (one,) in sent if SECRET in one]
    assert await bench.rows("SELECT reason FROM incoming_mail ORDER BY arrival DESC LIMIT 1") == [
        ("no known conversation; the internal comment that it quotes is left out",)
    ]


def saying(text: str, sender: Address) -> MailParsed:
    reply = ReplyParts(
        new_text=text,
        quoted_text="> @agent",
        signature="@agent",
        new_html="",
        quoted_html="",
        signature_html="",
    )
    return verified(mail_parsed(subject="HELP-1", sender=sender, reply=reply))


async def test_an_agent_mentions_people_by_mail(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    await bench.handle(saying("@agent, see this", BY_ADA))
    # Ada is an outsider, who may not.
    assert await told(bench) == [("ada@example.org", False)]
    await other_agent(bench)
    await bench.rows("DELETE FROM watcher WHERE address <> 'ada@example.org' RETURNING 1")
    await bench.handle(saying("@other: see this @nobody", BY_AGENT))
    assert await told(bench) == [("ada@example.org", False), ("other@example.com", False)]


async def test_an_agent_who_is_not_verified_mentions_nobody(bench: Bench) -> None:
    """Whoever has the Message-ID of what an agent got could choose who is told."""
    await bench.handle(mail_parsed())
    await watch(bench.desk, AGENT, "HELP-1")
    await other_agent(bench)
    await comment(bench.desk, OTHER, "HELP-1", "Hm.")
    ((answered,),) = await bench.rows(
        "SELECT message_id FROM delivery WHERE recipient = 'agent@example.com'"
    )
    await bench.rows("DELETE FROM watcher WHERE address <> 'ada@example.org' RETURNING 1")
    mail = replace(saying("@other: see this", BY_AGENT), authentication=[])
    await bench.handle(replace(mail, in_reply_to=[answered]))
    assert await told(bench) == [("ada@example.org", False)]


async def test_a_mention_beyond_the_excerpt_notifies(bench: Bench) -> None:
    await bench.handle(mail_parsed())
    await other_agent(bench)
    await bench.rows("DELETE FROM watcher WHERE address <> 'ada@example.org' RETURNING 1")
    await bench.handle(saying("x " * 100_000 + "@other", BY_AGENT))
    assert ("other@example.com", False) in await told(bench)


async def test_a_comment_by_mail_quotes_the_public_ones_before(bench: Bench) -> None:
    await bench.save(Project(key="HELP", name="Help desk", quote_history=True))
    # Others watch the issue, and one comment is internal.
    await internal_message_id(bench)
    await comment(bench.desk, AGENT, "HELP-1", "Use water.")
    ((message_id,),) = await bench.rows(
        "SELECT delivery.message_id FROM delivery JOIN outgoing_mail USING (outgoing_id)"
        " WHERE recipient = 'ada@example.org' AND cause LIKE 'act %'"
    )
    # Both in one batch.
    await bench.handle(
        mail_parsed(sender=BY_ADA, in_reply_to=[message_id], text="It is empty."),
        mail_parsed(sender=BY_ADA, in_reply_to=[message_id], text="Now it is full."),
    )
    found = await bench.rows(
        "SELECT text FROM outgoing_mail JOIN delivery USING (outgoing_id)"
        " WHERE recipient = 'other@example.com' ORDER BY outgoing_mail.sequence DESC LIMIT 2"
    )
    quoted = [[o for o in text.splitlines() if o.startswith(">")] for (text,) in found]
    assert quoted == [["> It is empty.", "> Use water."], ["> Use water."]]
