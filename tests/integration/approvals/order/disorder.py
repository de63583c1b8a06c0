"""Makes requests, and answers that come in any order, again, from the wrong people, and at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from postrail.approvals import store
from postrail.approvals.order import ApprovalOrder
from postrail.approvals.request import Assignment, Request, Rule
from postrail.approvals.token import reply_address, token_for
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.database import transaction
from postrail.message_parts import Address
from postrail.operate.approvals.request import request_approval
from postrail.records import MailParsed
from postrail.secrets import Secrets
from tests.integration.handler.bench import Bench
from tests.makers.acts import OPERATOR
from tests.makers.configuration import mail_account
from tests.makers.records import AUTHSERV_ID, mail_parsed, verified

SETUP, ACCOUNT, REPLY_TO = "deploy", "approvals", "approvals@example.com"
CALLBACK = "https://deploy.example.com/approved"
WORDS = {"approve": "Approve", "reject": "Reject\n\nNot today."}


@dataclass(frozen=True)
class Answer:
    """A message, and whether its author may decide with it."""

    mail: MailParsed
    address: str
    choice: str
    valid: bool


async def set_up(bench: Bench) -> None:
    """Configures an approval setup with a mailbox of its own."""
    await bench.save(
        mail_account(
            ACCOUNT,
            purpose="approvals",
            address=REPLY_TO,
            plus_addresses=True,
            authserv_ids=[AUTHSERV_ID],
        ),
        ApprovalSetup(
            name=SETUP,
            enabled=True,
            account=ACCOUNT,
            reply_address=REPLY_TO,
            callback_secret=Secrets(bench.settings.secrets).seal("s3cret"),
        ),
    )


async def make_request(bench: Bench, random: Random) -> Request:
    """Asks up to four people by any rule."""
    approvers = [f"p{number}@example.org" for number in range(random.randint(1, 4))]
    order = ApprovalOrder(
        setup=SETUP,
        subject="Release",
        approvers=approvers,
        rule=random.choice(list(Rule)),
        needed=random.randint(1, len(approvers)),
        callback_url=CALLBACK,
    )
    if order.rule is not Rule.COUNT:
        order = replace(order, needed=1)
    seal = Secrets(bench.settings.secrets).seal
    made = await request_approval(bench.desk, OPERATOR, order, seal)
    async with transaction(bench.pool) as connection:
        return (await store.by_id(connection, [made.request_id]))[made.request_id]


async def parts_of(bench: Bench, request: Request) -> list[Assignment]:
    """Returns the parts of the approvers, in their order."""
    async with transaction(bench.pool) as connection:
        return (await store.assignments(connection, [request.request_id]))[request.request_id]


def answers_to(
    request: Request, parts: Sequence[Assignment], key: bytes, random: Random
) -> list[Answer]:
    """Returns answers of the approvers and of others, some of them again, in any order."""
    found = []
    for part in parts:
        for _ in range(random.randint(0, 3)):
            choice = random.choice([*WORDS])
            kind = random.choice([*KINDS, *["valid"] * len(KINDS)])
            mail = replace(answer_by(part, request, key, choice))
            found.append(
                Answer(
                    mail=KINDS[kind](mail) if kind in KINDS else mail,
                    address=part.address,
                    choice=choice,
                    valid=kind == "valid",
                )
            )
    # The same message again: another copy in the mailbox, whose content is the same.
    for one in random.sample(found, len(found) // 3):
        mail_id = str(uuid.uuid4())
        copy = replace(one.mail, mail_id=mail_id, source=f"copy of {one.mail.source}")
        found.append(replace(one, mail=copy))
    random.shuffle(found)
    return found


def answer_by(part: Assignment, request: Request, key: bytes, choice: str) -> MailParsed:
    """Returns a valid answer of the approver."""
    token = token_for(key, part.assignment_id, request.request_id, part.address)
    return verified(
        mail_parsed(
            mailbox=ACCOUNT,
            subject=f"Re: [{request.key}] Release",
            sender=Address(name="", address=part.address),
            to=[Address(name="", address=reply_address(REPLY_TO, token))],
            in_reply_to=[part.message_id] if part.message_id else [],
            text=WORDS[choice],
        )
    )


def _by(address: str) -> Any:
    def change(mail: MailParsed) -> MailParsed:
        return verified(
            replace(mail, sender=Address(name="", address=address), authentication=[], headers=[])
        )

    return change


def _forged(mail: MailParsed) -> MailParsed:
    (to,) = mail.to
    local, _, domain = to.address.rpartition("@")
    last = "b" if local.endswith("a") else "a"
    forged = Address(name="", address=f"{local[:-1]}{last}@{domain}")
    return replace(mail, to=[forged], in_reply_to=[])


# What is done to a valid answer, so that it decides nothing.
KINDS: dict[str, Any] = {
    "by a stranger": _by("eve@example.net"),
    "not proven": lambda mail: replace(mail, authentication=[]),
    "by a program": lambda mail: replace(mail, kind="auto_reply", kind_reason="Auto-Submitted"),
    "forged": _forged,
    "in another mailbox": lambda mail: replace(mail, mailbox="support"),
    "unclear": lambda mail: replace(mail, text="What is this?"),
    "forwarded": lambda mail: replace(mail, subject=f"Fwd: {mail.subject}"),
}
