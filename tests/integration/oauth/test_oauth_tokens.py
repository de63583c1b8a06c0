"""Access tokens of a stateful provider in a real PostgreSQL: refreshed once, stored before use."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from postrail.errors import ConfigurationError
from postrail.oauth import NeedsAuthorization, ProviderUnavailable
from postrail.oauth.token_table import all_rows
from postrail.operate.reseal import reseal
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from tests.makers.oauth import Scene
from tests.processes.oauth_killed_at import KILLED
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import Busy, OAuthProvider, running

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from running(certificates)


@pytest.fixture
def scene(provider: OAuthProvider, certificates: Certificates, database_url: str) -> Scene:
    return Scene(provider, certificates, database_url)


async def signed_in(scene: Scene, kind: str = "custom", seconds: float = 3600) -> None:
    """Signs a person in and moves the clock on by `seconds`."""
    await scene.store(getattr(scene, kind)())
    await scene.authorize()
    scene.clock.move(seconds)


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_a_person_signs_in_and_tokens_follow(scene: Scene, kind: str) -> None:
    await signed_in(scene, kind, seconds=0)
    tokens = scene.tokens()
    first = await tokens.token(scene.account)
    assert scene.provider.valid[first] == scene.account.username
    assert await tokens.token(scene.account) == first
    assert scene.provider.refreshes() == []
    scene.clock.move(3400)
    second = await tokens.token(scene.account)
    assert second != first
    assert scene.provider.valid[second] == scene.account.username
    assert len(scene.provider.refreshes()) == 1
    assert (await scene.row())[2] not in {"", scene.provider.refreshes()[0]["refresh_token"]}


async def test_tokens_are_sealed_in_the_table(scene: Scene) -> None:
    await signed_in(scene)
    async with scene.transaction() as connection:
        [row] = await all_rows(connection)
    assert row.access_token.startswith("sealed:")
    assert row.refresh_token.startswith("sealed:")
    assert row.access_token not in repr(row)


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_a_refresh_token_that_is_not_replaced_stays_good(scene: Scene, kind: str) -> None:
    # Google returns a refresh token at the first sign-in only.
    scene.provider.rotates = False
    await signed_in(scene, kind)
    await scene.tokens().token(scene.account)
    kept = (await scene.row())[2]
    scene.clock.move(3600)
    await scene.tokens().token(scene.account)
    assert [form["refresh_token"] for form in scene.provider.refreshes()] == [kept, kept]


async def test_replicas_that_refresh_at_once_refresh_once(scene: Scene) -> None:
    await signed_in(scene)
    replicas = [scene.tokens() for _ in range(4)]
    asked = [replica.token(scene.account) for replica in replicas for _ in range(3)]
    found = await asyncio.gather(*asked)
    assert len(set(found)) == 1
    assert len(scene.provider.refreshes()) == 1
    scene.clock.move(3600)
    await scene.tokens().token(scene.account)
    assert len(scene.provider.refreshes()) == 2


async def test_a_refresh_goes_on_when_its_caller_is_cancelled(scene: Scene) -> None:
    await signed_in(scene)
    rotated, go_on = threading.Event(), threading.Event()

    def wait_after_rotation() -> None:
        rotated.set()
        go_on.wait(10)

    scene.provider.after_rotation = wait_after_rotation
    tokens = scene.tokens()
    asking = asyncio.create_task(tokens.token(scene.account))
    await asyncio.to_thread(rotated.wait, 10)
    asking.cancel()
    await asyncio.wait([asking])
    go_on.set()
    await tokens.close()
    scene.provider.after_rotation = lambda: None
    scene.clock.move(3600)
    await scene.tokens().token(scene.account)
    assert len(scene.provider.refreshes()) == 2


async def test_new_tokens_survive_an_outage_of_postgresql(scene: Scene) -> None:
    await signed_in(scene)
    url = scene.database.url.get_secret_value()

    def end_connections() -> None:
        scene.provider.after_rotation = lambda: None
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    scene.provider.after_rotation = end_connections
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert scene.clock.slept
    scene.clock.move(3600)
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert len(scene.provider.refreshes()) == 2


async def test_an_ended_access_needs_authorization_at_once_and_is_not_asked_for_again(
    scene: Scene,
) -> None:
    await signed_in(scene)
    scene.provider.revoke(scene.account.username)
    tokens = scene.tokens()
    for asks in (tokens, tokens, scene.tokens()):
        with pytest.raises(NeedsAuthorization) as caught:
            await asks.token(scene.account)
        assert "AADSTS70000" in str(caught.value)
        assert caught.value.remedy == "Run: postrail accounts authorize support"
    assert len(scene.provider.refreshes()) == 1
    await scene.authorize()
    token = await tokens.token(scene.account)
    assert scene.provider.valid[token] == scene.account.username
    assert (await scene.row())[:2] == ("authorized", "")


async def test_an_account_that_nobody_has_signed_in_for_needs_authorization(scene: Scene) -> None:
    await scene.store(scene.custom())
    with pytest.raises(NeedsAuthorization, match="nobody has signed in"):
        await scene.tokens().token(scene.account)
    assert (await scene.row())[0] == "needs_authorization"
    assert scene.provider.requests == []


async def test_another_server_is_not_given_the_tokens_of_the_first(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    credential = scene.custom(hosts=["localhost", "127.0.0.1"])
    await scene.store(credential, host="127.0.0.1")
    with pytest.raises(NeedsAuthorization, match="its server, its user or its credential has"):
        await scene.tokens().token(scene.account)
    assert (await scene.row())[0] == "needs_authorization"
    assert scene.provider.refreshes() == []
    # Reverting the change makes the tokens valid again.
    await scene.store(credential)
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert (await scene.row())[0] == "authorized"


async def test_a_server_that_the_credential_does_not_name_gets_nothing(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    await scene.store(scene.custom(hosts=["imap.example.org"]))
    with pytest.raises(ConfigurationError, match="localhost may not receive tokens"):
        await scene.tokens().token(scene.account)


async def test_tokens_of_an_account_that_is_not_stored_are_refused(scene: Scene) -> None:
    await scene.store(scene.custom(flow="client_credentials"))
    async with scene.transaction() as connection:
        await connection.execute("DELETE FROM mail_account")
    with pytest.raises(ConfigurationError, match="mail account support is not in the database"):
        await scene.authorization().fetch()


@pytest.mark.parametrize(
    ("busy", "seconds"),
    [
        # Throttled, with a Retry-After.
        (Busy(429, retry_after="120"), 119),
        (Busy(503, retry_after="60"), 59),
        # Without a Retry-After: our own back-off, which grows.
        (Busy(500, body="<html>"), 1),
    ],
)
@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_a_busy_provider_is_left_alone_for_a_while(
    scene: Scene, busy: Busy, seconds: float, kind: str
) -> None:
    await signed_in(scene, kind)
    scene.provider.busy = [busy]
    tokens = scene.tokens()
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match=f"answer is {busy.status}"):
            await tokens.token(scene.account)
    scene.clock.move(seconds)
    with pytest.raises(ProviderUnavailable):
        await tokens.token(scene.account)
    assert scene.provider.refreshes() == []
    scene.clock.move(5)
    assert await tokens.token(scene.account) in scene.provider.valid


async def test_a_provider_that_is_gone_is_no_reason_to_sign_in_again(scene: Scene) -> None:
    await signed_in(scene)
    scene.provider.stop()
    with pytest.raises(ProviderUnavailable, match="the provider of tokens localhost is unreach"):
        await scene.tokens().token(scene.account)
    assert (await scene.row())[0] == "authorized"


async def test_a_refused_token_is_renewed_unless_it_is_new(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    tokens = scene.tokens()
    first = await tokens.token(scene.account)
    assert await tokens.token(scene.account, refused=first) == first
    scene.clock.move(61)
    second = await tokens.token(scene.account, refused=first)
    assert second != first
    assert await tokens.token(scene.account, refused=first) == second


async def test_tokens_that_live_for_minutes_are_used_for_half_of_them(scene: Scene) -> None:
    scene.provider.access_seconds = 240
    await signed_in(scene, seconds=119)
    tokens = scene.tokens()
    first = await tokens.token(scene.account)
    scene.clock.move(2)
    assert await tokens.token(scene.account) != first


async def test_threads_get_tokens_of_the_loop(scene: Scene) -> None:
    await signed_in(scene)
    ask = scene.tokens().bearer(scene.account)
    token = await asyncio.to_thread(ask, "")
    assert token in scene.provider.valid
    assert await asyncio.to_thread(ask, token) == token


@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_an_application_gets_tokens_of_its_own(scene: Scene, kind: str) -> None:
    await scene.store(getattr(scene, kind)(flow="client_credentials"))
    tokens = scene.tokens()
    first = await tokens.token(scene.account)
    assert scene.provider.valid[first] == "app"
    scene.clock.move(3600)
    assert await tokens.token(scene.account) != first
    assert (await scene.row())[2] == ""


async def die(scene: Scene, when: str) -> None:
    """Starts a process that asks for a token and is killed."""
    async with scene.transaction() as connection:
        await connection.execute("UPDATE oauth_token SET expires_at = obtained_at")
    environment = {
        **os.environ,
        "DATABASE_URL": scene.database.url.get_secret_value(),
        "KEY": scene.key,
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.processes.oauth_killed_at",
        when,
        cwd=REPOSITORY,
        env=environment,
    )
    assert await child.wait() == KILLED
    assert len(scene.provider.refreshes()) == 1


async def test_killed_after_the_commit_the_account_goes_on(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    await die(scene, "after-commit")
    # The unused access token was stored, and so was the refresh token that came with it.
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert len(scene.provider.refreshes()) == 1
    scene.clock.move(3600)
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert len(scene.provider.refreshes()) == 2


async def test_killed_before_the_commit_the_grace_of_the_provider_saves_it(scene: Scene) -> None:
    scene.provider.grace = True
    await signed_in(scene, seconds=0)
    await die(scene, "after-answer")
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert len(scene.provider.refreshes()) == 2


async def test_killed_before_the_commit_without_grace_somebody_must_sign_in(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    await die(scene, "after-answer")
    with pytest.raises(NeedsAuthorization, match=r"\*\*\* was used before"):
        await scene.tokens().token(scene.account)
    await scene.authorize()
    assert await scene.tokens().token(scene.account) in scene.provider.valid


async def test_new_keys_seal_tokens_anew(scene: Scene) -> None:
    await signed_in(scene, seconds=0)
    new = generate_key()
    both = Secrets(SecretSettings(keys=SecretStr(f"{new},{scene.key}")))
    async with scene.transaction() as connection:
        # The client's secret, and both tokens.
        assert await reseal(connection, both, author="test", now=scene.clock.now()) == 3
    scene.secrets = Secrets(SecretSettings(keys=SecretStr(new)))
    assert await scene.tokens().token(scene.account) in scene.provider.valid
