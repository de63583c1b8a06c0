"""Access tokens from a provider with state, in a real PostgreSQL: refreshed once, stored first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.certificates import Certificates
from tests.fakes.oauth import Scene
from tests.fakes.oauth_provider import OAuthProvider, running


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from running(certificates)


@pytest.fixture
def scene(provider: OAuthProvider, certificates: Certificates, database_url: str) -> Scene:
    return Scene(provider, certificates, database_url)


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_a_person_signs_in_and_tokens_follow(scene: Scene, kind: str) -> None:
    await scene.store(getattr(scene, kind)())
    await scene.authorize()
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
