"""A copy of an answer in another mailbox decides nothing, and does not keep the answer from it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from random import Random

import pytest

from postrail.message_parts import Address
from tests.integration.approvals.order.disorder import ACCOUNT, answer_by, make_request, parts_of
from tests.integration.handler.bench import Bench

HELP_DESK = Address(name="", address="support@example.com")


@pytest.mark.parametrize("comes_first", [True, False])
@pytest.mark.parametrize(("cc", "outcome"), [([HELP_DESK], "issue"), ([], "ignored")])
async def test_the_copy_is_listed_and_the_answer_decides(
    bench: Bench, comes_first: bool, cc: list[Address], outcome: str
) -> None:
    request = await make_request(bench, Random(0))
    part = (await parts_of(bench, request))[0]
    answer = replace(answer_by(part, request, bench.key, "approve"), cc=cc)
    copy = replace(answer, mail_id=str(uuid.uuid4()), mailbox="support")
    for mail in [copy, answer] if comes_first else [answer, copy]:
        await bench.handle(mail)
    found = await bench.rows("SELECT mailbox, outcome FROM incoming_mail ORDER BY mailbox")
    assert found == [(ACCOUNT, "approval"), ("support", outcome)]
    assert await bench.rows(
        "SELECT choice, mail_id FROM approval_assignment WHERE state = 'answered'"
    ) == [("approve", answer.mail_id)]
    assert await bench.rows(
        "SELECT mail_id, details::json->>'why' FROM approval_event WHERE kind = 'refused'"
    ) == [(copy.mail_id, "other_mailbox")]
