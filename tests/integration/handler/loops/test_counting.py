"""What counts against the limits: of earlier messages by index, and of those in one batch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from postrail.configuration.models.limit import Limit, LimitName
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.sender_filter import SenderFilter
from postrail.database import Pool, open_pool, rows, transaction
from postrail.incoming import conversations
from postrail.incoming.limits import counting
from postrail.incoming.limits.counting import OF_SENDERS
from postrail.message_parts import Address, counted_sender
from postrail.outgoing import counting as outgoing
from postrail.records import OutgoingQueued
from postrail.settings import Settings
from tests.integration.handler.bench import Bench
from tests.integration.handler.loops.test_attacks import held, outcomes, watch
from tests.integration.handler.loops.test_backlogs import came
from tests.makers.records import NOON, mail_parsed, verified

MANY = 100_000
# The rows of the filled tables are all of the first.
TIMES = (NOON, NOON - timedelta(hours=3))
# It has the issues of all messages.
CONVERSATION = "00000000-0000-0000-0000-000000000001"
ADA = Address(name="Ada", address="ada@example.org")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("ada+1+2@example.org", "ada@example.org"),
        ("ada+1@b+c@example.org", "ada@b+c@example.org"),
        ("ÄDA@example.org", "Äda@example.org"),
        ("", ""),
        ("+1", "+1"),
        ("a" * 400, "a" * 320),
    ],
)
async def test_the_index_has_the_senders_as_they_are_counted(
    bench: Bench, address: str, counted: str
) -> None:
    assert counted_sender(address) == counted
    await bench.handle(mail_parsed(sender=Address(name="", address=address)))
    async with transaction(bench.pool) as connection:
        within = dict.fromkeys(OF_SENDERS, timedelta(minutes=1))
        found = await counting.of_senders(connection, [(counted, False, NOON)], within, 10)
    assert found[counted, False, NOON]["sender_messages"] == (1, 1)


async def test_messages_of_one_batch_count_each_other(bench: Bench) -> None:
    await bench.handle(*(mail_parsed(sender=ADA) for _ in range(30)))
    assert await outcomes(bench) == {"issue": 20, "quarantined": 10}
    assert await held(bench) == {"sender_messages": 10}
    stored = await bench.rows(
        "SELECT (trace -> 'facts' -> 'counts' ->> 'sender_messages')::int FROM incoming_mail"
        " WHERE outcome = 'issue' ORDER BY arrival"
    )
    assert [number or 0 for (number,) in stored] == list(range(20))
    # What was held does not count: two hours later the sender may write again.
    await bench.handle(*(came(NOON + timedelta(minutes=121)) for _ in range(5)))
    assert (await outcomes(bench))["issue"] == 25


async def conversation(bench: Bench) -> str:
    """Takes in a message; returns its Message-ID."""
    first = mail_parsed(sender=ADA)
    await bench.handle(first)
    return str(first.message_id)


async def last_outcome(bench: Bench, message_id: str) -> str:
    """Returns what becomes of a proven message of the conversation's first sender."""
    await bench.handle(verified(mail_parsed(sender=ADA, in_reply_to=[message_id])))
    return (await bench.outcomes())[-1][1]


async def test_forged_messages_do_not_brake_the_one_whose_name_they_bear(bench: Bench) -> None:
    message_id = await conversation(bench)
    await bench.handle(*(mail_parsed(sender=ADA) for _ in range(25)))
    await bench.handle(*(mail_parsed(sender=ADA, in_reply_to=[message_id]) for _ in range(25)))
    assert await held(bench) == {"sender_messages": 31}
    assert await last_outcome(bench, message_id) == "comment"


@pytest.mark.parametrize("kind", ["human", "auto_generated"])
@pytest.mark.parametrize("together", [True, False])
async def test_outsiders_do_not_brake_those_who_take_part(
    bench: Bench, kind: str, *, together: bool
) -> None:
    message_id = await conversation(bench)
    strangers = [
        mail_parsed(
            sender=Address(name="", address=f"x{n}@example.net"),
            in_reply_to=[message_id],
            kind=kind,
        )
        for n in range(25)
    ]
    for mails in [strangers] if together else [[one] for one in strangers]:
        await bench.handle(*mails)
    assert await held(bench) == {"conversation_messages": 5}
    assert await last_outcome(bench, message_id) == "comment"


@pytest.mark.parametrize("together", [True, False])
async def test_machines_that_take_part_do_not_bury_an_issue(
    bench: Bench, *, together: bool
) -> None:
    await bench.save(Limit(name=LimitName.CONVERSATION_MACHINES, value=5))
    message_id = await conversation(bench)
    machines = [f"m{number}@example.net" for number in range(8)]
    await watch(bench, "HELP-1", *machines)
    alarms = [
        mail_parsed(
            sender=Address(name="", address=one), in_reply_to=[message_id], kind="auto_generated"
        )
        for one in machines
    ]
    for mails in [alarms] if together else [[one] for one in alarms]:
        await bench.handle(*mails)
    assert await held(bench) == {"conversation_machines": 3}
    assert await last_outcome(bench, message_id) == "comment"


async def test_forged_alarms_do_not_brake_the_machine_whose_name_they_bear(bench: Bench) -> None:
    await bench.save(Limit(name=LimitName.CONVERSATION_MACHINES, value=3))
    message_id = await conversation(bench)
    for _ in range(4):
        forged = mail_parsed(sender=ADA, in_reply_to=[message_id], kind="auto_generated")
        await bench.handle(forged)
    assert await held(bench) == {"conversation_machines": 1}
    await bench.handle(
        verified(mail_parsed(sender=ADA, in_reply_to=[message_id], kind="auto_reply"))
    )
    assert (await bench.outcomes())[-1][1] == "comment"


@pytest.mark.parametrize("answers", [True, False])
async def test_a_key_in_other_messages_does_not_brake_its_issue(
    bench: Bench, *, answers: bool
) -> None:
    """Twenty strangers' messages that named a key braked the people of its issue."""
    message_id = await conversation(bench)
    other = mail_parsed(sender=Address(name="", address="x@example.net"))
    await bench.handle(other)
    fields: dict[str, Any] = {"in_reply_to": [str(other.message_id)]} if answers else {}
    for number in range(25):
        sender = Address(name="", address=f"x{number}@example.net")
        await bench.handle(mail_parsed(sender=sender, subject="HELP-1", **fields))
    assert await last_outcome(bench, message_id) == "comment"


@pytest.mark.parametrize(
    "configured",
    [
        SenderFilter(name="f", domains=[r"example\.org$"], then="push_back"),
        MailHandler.model_validate({"name": "h", "then": [{"drop": "no"}, {"reply": "No."}]}),
        MailHandler.model_validate(
            {"name": "h", "create_users": True, "then": [{"reply": "Call us."}]}
        ),
        MailHandler(name="h", create_users=True),
    ],
    ids=["pushed back", "dropped", "new person", "confirmed"],
)
async def test_answers_of_one_batch_count_whatever_becomes_of_the_messages(
    bench: Bench, configured: SenderFilter | MailHandler
) -> None:
    await bench.save(configured)
    await bench.handle(*(mail_parsed(sender=ADA) for _ in range(15)))
    (answer,) = bench.sent(OutgoingQueued)
    assert [one.recipient for one in answer.deliveries] == [ADA.address]


async def test_forged_messages_do_not_use_up_the_answers_to_a_proven_sender(bench: Bench) -> None:
    await bench.handle(*(mail_parsed(sender=ADA) for _ in range(2)))
    for _ in range(2):
        await bench.handle(*(verified(mail_parsed(sender=ADA)) for _ in range(2)))
    answers = bench.sent(OutgoingQueued)
    assert [(one.issue_key, one.answers_proven) for one in answers] == [
        ("HELP-1", False),
        ("HELP-3", True),
    ]
    # The next forger gets none, as before.
    await bench.handle(mail_parsed(sender=ADA))
    assert len(bench.sent(OutgoingQueued)) == 2


async def test_automatic_messages_do_not_count_against_people(bench: Bench) -> None:
    await bench.handle(*(mail_parsed(sender=ADA, kind="auto_reply") for _ in range(25)))
    await bench.handle(mail_parsed(sender=ADA))
    assert await outcomes(bench) == {"issue": 26}


async def test_duplicates_and_ignored_messages_do_not_count(bench: Bench) -> None:
    mail = mail_parsed(sender=ADA)
    copies = [
        mail_parsed(sender=ADA, message_id=mail.message_id, fingerprint=mail.fingerprint)
        for _ in range(25)
    ]
    await bench.handle(mail, *copies)
    await bench.handle(mail_parsed(sender=ADA))
    assert await outcomes(bench) == {"issue": 2, "duplicate": 25}
    assert await held(bench) == {}


async def test_a_released_message_takes_effect_and_does_not_count(bench: Bench) -> None:
    await bench.handle(*(mail_parsed(sender=ADA) for _ in range(21)))
    async with transaction(bench.pool) as connection:
        await connection.execute(
            "UPDATE incoming_mail SET state = 'new', release = %s WHERE state = 'quarantined'",
            [Jsonb({"skips": ["limits"], "by": "Eve", "at": NOON.isoformat()})],
        )
    await bench.work()
    assert await outcomes(bench) == {"issue": 21}
    await bench.handle(*(came(NOON + timedelta(minutes=121)) for _ in range(20)))
    assert await outcomes(bench) == {"issue": 41}
    # The one that was released was the twenty-first of its time.
    await bench.handle(came(NOON - timedelta(minutes=119)))
    assert (await outcomes(bench))["quarantined"] == 1


async def test_an_issue_with_too_many_watchers_gets_no_more_by_mail(bench: Bench) -> None:
    await bench.save(Limit(name=LimitName.ISSUE_WATCHERS, value=3))
    first = mail_parsed(sender=ADA)
    await bench.handle(first)

    await watch(bench, "HELP-1", "a@example.org", "b@example.org")
    takes_part = mail_parsed(sender=ADA, in_reply_to=[str(first.message_id)])
    await bench.handle(takes_part)
    ((reason,),) = await bench.rows("SELECT reason FROM incoming_mail WHERE comment_id IS NOT NULL")
    assert reason.endswith("nobody is added as a watcher: limit issue_watchers: 3 watchers")
    assert await bench.rows("SELECT count(*) FROM watcher") == [(3,)]


async def filled(pool: Pool) -> None:
    """Writes 100,000 messages of 1,000 senders in 10,000 conversations, with their answers."""
    statements = [
        "INSERT INTO incoming_mail (mail_id, mailbox, source, state, size, fetched_at, sender,"
        "  conversation, queue, issue_id, outcome, trace, received_at, message_id)"
        " SELECT gen_random_uuid(), 'support', n::text, 'done', 1, now(),"
        "  's' || n % 1000 || '@example.org', md5((n % 10000)::text)::uuid,"
        "  md5((n % 10000)::text)::uuid, n % 10000, 'issue',"
        ' \'{"kind": "human", "standing": "unproven"}\','
        "  '2026-01-01 12:00Z'::timestamptz - n * interval '1 second', '<' || n || '@x>'"
        f" FROM generate_series(1, {MANY}) AS n",
        "INSERT INTO issue_index (issue_id, tracker, issue_key, project_key, conversation, summary,"
        "  created_at) OVERRIDING SYSTEM VALUE"
        " SELECT n, 'builtin', 'HELP-' || n, 'HELP', gen_random_uuid(), '', now()"
        " FROM generate_series(1, 9999) AS n",
        "INSERT INTO conversation_issue (conversation, issue_id)"
        f" SELECT '{CONVERSATION}', issue_id FROM issue_index",
        "INSERT INTO outgoing_mail (outgoing_id, conversation, issue_id, cause, connection,"
        "  envelope_from, subject, queued_at)"
        " SELECT md5(n::text)::uuid, gen_random_uuid(), n % 1000, '', 'out', 'd@example.com', '',"
        "  '2026-01-01 12:00Z'::timestamptz - n * interval '1 second'"
        f" FROM generate_series(1, {MANY}) AS n",
        "INSERT INTO delivery (outgoing_id, recipient, connection, sequence, state, due_at,"
        "  changed_at, message_id, issue_id, answered_at)"
        " SELECT outgoing_id, 's' || issue_id || '@example.org', 'out', sequence, 'sent', now(),"
        "  now(), '', issue_id, queued_at FROM outgoing_mail",
        "ANALYZE",
    ]
    async with transaction(pool) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


async def test_counting_reads_by_index(settings: Settings) -> None:
    pool = await open_pool(settings.database)
    await filled(pool)
    since = NOON - timedelta(hours=2)
    async with transaction(pool) as connection:
        before = await scans(connection)
        within = dict.fromkeys(OF_SENDERS, timedelta(hours=2))
        senders = [(address, False, at) for address in ("s7@example.org", "x@y") for at in TIMES]
        senders.append(("s7@example.org", True, NOON))
        found = await counting.of_senders(connection, senders, within, 1000)
        counts = [(8, 0), (7, 7), (0, 0), (0, 0), (0, 0)]
        assert [found[one]["sender_messages"] for one in senders] == counts
        assert await counting.of_issues(connection, {7: (TIMES[1], NOON)}, timedelta(hours=2)) == {
            (7, "unproven"): {NOON - timedelta(minutes=1): 1, NOON - timedelta(minutes=167): 1}
        }
        answered = await conversations.issues_of(connection, [CONVERSATION], ["<7@x>", "<8@x>"])
        assert [len(answered[CONVERSATION]), *answered[CONVERSATION][:2]] == [42, 7, 8]
        counted = await outgoing.answers(connection, ["s7@example.org"], since, since)
        assert counted == {("s7@example.org", False): (8, 8)}
        assert await outgoing.notifications(connection, [7], since, 500) == {7: 8}
        assert await outgoing.notifications(connection, [7], since, 3) == {7: 3}
        assert await scans(connection) == before
    await pool.close()


async def scans(connection: Any) -> list[Any]:
    """Returns how often the tables were read as a whole."""
    return await rows(
        connection,
        "SELECT relname, pg_stat_get_xact_numscans(oid) FROM pg_class"
        " WHERE relname IN ('incoming_mail', 'outgoing_mail', 'delivery', 'conversation_issue')"
        " ORDER BY relname",
    )
