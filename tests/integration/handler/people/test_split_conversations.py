"""An issue begins a conversation of its own: the answers to its message belong to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.message_parts import Address
from postrail.operate.issues.transition import transition
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.integration.handler.people.test_outsiders import ADA, AGENT, MALLORY, sent_to
from tests.integration.handler.release.test_release import QUARANTINE, rule
from tests.makers.records import mail_parsed, verified

BO = Address(name="Bo", address="bo@example.org")
CARL = Address(name="Carl", address="carl@example.org")
DESK = Address(name="", address="support@example.com")
PIN = "My PIN is 1234."


def thread(first: MailParsed, senders: Sequence[Address]) -> list[MailParsed]:
    """Returns messages of which each answers the one before it."""
    mails = [first]
    for sender in senders:
        answer = mail_parsed(
            sender=sender,
            to=[DESK],
            in_reply_to=[str(mails[-1].message_id)],
            references=[str(one.message_id) for one in mails],
        )
        mails.append(verified(answer))
    return mails


async def handled(bench: Bench, mails: Sequence[MailParsed], *, batch: bool) -> None:
    """Handles the messages as they come, or takes all of them in before."""
    if batch:
        await bench.handle(*mails)
    else:
        for one in mails:
            await bench.handle(one)


async def outcomes(bench: Bench) -> list[tuple[str, str | None]]:
    return [(outcome, key) for _, outcome, key in await bench.outcomes()]


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("senders", [[BO] * 5, [BO, CARL, BO, CARL, ADA]])
async def test_a_thread_after_a_held_message_is_one_issue(
    bench: Bench, senders: list[Address], *, batch: bool
) -> None:
    """Each message by somebody whom the held one does not address made an issue."""
    await rule(bench, **QUARANTINE, when={"subject contains": "held"})
    first = mail_parsed(sender=ADA, to=[DESK], subject="held", text=PIN)
    await handled(bench, thread(first, senders), batch=batch)
    assert await outcomes(bench) == [
        ("quarantined", None),
        ("issue", "HELP-1"),
        *[("comment", "HELP-1")] * 4,
    ]
    assert sent_to(bench, PIN) == set()


@pytest.mark.parametrize("batch", [True, False])
async def test_answers_to_the_held_message_itself_stay_with_it(
    bench: Bench, *, batch: bool
) -> None:
    """Each stranger who answers it has an issue; its author's answer makes the one it comes to."""
    await rule(bench, **QUARANTINE, when={"subject contains": "held"})
    first = mail_parsed(sender=ADA, to=[DESK], subject="held", text=PIN)
    own = [thread(first, [one])[1] for one in (BO, CARL, ADA, ADA)]
    await handled(bench, [first, *own], batch=batch)
    assert await outcomes(bench) == [
        ("quarantined", None),
        ("issue", "HELP-1"),
        ("issue", "HELP-2"),
        ("issue", "HELP-3"),
        ("comment", "HELP-3"),
    ]


@pytest.mark.parametrize("batch", [True, False])
async def test_a_stranger_s_issue_about_a_done_one_has_the_stranger_s_next_messages(
    bench: Bench, *, batch: bool
) -> None:
    """Each of them made another issue, linked with the done one."""
    await bench.save(MailHandler(name="all", closed_issues="new_issue"))
    first = mail_parsed(sender=ADA, to=[DESK])
    await bench.handle(first)
    await transition(bench.desk, AGENT, "HELP-1", "Done")
    await handled(bench, thread(first, [MALLORY, MALLORY, MALLORY])[1:], batch=batch)
    # Whatever else answers the first message stays with it.
    mine = mail_parsed(sender=ADA, to=[DESK], in_reply_to=[str(first.message_id)], text=PIN)
    await bench.handle(verified(mine))
    assert await outcomes(bench) == [
        ("issue", "HELP-1"),
        ("issue", "HELP-2"),
        ("comment", "HELP-2"),
        ("comment", "HELP-2"),
        ("issue", "HELP-3"),
    ]
    assert MALLORY.address not in sent_to(bench, PIN)
