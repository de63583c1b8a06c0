"""Outgoing connections have tokens of their own, kept and refreshed as those of accounts are."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from postrail.configuration import store
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.errors import ConfigurationError
from postrail.oauth import NeedsAuthorization
from postrail.oauth.authorize import Authorization
from postrail.oauth.token_table import all_rows
from postrail.operate.reseal import reseal
from postrail.secrets import Secrets, generate_key
from postrail.settings import SecretSettings
from tests.makers.oauth import Scene
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import OAuthProvider, running


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from running(certificates)


@pytest.fixture
async def scene(provider: OAuthProvider, certificates: Certificates, database_url: str) -> Scene:
    """Returns a desk with an account and a connection of the same name and credential."""
    scene = Scene(provider, certificates, database_url)
    await scene.store(scene.custom(), name="out")
    async with scene.transaction() as connection:
        now = scene.clock.now()
        await store.save(connection, OUT, before=None, author="test", now=now)
    return scene


OUT = OutgoingConnection(
    name="out",
    mode="oauth2",
    host="localhost",
    credential="desk",
    from_address="desk@example.org",
    is_default=True,
)


async def authorize(scene: Scene) -> str:
    """Signs a person in for the connection; returns the note."""
    authorization = Authorization(OUT, scene.transaction, scene.secrets, scene.clock)
    begun = await authorization.begin()
    answer = await asyncio.to_thread(scene.browse, begun.address)
    return await authorization.finish(answer, begun.state)


async def test_a_connection_has_tokens_of_its_own(scene: Scene) -> None:
    assert await authorize(scene) == ""
    first = await scene.tokens().token(OUT)
    assert scene.provider.valid[first] == "desk@example.org"
    scene.clock.move(3600)
    found = await asyncio.gather(*(scene.tokens().token(OUT) for _ in range(4)))
    assert len(set(found)) == 1
    assert found[0] != first
    assert len(scene.provider.refreshes()) == 1
    async with scene.transaction() as connection:
        assert await all_rows(connection) == []
        [row] = await all_rows(connection, "connections")
    assert (row.owner, row.state) == ("out", "authorized")
    assert row.refresh_token.startswith("sealed:")


async def test_the_account_of_that_name_is_not_authorized_by_it(scene: Scene) -> None:
    await authorize(scene)
    with pytest.raises(NeedsAuthorization) as caught:
        await scene.tokens().token(scene.account)
    assert caught.value.remedy == "Run: postrail accounts authorize out"


async def test_a_refused_grant_needs_a_person(scene: Scene) -> None:
    await authorize(scene)
    scene.provider.revoke("desk@example.org")
    scene.clock.move(3600)
    with pytest.raises(NeedsAuthorization) as caught:
        await scene.tokens().token(OUT)
    assert caught.value.problem.startswith(
        "outgoing connection out needs authorization: invalid_grant"
    )
    assert caught.value.setting == "outgoing connection out: credential"
    assert caught.value.remedy == "Run: postrail connections authorize out"
    await authorize(scene)
    assert await scene.tokens().token(OUT)


@pytest.mark.parametrize("field", ["username", "shared_mailbox", "host"])
async def test_with_another_server_or_user_the_tokens_are_not_used(
    scene: Scene, field: str
) -> None:
    await authorize(scene)
    values = {"username": "eve@example.org", "shared_mailbox": "eve@example.org", "host": "::1"}
    async with scene.transaction() as connection:
        await connection.execute("UPDATE oauth_credential SET hosts = hosts || '{::1}'")
    other = OUT.model_copy(update={field: values[field]})
    with pytest.raises(NeedsAuthorization, match="has changed since somebody signed in"):
        await scene.tokens().token(other)


async def test_an_answer_for_the_account_is_none_for_the_connection(scene: Scene) -> None:
    begun = await scene.authorization().begin()
    answer = await asyncio.to_thread(scene.browse, begun.address)
    authorization = Authorization(OUT, scene.transaction, scene.secrets, scene.clock)
    with pytest.raises(ConfigurationError) as caught:
        await authorization.finish(answer, begun.state)
    assert caught.value.remedy == "Begin again: postrail connections authorize out"


async def test_tokens_go_with_their_connection_and_are_sealed_anew(scene: Scene) -> None:
    await authorize(scene)
    both = Secrets(SecretSettings(keys=SecretStr(f"{generate_key()},{scene.key}")))
    async with scene.transaction() as connection:
        assert await reseal(connection, both, author="t", now=scene.clock.now()) == 3
        await connection.execute("DELETE FROM outgoing_connection")
        assert await all_rows(connection, "connections") == []


@pytest.mark.parametrize(
    ("claims", "noted"),
    [
        ({"preferred_username": "Desk@Example.org"}, False),
        ({"email": "desk@example.org", "preferred_username": "d"}, False),
        ({"preferred_username": "ann@example.org"}, True),
        ({"upn": "ann@example.org"}, True),
        ({"sub": "4711"}, False),
        ({}, False),
    ],
)
async def test_the_user_who_signed_in_is_compared(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, claims: dict[str, str], noted: bool
) -> None:
    answer = scene.provider.token
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    def with_claims(*given: object) -> object:
        return answer(*given) | {"id_token": f"e30.{payload}.x"}  # type: ignore[arg-type]

    monkeypatch.setattr(scene.provider, "token", with_claims)
    note = await authorize(scene)
    assert bool(note) is noted
    if noted:
        assert note.startswith(
            "you signed in as ann@example.org, and outgoing connection out logs in as"
            " desk@example.org."
        )
        assert "postrail connections authorize out" in note
    # The account is compared in the same way; its username is help@example.org.
    begun = await scene.authorization().begin()
    redirect = await asyncio.to_thread(scene.browse, begun.address)
    note = await scene.authorization().finish(redirect, begun.state)
    assert bool(note) is any("@" in value for value in claims.values())
