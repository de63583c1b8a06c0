"""A message was held, and somebody answers it before a person releases it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from postrail.message_parts import Address
from tests.integration.handler.bench import Bench
from tests.integration.handler.people.test_outsiders import ADA, MALLORY, sent_to, watchers
from tests.integration.handler.release.publishing import by_id, ordered, published
from tests.integration.handler.release.test_release import QUARANTINE, rule
from tests.makers.records import mail_parsed, verified

BO = Address(name="Bo", address="bo@example.org")
DESK = Address(name="", address="support@example.com")
PIN = "My PIN is 1234."


async def released_after_an_answer(
    bench: Bench, sender: Address, to: Sequence[Address], *, proven: bool
) -> None:
    """Holds a message of Ada's to Bo and us, lets somebody answer it, and releases it."""
    await rule(bench, **QUARANTINE, when={"subject contains": "held"})
    first = mail_parsed(sender=ADA, to=[DESK, BO], subject="held", text=PIN)
    answer = mail_parsed(sender=sender, in_reply_to=[str(first.message_id)], to=[DESK, *to])
    await bench.handle(first, verified(answer) if proven else answer)
    await ordered(bench, first.mail_id)
    await published(bench, by_id(first))
    await bench.work()


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("to", [[], [ADA]])
async def test_a_stranger_s_answer_does_not_hear_what_is_released(
    bench: Bench, to: list[Address], *, proven: bool
) -> None:
    """It was a comment on the stranger's issue, whose reporter was mailed the words."""
    await released_after_an_answer(bench, MALLORY, to, proven=proven)
    assert await bench.rows("SELECT issue_key, reporter_address FROM issue ORDER BY number") == [
        ("HELP-1", MALLORY.address),
        ("HELP-2", ADA.address),
    ]
    assert MALLORY.address not in sent_to(bench, PIN)
    ((reason,),) = await bench.rows(
        "SELECT reason FROM incoming_mail WHERE sender = 'mallory@example.net'"
    )
    assert "begins another one" in reason


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("sender", [ADA, BO])
async def test_what_is_released_is_a_comment_on_the_issue_of_its_people(
    bench: Bench, sender: Address, *, proven: bool
) -> None:
    await released_after_an_answer(bench, sender, [ADA, MALLORY], proven=proven)
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("comment", "HELP-1"),
    ]
    # Without a proof, an answer in the name of Bo brings nobody in.
    waits = sender == BO and not proven
    assert await bench.rows("SELECT outsider FROM comment") == [(waits,)]
    assert await bench.rows("SELECT address FROM participant WHERE address ~ 'mallory'") == (
        [(MALLORY.address,)] if proven else []
    )
    assert MALLORY.address not in await watchers(bench, "HELP-1")


@pytest.mark.parametrize("own", [True, False])
async def test_what_is_released_follows_no_id_that_was_only_named_before(
    bench: Bench, *, own: bool
) -> None:
    """A stranger takes the id that the held message answers, and has an issue by then."""
    await rule(bench, **QUARANTINE, when={"subject contains": "held"})
    named = "<colleague@example.org>"
    held = mail_parsed(sender=ADA, to=[DESK], in_reply_to=[named], subject="held", text=PIN)
    # One that addresses Ada joins her conversation by that id, and begins one of its own.
    addressed = {"to": [DESK, ADA]} if own else {}
    taken = verified(mail_parsed(sender=MALLORY, message_id=named, **addressed))
    await bench.handle(held, taken)
    await ordered(bench, held.mail_id)
    await published(bench, by_id(held))
    await bench.work()
    assert [(outcome, key) for _, outcome, key in await bench.outcomes()] == [
        ("issue", "HELP-1"),
        ("issue", "HELP-2"),
    ]
    assert MALLORY.address not in sent_to(bench, PIN)
