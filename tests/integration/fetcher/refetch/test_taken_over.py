"""A fetcher that wakes up after its successor has served a request changes nothing any more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from postrail.incoming import refetching
from postrail.incoming.refetching import Refetch
from postrail.settings import Settings
from tests.integration.fetcher.refetch.scene import ROW, Scene, opened
from tests.makers.records import mail_parsed

MAIL = b"Subject: Printer\r\n\r\nIt burns.\r\n"


@pytest.fixture
async def scene(settings: Settings) -> AsyncIterator[Scene]:
    async with opened(settings) as found:
        yield found


async def put_off(scene: Scene, request: Refetch) -> None:
    await scene.queue.put_off(request, "the server refuses it")


async def lost(scene: Scene, request: Refetch) -> None:
    await scene.queue.lost(request, "its bytes are lost")


async def hold(scene: Scene, request: Refetch) -> None:
    async with scene.store.transaction() as connection:
        await refetching.hold(connection, request, "no account", scene.clock.now())


async def handle_parsed(scene: Scene, request: Refetch) -> None:
    async with scene.store.transaction() as connection:
        await refetching.handle_parsed(connection, request, scene.clock.now())


@pytest.mark.parametrize("late", [put_off, lost, hold, handle_parsed])
@pytest.mark.parametrize("again", [False, True], ids=["served", "served and asked for again"])
async def test_a_request_that_another_fetcher_has_served_is_left_alone(
    scene: Scene, late: Callable[[Scene, Refetch], Awaitable[None]], again: bool
) -> None:
    (mail_id,) = await scene.fetched(MAIL)
    if late is handle_parsed:
        await scene.failed(mail_id, mail_parsed(mail_id=mail_id))
    await scene.request(mail_id)
    (request,) = await scene.queue.due(["support"], only_in_mailbox=False)
    # The first fetcher pauses here.
    assert await scene.refetches.serve()
    scene.clock.move(60)
    if again:
        await scene.request(mail_id)
    requests = "SELECT requested_at, due_at, held, attempts FROM refetch"
    before = await scene.rows(ROW, mail_id), await scene.rows(requests)
    offset = await scene.rows("SELECT raw_offset FROM incoming_mail")
    await late(scene, request)
    assert (await scene.rows(ROW, mail_id), await scene.rows(requests)) == before
    assert before[0][0][0] == "fetched"
    assert await scene.rows("SELECT raw_offset FROM incoming_mail") == offset
