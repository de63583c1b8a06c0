"""The records of handled messages hold what the database has: a restore needs no more."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import AppliedEffect, ReleaseOrder
from postrail.records import MailHandled
from tests.integration.handler.bench import Bench
from tests.integration.handler.release.publishing import by_id, ordered, published
from tests.makers.records import mail_parsed, verified

# What a record has of a message's row, in the order of the columns.
FIELDS = (
    "mail_id",
    "mailbox",
    "revision",
    "outcome",
    "reason",
    "issue_id",
    "issue_key",
    "comment_id",
    "handled_at",
    "conversation",
    "queue",
    "arrival",
    "first_handled_at",
)


async def last_records(bench: Bench) -> dict[str, MailHandled]:
    """Returns the last record of each message."""
    return {record.mail_id: record for record in bench.sent(MailHandled)}


async def rows_as_records(bench: Bench) -> dict[str, dict[str, Any]]:
    """Returns what the rows of the messages say, in the form of records."""
    found = await bench.rows(
        "SELECT mail_id::text, mailbox, revision, outcome, reason, issue_id, issue_key, comment_id,"
        " handled_at, conversation::text, queue::text, arrival, first_handled_at, trace, release"
        " FROM incoming_mail"
    )
    return {row[0]: described(row) for row in found}


def described(row: tuple[Any, ...]) -> dict[str, Any]:
    trace, release = row[-2], row[-1]
    return {
        **dict(zip(FIELDS, row, strict=False)),
        "change_id": trace.get("change_id"),
        "held_by": trace.get("held_by", ""),
        "release": release
        and asdict(
            ReleaseOrder(
                ordered_by=release["by"],
                ordered_at=datetime.fromisoformat(release["at"]),
                as_handler=release["as_handler"],
                skips=release["skips"],
            )
        ),
    }


async def test_records_hold_what_the_rows_say(bench: Bench) -> None:
    await bench.save(
        MailHandler.model_validate(
            {
                "name": "held",
                "order": 1,
                "when": {"subject contains": "held"},
                "then": [{"quarantine": "odd"}],
            }
        ),
        MailHandler(name="desk", create_users=True),
    )
    first = mail_parsed(message_id="<1@x>")
    mails = [
        first,
        # A comment that also names another issue, by somebody who takes part.
        verified(mail_parsed(references=["<1@x>"], subject="Re: HELP-2")),
        mail_parsed(mailbox="info", message_id="<1@x>", fingerprint=first.fingerprint),
        mail_parsed(subject="held"),
        mail_parsed(subject="held too"),
        mail_parsed(error="no header"),
    ]
    await bench.handle(mail_parsed(subject="Another"), first)
    for mail in mails[1:]:
        bench.clock.move(1)
        await bench.handle(mail)
    await ordered(bench, mails[3].mail_id)
    bench.clock.move(1)
    await published(bench, by_id(*mails))
    await bench.work()

    records, rows = await last_records(bench), await rows_as_records(bench)
    assert records.keys() == rows.keys()
    for mail_id, row in rows.items():
        record = asdict(records[mail_id])
        assert {name: record[name] for name in row} == row
    assert {one.outcome for one in records.values()} == {
        "issue",
        "comment",
        "noted",
        "quarantined",
        "failed",
    }
    released = records[mails[3].mail_id]
    assert released.release is not None
    assert (released.revision, released.release.skips) == (2, ["action of held"])
    # Every revision has its record.
    revisions = [one.revision for one in bench.sent(MailHandled) if one.mail_id == mails[3].mail_id]
    assert revisions == [1, 2]
    await same_effects(bench, records)


async def same_effects(bench: Bench, records: dict[str, MailHandled]) -> None:
    """Compares the effects of the records with the tables that they changed."""
    by_kind: dict[str, list[tuple[MailHandled, AppliedEffect]]] = {}
    for record in records.values():
        for effect in record.effects:
            by_kind.setdefault(effect.kind, []).append((record, effect))
    made = [(one.mail_id, done.issue_key) for one, done in by_kind["create_issue"]]
    assert sorted(made) == await bench.rows("SELECT mail_id::text, issue_key FROM issue ORDER BY 1")
    commented = [
        (one.mail_id, done.issue_key, done.comment_id) for one, done in by_kind["add_comment"]
    ]
    assert sorted(commented) == await bench.rows(
        "SELECT mail_id::text, issue_key, comment_id FROM comment ORDER BY 1"
    )
    noted = {(done.issue_id, done.address) for _, done in by_kind["note_address"]}
    assert noted <= set(await bench.rows("SELECT issue_id, address FROM issue_address"))
    persons = {done.address for _, done in by_kind["create_person"]}
    assert [(one,) for one in persons] == await bench.rows(
        "SELECT own.address FROM person_address AS own JOIN person USING (person_id)"
        " WHERE origin = 'mail'"
    )
    effects = [effect for record in records.values() for effect in record.effects]
    linked = [(one.issue_key, one.linked_key) for one in effects if one.linked_key]
    assert sorted(linked) == await bench.rows("SELECT issue_key, linked_key FROM issue_link")
    joined = {
        (record.conversation, effect.issue_id)
        for record in records.values()
        for effect in record.effects
        if effect.joins_conversation
    }
    assert joined == set(
        await bench.rows("SELECT conversation::text, issue_id FROM conversation_issue")
    )
    sent = {(one, record.mail_id) for record in records.values() for one in record.outgoing_ids}
    caused = await bench.rows("SELECT outgoing_id::text, cause FROM outgoing_mail")
    assert sent == {(one, mail_of(cause)) for one, cause in caused}
    assert sent


def mail_of(cause: str) -> str:
    """Returns the id of the message that caused an outgoing one."""
    found = re.match(r"mail (\S+) revision \d+", cause)
    assert found
    return found[1]
