"""Tests the commands that list, show, retry and cancel posts, on a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postrail.database import Connection, one_connection
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.webhooks import claims, queue
from postrail.webhooks.claims import claim_due, name_hosts
from postrail.webhooks.post import Answer
from postrail.webhooks.queue import NewPost, Purpose
from tests.makers.commands import Postrail, answer

SECRET = "T0K3N"
URL = f"https://ann:{SECRET}@hooks.example.org/{SECRET}"
GONE = Answer(status=410, error="hooks.example.org wants no further posts: the answer is 410")
DOWN = Answer(status=500, error="hooks.example.org has not taken it: the answer is 500")


def on_database(settings: Settings, act: Callable[[Connection], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with one_connection(settings.database) as connection:
            return await act(connection)

    return asyncio.run(run())


def add(settings: Settings, about: str = "A-12", came: Answer | None = None) -> str:
    """Stores a post; with an answer, as after its first attempt."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    post = NewPost(
        purpose=Purpose.APPROVAL,
        content={"choice": "approve"},
        url=Secrets(settings.secrets).seal(URL),
        setup="releases",
        about=about,
    )

    async def act(connection: Connection) -> str:
        post_id = await queue.add(connection, post, now)
        if came is not None:
            await name_hosts(connection, lambda _: "hooks.example.org")
            (claimed,) = await claim_due(connection, 1, now)
            await claims.record(connection, claimed, came, now)
        return post_id

    return str(on_database(settings, act))


def claim(settings: Settings, ago: timedelta) -> None:
    async def act(connection: Connection) -> None:
        await name_hosts(connection, lambda _: "hooks.example.org")
        assert await claim_due(connection, 1, datetime.now(UTC) - ago)

    on_database(settings, act)


def states(postrail: Postrail) -> dict[str, str]:
    return {row["post_id"]: row["state"] for row in answer(postrail, "webhooks", "list")}


def test_posts_are_listed_and_shown_without_their_addresses(
    postrail: Postrail, settings: Settings
) -> None:
    assert postrail("webhooks", "list") == (0, "No posts.\n", "")
    failed, waiting = add(settings, came=GONE), add(settings, "A-13")
    for arguments in ((), ("--state", "failed"), ("--about", "A-12"), ("--purpose", "approval")):
        code, output, errors = postrail("webhooks", "list", *arguments)
        assert code == 0, errors
        assert failed[:8] in output
        assert (waiting[:8] in output) == (arguments in ((), ("--purpose", "approval")))
    code, output, errors = postrail("webhooks", "show", failed[:8])
    assert code == 0, errors
    for shown in (failed, "hooks.example.org", "410", '"choice": "approve"', "releases", "A-12"):
        assert shown in output
    shown = answer(postrail, "webhooks", "show", waiting)
    assert (shown["state"], shown["attempts"], shown["last_status"]) == ("waiting", 0, None)
    assert SECRET not in output + str(shown) + str(answer(postrail, "webhooks", "list"))


def test_what_failed_is_retried_for_five_more_days(postrail: Postrail, settings: Settings) -> None:
    failed = add(settings, came=GONE)
    add(settings, "A-13")
    found = answer(postrail, "webhooks", "retry", "--state", "failed", "--author", "Sam")
    assert found == {"selected": 1, "retried": 1, "posts": [failed]}
    shown = answer(postrail, "webhooks", "show", failed)
    assert (shown["state"], shown["attempts"], shown["ended_at"]) == ("waiting", 0, None)
    assert shown["changed_by"] == "Sam"
    given_up = datetime.fromisoformat(shown["give_up_at"])
    assert given_up - datetime.now(UTC) > timedelta(days=4, hours=23)


def test_what_was_posted_or_cancelled_is_retried_by_its_id_only(
    postrail: Postrail, settings: Settings
) -> None:
    posted = add(settings, came=Answer(status=200))
    assert answer(postrail, "webhooks", "retry", "--all")["selected"] == 0
    assert answer(postrail, "webhooks", "retry", posted)["posts"] == [posted]
    assert answer(postrail, "webhooks", "cancel", posted)["posts"] == [posted]
    assert states(postrail) == {posted: "cancelled"}
    assert answer(postrail, "webhooks", "retry", posted[:8])["posts"] == [posted]
    assert states(postrail) == {posted: "waiting"}


def test_what_waits_or_failed_is_cancelled(postrail: Postrail, settings: Settings) -> None:
    posted = add(settings, came=Answer(status=200))
    others = [add(settings, came=GONE), add(settings, came=DOWN), add(settings)]
    other = add(settings, "A-13")
    code, output, errors = postrail("webhooks", "cancel", "--about", "A-12")
    assert code == 0, errors
    assert output.splitlines()[-1] == "Cancelled: 3."
    assert "wants no further posts" in output
    assert states(postrail) == {
        **dict.fromkeys(others, "cancelled"),
        posted: "posted",
        other: "waiting",
    }
    code, _, errors = postrail("webhooks", "cancel", posted)
    assert code == 1
    assert f"post {posted} is posted, and cannot be cancelled" in errors


def test_what_a_sender_posts_now_is_left_to_it(postrail: Postrail, settings: Settings) -> None:
    post_id = add(settings)
    claim(settings, timedelta())
    code, _, errors = postrail("webhooks", "cancel", post_id)
    assert code == 1
    assert "a sender is posting" in errors
    assert answer(postrail, "webhooks", "cancel", "--all")["selected"] == 0
    assert states(postrail) == {post_id: "posting"}


def test_what_a_sender_left_waits(postrail: Postrail, settings: Settings) -> None:
    post_id = add(settings)
    claim(settings, claims.CLAIM + timedelta(seconds=1))
    assert states(postrail) == {post_id: "waiting"}
    assert answer(postrail, "webhooks", "cancel", post_id)["posts"] == [post_id]
    assert states(postrail) == {post_id: "cancelled"}


@pytest.mark.parametrize("arguments", [(), ("5b0c", "--all"), ("5b0c", "--about", "A-12")])
def test_it_must_be_clear_which_posts(postrail: Postrail, arguments: tuple[str, ...]) -> None:
    code, _, errors = postrail("webhooks", "retry", *arguments)
    assert code == 2
    assert "it is not clear which posts to retry" in errors


def test_an_unknown_id_is_named(postrail: Postrail, settings: Settings) -> None:
    code, _, errors = postrail("webhooks", "show", "%")
    assert code == 1
    assert "no post has an id that begins with '%'" in errors


def test_status_and_doctor_count_what_has_not_arrived(
    postrail: Postrail, settings: Settings
) -> None:
    def of_doctor() -> list[str]:
        # Other parts of this installation may lack.
        _, output, _ = postrail("doctor", "--json")
        return [one["says"] for one in json.loads(output) if one["part"] == "webhooks"]

    add(settings)
    counted = answer(postrail, "status")["tables"]["webhooks"]
    assert (counted["waiting"], counted["failing"], counted["failed"]) == (1, 0, 0)
    assert of_doctor() == []
    add(settings, came=DOWN)
    add(settings, came=GONE)
    counted = answer(postrail, "status")["tables"]["webhooks"]
    assert (counted["waiting"], counted["failing"], counted["failed"]) == (2, 1, 1)
    (says,) = of_doctor()
    assert "failed: 1; repeated after a fault: 1; the last fault: hooks.example.org" in says
    _, output, _ = postrail("status")
    assert "Posts to other systems waiting" in output
    assert "postrail webhooks list --state failed" in output
    assert SECRET not in output + says
