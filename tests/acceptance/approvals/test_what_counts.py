"""What decides a request and what does not, each by a real message through the whole pipeline."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from tests.acceptance.approvals import mail_programs as programs
from tests.acceptance.approvals.mail_programs import answer
from tests.acceptance.approvals.office import ADA, BEN, CLEO, DORA, Office
from tests.acceptance.approvals.programs_that_answer import bounce, out_of_office, receipt
from tests.acceptance.approvals.rows import (
    APPROVED,
    OPEN,
    REJECTED,
    Acts,
    Row,
    replies,
    require_as_told,
    run,
)

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]

MAILTO = re.compile(r'href="(mailto:[^"]+)"')


def follows_link(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    part = request.get_body(("html",))
    assert part is not None
    links = [html.unescape(one) for one in MAILTO.findall(str(part.get_content()))]
    (approving,) = [one for one in links if "body=Approve" in one]
    office.put(programs.by_link(approving, ADA))
    yield


def other_person(office: Office, key: str) -> Iterator[None]:
    office.put(answer(office.request_to(ADA, key), BEN, "Approve"))
    yield


def forwards_to_us(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    office.put(programs.forwarded(request, ADA, str(request["Reply-To"]), "Approve"))
    yield


def answers_a_forwarded_copy(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    copy = programs.forwarded(request, ADA, BEN, "What do you think?")
    office.put(answer(copy, BEN, "Approve", To=str(request["Reply-To"])))
    yield


def redirects(office: Office, key: str) -> Iterator[None]:
    office.put(programs.redirected(answer(office.request_to(ADA, key), ADA, "Approve"), BEN))
    yield


def delegate_answers_for_another(office: Office, key: str) -> Iterator[None]:
    # She is asked herself; the message to the person for whom she answers has another token.
    office.put(answer(office.request_to(DORA, key), CLEO, "Approve"))
    yield


def is_absent(office: Office, key: str) -> Iterator[None]:
    office.put(out_of_office(office.request_to(ADA, key), ADA, "Yes, I am away until Monday."))
    yield


def bounces(office: Office, key: str) -> Iterator[None]:
    office.put(bounce(office.request_to(ADA, key), ADA, "Approve"))
    yield


def confirms_reading(office: Office, key: str) -> Iterator[None]:
    office.put(receipt(office.request_to(ADA, key), ADA, "Approve"))
    yield


def answers_twice(office: Office, key: str) -> Iterator[None]:
    office.answer(ADA, key, "Approve")
    yield
    office.answer(ADA, key, "Reject, I was wrong")
    yield


def is_replayed(office: Office, key: str) -> Iterator[None]:
    message = answer(office.request_to(ADA, key), ADA, "Approve").as_bytes(policy=SMTP)
    office.put(message)
    yield
    office.put(message)
    yield
    # Another message with the token of the first one.
    office.answer(ADA, key, "Reject")
    yield


def is_reassigned(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    office.desk.run("approvals", "reassign", key, ADA, BEN)
    office.put(answer(request, ADA, "Approve"))
    yield


def is_withdrawn(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    office.desk.run("approvals", "withdraw", key)
    office.put(answer(request, ADA, "Approve"))
    yield


def answers_late(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    office.pass_deadline(key)
    office.wait_for_state(key, "expired")
    office.put(answer(request, ADA, "Approve"))
    yield


def has_two_tokens(office: Office, key: str) -> Iterator[None]:
    other = token_of(office.request_to(ADA, office.ask("Another release").key))
    office.answer(ADA, key, f"Approve\n\n{other}", programs.unquoted)
    yield


def has_the_token_of_another(office: Office, key: str) -> Iterator[None]:
    """Approves a request by its subject, with the token of another one."""
    other = office.ask("Release of another team", BEN)
    to = str(office.request_to(BEN, other.key)["Reply-To"])
    message = programs.new_message(BEN, to, str(office.request_to(ADA, key)["Subject"]))
    message.set_content(f"Approve {key}\n")
    office.put(message)
    yield
    assert office.state(other.key) == APPROVED


def has_a_forged_token(office: Office, key: str) -> Iterator[None]:
    request = office.request_to(ADA, key)
    genuine = token_of(request)
    forged = genuine[:-1] + ("b" if genuine.endswith("a") else "a")
    written = answer(request, ADA, "Approve").as_bytes(policy=SMTP)
    assert genuine.encode() in written
    office.put(written.replace(genuine.encode(), forged.encode()))
    yield


def token_of(request: EmailMessage) -> str:
    """Returns the token in the reply address of a request."""
    return str(request["Reply-To"].addresses[0].username).partition("+")[2]


def is_spoofed(passes: bool | None) -> Acts:
    def act(office: Office, key: str) -> Iterator[None]:
        office.answer(ADA, key, "Approve", passes=passes)
        yield

    return act


def writes_elsewhere(office: Office, key: str) -> Iterator[None]:
    # It reaches the mailbox without having been addressed to it: in Bcc, or by a rule.
    office.put(answer(office.request_to(ADA, key), ADA, "Approve", To="desk@lab.test"))
    yield


def is_unclear_twice(office: Office, key: str) -> Iterator[None]:
    office.answer(ADA, key, "What does this release bring?")
    yield
    office.answer(ADA, key, "I think that we should talk about yes or no.")
    yield
    office.answer(ADA, key, "Approve\n\nThank you for the explanation.")
    yield


ROWS = {
    # What counts.
    "the approver approves": Row(replies("Approve, go ahead."), APPROVED),
    "the approver rejects": Row(replies("Reject\n\nNot on a Friday."), REJECTED),
    "by number, below the quotation": Row(replies("1", programs.below), APPROVED),
    "in two parts": Row(replies("Yes", programs.gmail), APPROVED),
    "in HTML only": Row(replies("Approved", programs.outlook), APPROVED),
    "from a phone": Row(replies("yes", programs.phone), APPROVED),
    "without the request": Row(replies("Yes.", programs.unquoted), APPROVED),
    "by the link of a choice": Row(follows_link, APPROVED),
    "the delegate": Row(replies("Approve", by=CLEO), APPROVED, approvers=(DORA,)),
    # What does not.
    "another person": Row(other_person, OPEN, (("stranger", True),)),
    "a forward to us": Row(forwards_to_us, OPEN, (("forwarded", True),)),
    "the answer to a forwarded copy": Row(answers_a_forwarded_copy, OPEN, (("stranger", True),)),
    "a redirected answer": Row(redirects, OPEN, (("forwarded", True),)),
    "a delegate with the other's token": Row(
        delegate_answers_for_another, OPEN, (("stranger", True),), approvers=(DORA,)
    ),
    "out of office": Row(is_absent, OPEN, (("automatic", False),)),
    "a bounce": Row(bounces, OPEN, (("bounce", False),)),
    "a receipt": Row(confirms_reading, OPEN, (("receipt", False),)),
    "our own words": Row(replies(""), OPEN, (("unclear", True),)),
    "our own words in HTML": Row(replies("", programs.outlook), OPEN, (("unclear", True),)),
    "our own words without marks": Row(replies("", programs.unmarked), OPEN, (("unclear", True),)),
    "our own words below": Row(replies("", programs.below), OPEN, (("unclear", True),)),
    "a second answer": Row(answers_twice, APPROVED, (("second", True),)),
    "a replayed answer": Row(
        is_replayed,
        OPEN,
        (("repeated", False), ("second", True)),
        approvers=(ADA, BEN),
        options={"rule": "all"},
    ),
    "after a reassignment": Row(is_reassigned, OPEN, (("replaced", True),)),
    "after the withdrawal": Row(is_withdrawn, ("withdrawn", ""), (("withdrawn", True),)),
    "after the deadline": Row(
        answers_late, ("expired", ""), (("expired", True),), options={"deadline": "10s"}
    ),
    "tokens of two requests": Row(has_two_tokens, OPEN, (("several_requests", True),)),
    "the token of another request": Row(has_the_token_of_another, OPEN),
    "a forged token": Row(has_a_forged_token, OPEN, (("forged_token", False),)),
    "a sender who fails DMARC": Row(is_spoofed(passes=False), OPEN, (("unverified", False),)),
    "a sender whom nothing proves": Row(is_spoofed(passes=None), OPEN, (("unverified", True),)),
    "another address": Row(writes_elsewhere, OPEN, (("other_address", True),)),
    "an unclear answer, then a clear one": Row(
        is_unclear_twice, APPROVED, (("unclear", True), ("unclear", False))
    ),
}


def test_only_a_valid_answer_of_the_approver_decides(office: Office) -> None:
    # She is absent, so that each of her requests has two who may answer.
    office.desk.run("approvals", "delegate", DORA, CLEO, "--until", "7d")
    asked = run(office, ROWS)
    require_as_told(office, ROWS, asked)
    # Each who may have meant an answer is told once why it did not count.
    told = sum(is_told for row in ROWS.values() for _, is_told in row.refused)
    helped = office.pipeline.value(
        "SELECT count(*) FROM outgoing_mail WHERE message_event = 'approval_help'"
    )
    assert helped == told
    assert office.outcomes() == Counter(
        # Two of them do not end their requests, or end that of another row.
        approval=sum(row.state[0] == "decided" for row in ROWS.values()) + 2,
        bounced=1,
        receipt=1,
        ignored=sum(len(row.refused) for row in ROWS.values()) - 2,
    )
    assert office.desk.asked("issues", "list") == []
