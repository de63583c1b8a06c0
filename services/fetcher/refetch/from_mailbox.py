"""Serves requests from an open mailbox, in the session of a poll: parked messages, and lost ones.

A message is found by its mail_id, which names the place where it was read first.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from postrail.configuration.models.mail_account import MailAccount
from postrail.incoming.refetching import Refetch
from postrail.mailbox import ListedMail
from services.fetcher.opener import MailboxOpener
from services.fetcher.reconcile import another_session, listed_again
from services.fetcher.resources import SharedResources
from services.fetcher.step import Fetch


async def refetch_due(
    fetch: Fetch,
    account: MailAccount,
    resources: SharedResources,
    opener: MailboxOpener,
    left: int,
) -> None:
    """Serves the due requests that only this mailbox can serve, at most `left` of them.

    New messages come before them, as each may break the connection.
    """
    due = await _due(account, resources, left)
    if not due:
        return
    async with _searchable(fetch, account, resources, opener) as searched:
        # A listing of the whole mailbox may take long, so that it is made once.
        held = await _held(searched)
        while due:
            if any(each.mail_id not in held for each in due):
                # Only a listing after the request tells that a message is lost.
                held = await _held(searched)
            if not await _serve(searched, due, held, account, resources):
                return
            left -= len(due)
            due = await _due(account, resources, left)


async def _due(account: MailAccount, resources: SharedResources, most: int) -> list[Refetch]:
    if most <= 0:
        return []
    return await resources.refetches.due([account.name], only_in_mailbox=True, most=most)


async def _held(fetch: Fetch) -> dict[str, ListedMail]:
    """Returns the messages that the mailbox holds now, by their ids."""
    return {fetch.mail_id(message): message for message in await fetch.held()}


@contextlib.asynccontextmanager
async def _searchable(
    fetch: Fetch, account: MailAccount, resources: SharedResources, opener: MailboxOpener
) -> AsyncIterator[Fetch]:
    """Opens another session where the account excludes messages that it once had."""
    if account.only_after is None:
        yield fetch
        return
    async with another_session(fetch, account, resources, opener, None) as searched:
        yield searched
        await searched.rest()


async def _serve(
    fetch: Fetch,
    due: Sequence[Refetch],
    held: Mapping[str, ListedMail],
    account: MailAccount,
    resources: SharedResources,
) -> bool:
    """Returns whether all are served; the others were removed by now, or are not listed now."""
    requests = {held[each.mail_id].uid: each for each in due if each.mail_id in held}
    for each in due:
        if each.mail_id not in held:
            await resources.refetches.lost(each, _lost(each, account))
    uids, served = set(requests), set[int]()

    async def again(batch: Sequence[ListedMail]) -> set[int]:
        return await _again(fetch, batch, requests, resources)

    async for listed in listed_again(fetch, uids, len(uids)):
        for batch in fetch.reader.batches(listed):
            for part in await resources.in_flight.work(fetch, batch, again):
                served |= part
    return served == set(requests)


async def _again(
    fetch: Fetch,
    batch: Sequence[ListedMail],
    requests: dict[int, Refetch],
    resources: SharedResources,
) -> set[int]:
    """Reads and publishes a batch, and finishes there what could not be had until now.

    Returns the UIDs of the messages that are served.
    """
    queue = resources.refetches
    messages, unreadable = await fetch.reader.read(batch)
    with contextlib.ExitStack() as read:
        for message in messages:
            read.callback(message.close)
        begun = await queue.publish([(requests[message.uid], message) for message in messages])
    for each in unreadable:
        await queue.refused(requests[each.message.uid], each.reason)
    fetch.suspects.forget([message.uid for message in batch])
    # Others were finished when they were read first; a person may have marked them as unread since.
    first_time = {uid for uid, each in requests.items() if each.raw_offset is None}
    new = [
        message.uid
        for message in messages
        if message.uid in first_time
        and message.full_size is None
        and requests[message.uid].mail_id in begun
    ]
    await fetch.finisher.finish(new)
    return {message.uid for message in messages} | {each.message.uid for each in unreadable}


def _lost(request: Refetch, account: MailAccount) -> str:
    moved = f"Look in the folder {account.move_to}, or ask" if account.move_to else "Ask"
    return (
        "its bytes are lost: mail.fetched, the archive and the blob store do not have them, and"
        f" the mailbox {account.name} does not hold {request.source} any more. {moved} its sender"
        f" for it; or restore one of these, then: postrail mail retry {request.mail_id}"
    )
