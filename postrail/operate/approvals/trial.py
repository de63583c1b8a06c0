"""Tests an approval setup step by step: its account, its connection, a request and its reply."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from postrail.approvals.order import ApprovalOrder
from postrail.clock import Clock
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Transactions
from postrail.effects.approvals.checks import setup_named
from postrail.errors import PipelineError
from postrail.oauth.tokens import AccessTokens
from postrail.operate.approvals.request import Requested, request_approval
from postrail.operate.issues.act import Actor, Desk
from postrail.operate.test_account import stored_candidate, test_account
from postrail.operate.test_connection import (
    ConnectionCandidate,
    send_test,
    stored_connection,
    try_candidate,
)
from postrail.secrets import Secrets
from postrail.views.approvals.detail import RequestDetail, request_detail
from postrail.views.incoming import arrived
from postrail.wire.timed_steps import Step

# Between two looks at the database while a reply is awaited.
PAUSE_SECONDS = 1.0
# Between two requests to the fetcher to poll the mailbox.
POLL_SECONDS = 15.0
# How long a message to a plus-address is awaited where none are used: it may never arrive.
PROBE_SECONDS = 30.0
TEXT = "This is a test of the approval setup {name} of Postrail. Nothing follows from the answer."
OPEN_FOR = timedelta(days=1)
SEE_HELD = "See: postrail outgoing list --state held"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetupTrial:
    """What the test of a setup needs."""

    desk: Desk
    actor: Actor
    transactions: Transactions
    secrets: Secrets
    tokens: AccessTokens
    clock: Clock
    # Asks the fetcher to poll the mail account with this name.
    poll: Callable[[str], Awaitable[object]]
    # The name of the setup.
    name: str
    # Who is asked.
    to: str
    # How long a reply is awaited; 0: not at all.
    wait_seconds: float


async def try_setup(trial: SetupTrial) -> AsyncIterator[Step]:
    """Yields the steps as they are done, up to the first that fails.

    The last ones make a request, which stays open for a day, and wait for its reply. Raises
    RequestRefused for an unknown setup, or a disabled one.
    """
    async with trial.transactions() as connection:
        snapshot = await load_snapshot(connection)
    setup = setup_named(snapshot, trial.name)
    parts: list[AsyncIterator[Step]] = [
        _settings(setup, snapshot),
        _account(trial, setup),
        _mailbox(snapshot.accounts[setup.account]),
        _connection(trial, setup, snapshot),
    ]
    if trial.wait_seconds and not setup.group_address:
        parts.append(_plus_address(trial, setup, snapshot))
    parts.append(_request(trial, setup))
    for part in parts:
        async for step in part:
            yield step
            if not step.ok:
                return


async def _settings(setup: ApprovalSetup, snapshot: ConfigurationSnapshot) -> AsyncIterator[Step]:
    account = snapshot.accounts.get(setup.account)
    if account is None or not account.enabled:
        yield _step(
            "settings",
            f"mail account {setup.account!r} is not enabled, so that no answer arrives",
            remedy=f"Run: postrail accounts enable {setup.account}",
            ok=False,
        )
        return
    address = snapshot.reply_address_of(setup)
    detail = f"answers to {address} arrive in account {account.name}"
    if account.authserv_ids:
        yield _step("settings", f"{detail}; senders verified by {', '.join(account.authserv_ids)}")
        return
    yield _step(
        "settings",
        f"{detail}; unverified senders may decide",
        remedy="Name the server that verifies senders in authserv_ids of the account; until then,"
        " anybody who knows a token and an approver's address can answer",
    )


async def _account(trial: SetupTrial, setup: ApprovalSetup) -> AsyncIterator[Step]:
    candidate = await stored_candidate(trial.transactions, trial.secrets, setup.account)
    async for step in test_account(candidate, trial.tokens):
        yield step


async def _mailbox(account: MailAccount) -> AsyncIterator[Step]:
    """Says what becomes of other mail in the folder."""
    what = "mail that is no answer"
    match account.after_download:
        case "remove":
            yield _step(
                "other mail",
                f"{what} is removed from {account.folder}, too",
                remedy="Use the mailbox for nothing else, or set after_download: move",
            )
        case "move":
            yield _step("other mail", f"{what} is moved to {account.move_to}, as all that is read")
        case _:
            yield _step("other mail", f"{what} stays in {account.folder}, as all that is read")


async def _connection(
    trial: SetupTrial, setup: ApprovalSetup, snapshot: ConfigurationSnapshot
) -> AsyncIterator[Step]:
    candidate = await _sender(trial, setup, snapshot)
    async for step in try_candidate(candidate, trial.tokens, trial.to):
        yield step


async def _sender(
    trial: SetupTrial, setup: ApprovalSetup, snapshot: ConfigurationSnapshot
) -> ConnectionCandidate:
    """Returns the outgoing connection of the setup, which `setup_named` has found."""
    connection = snapshot.connection_of_setup(setup)
    assert connection is not None, "requests are sent over a connection"
    return await stored_connection(trial.transactions, trial.secrets, connection.name)


async def _plus_address(
    trial: SetupTrial, setup: ApprovalSetup, snapshot: ConfigurationSnapshot
) -> AsyncIterator[Step]:
    """Sends a message to the reply address with an extension, and waits for it."""
    account = snapshot.accounts[setup.account]
    local, _, domain = snapshot.reply_address_of(setup).rpartition("@")
    address = f"{local}+postrail-test@{domain}"
    message_id = f"<test-{uuid.uuid4()}@{domain}>"
    started = trial.clock.steady()
    candidate = await _sender(trial, setup, snapshot)
    answer = await send_test(
        candidate, trial.tokens, address, trial.clock, lambda *_: None, message_id=message_id
    )

    async def has_arrived() -> bool:
        async with trial.transactions() as connection:
            return await arrived(connection, account.name, message_id, trial.desk.now)

    seconds = trial.wait_seconds
    if not account.plus_addresses:
        seconds = min(seconds, PROBE_SECONDS)
    works = answer.state == "sent" and await _awaited(trial, account.name, has_arrived, seconds)
    yield _plus_step(account, address, works, trial.clock.steady() - started)


def _plus_step(account: MailAccount, address: str, works: bool, seconds: float) -> Step:
    setting = f"plus_addresses of account {account.name}"
    detail = f"a message to {address} {'has arrived' if works else 'has not arrived'}"
    if works == account.plus_addresses:
        return _step("plus address", detail, seconds=seconds)
    if works:
        remedy = f"Set {setting} to true: answers then name their request in one more place"
        return _step("plus address", detail, remedy=remedy, seconds=seconds)
    return _step(
        "plus address",
        detail,
        remedy=f"Set {setting} to false: answers to such addresses would be lost. If the fetcher"
        " does not run, start it, and test again",
        ok=False,
        seconds=seconds,
    )


async def _request(trial: SetupTrial, setup: ApprovalSetup) -> AsyncIterator[Step]:
    """Makes a request, and waits for the reply if it is to."""
    order = ApprovalOrder(
        setup=trial.name,
        subject=f"Test of approval setup {trial.name}",
        body=TEXT.format(name=trial.name),
        approvers=(trial.to,),
        deadline=OPEN_FOR,
    )
    try:
        made = await request_approval(trial.desk, trial.actor, order, trial.secrets.seal)
    except PipelineError as error:
        yield _step("request", error.problem, remedy=error.remedy, ok=False)
        return
    yield _requested(made)
    if trial.wait_seconds and not made.held:
        async for step in _reply(trial, setup, made.key):
            yield step


def _requested(made: Requested) -> Step:
    if made.held:
        return _step(
            "request", f"{made.key} is held: {made.held[0].reason}", remedy=SEE_HELD, ok=False
        )
    if not made.notified:
        remedy = "See the log of this command, and: postrail connections list"
        return _step("request", f"{made.key} could not be sent", remedy=remedy, ok=False)
    return _step("request", f"{made.key} asks {made.notified[0]}; reply to it to go on")


async def _reply(trial: SetupTrial, setup: ApprovalSetup, key: str) -> AsyncIterator[Step]:
    started = trial.clock.steady()
    found: list[RequestDetail] = []

    async def has_reply() -> bool:
        async with trial.transactions() as connection:
            found[:] = [await request_detail(connection, key)]
        return bool(found[0].choice or found[0].refused)

    await _awaited(trial, setup.account, has_reply, trial.wait_seconds)
    yield _reply_step(found[0], trial.clock.steady() - started)


def _reply_step(found: RequestDetail, seconds: float) -> Step:
    answered = next((one for one in found.approvers if one.answered_at), None)
    if answered:
        detail = f"{answered.address} chose {answered.choice}; sender: {answered.verdict}"
        return _step("reply", detail, seconds=seconds)
    if found.refused:
        refused = found.refused[0]
        return _step(
            "reply",
            f"the reply of {refused.sender} does not count: {refused.reason}",
            remedy=f"Reply again as the message says, and see: postrail approvals show {found.key}",
            ok=False,
            seconds=seconds,
        )
    return _step(
        "reply",
        "no reply has arrived yet",
        remedy="See whether it was sent and fetched: postrail outgoing list, postrail accounts"
        f" list; later: postrail approvals show {found.key}",
        ok=False,
        seconds=seconds,
    )


async def _awaited(
    trial: SetupTrial, account: str, found: Callable[[], Awaitable[bool]], seconds: float
) -> bool:
    """Waits until it is found, or the time is over; lets the fetcher poll the account meanwhile."""
    begin = trial.clock.steady()
    polled_at = begin - POLL_SECONDS
    while not await found():
        now = trial.clock.steady()
        if now - begin >= seconds:
            return False
        if now - polled_at >= POLL_SECONDS:
            await trial.poll(account)
            polled_at = now
        await trial.clock.sleep(PAUSE_SECONDS)
    return True


def _step(
    name: str, detail: str, *, remedy: str = "", ok: bool = True, seconds: float = 0.0
) -> Step:
    return Step(name, ok, detail, remedy, seconds * 1000)
