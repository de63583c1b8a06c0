"""Wrong settings of a credential, as a provider refuses them and as the operator reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from postrail.errors import ConfigurationError
from postrail.oauth import ProviderUnavailable
from tests.makers.oauth import Scene
from tests.makers.signing import certificate, ec_key, rsa_key, thumbprint
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import Busy, OAuthProvider, running

SECRET = "client-s3cret"
ROBOT = "robot@desk.example"


@pytest.fixture
def provider(certificates: Certificates) -> Iterator[OAuthProvider]:
    yield from running(certificates)


@pytest.fixture
def scene(provider: OAuthProvider, certificates: Certificates, database_url: str) -> Scene:
    return Scene(provider, certificates, database_url)


def service_key(number: int = 0, **values: str) -> str:
    return json.dumps({"client_email": ROBOT, "private_key": rsa_key(number)[0], **values})


def robot(scene: Scene, key: str, **values: Any) -> Any:
    sealed = scene.secrets.seal(key)
    return scene.google(flow="service_account", service_account_key=sealed, **values)


async def refused(scene: Scene, credential: Any, **account: Any) -> str:
    """Returns the error that a person who authorizes the account reads."""
    await scene.store(credential, **account)
    asking = scene.authorize if credential.interactive else scene.authorization().fetch
    with pytest.raises(ConfigurationError) as caught:
        await asking()
    assert caught.value.setting
    assert caught.value.remedy
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_a_wrong_client_secret(scene: Scene, kind: str) -> None:
    credential = getattr(scene, kind)(client_secret=scene.secrets.seal("wr0ng"))
    told = await refused(scene, credential)
    assert "AADSTS7000215" in told
    assert "credential desk: client_secret" in told
    assert "Give the secret's value, not its id" in told
    assert "wr0ng" not in told


@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_a_client_that_the_provider_does_not_know(scene: Scene, kind: str) -> None:
    told = await refused(
        scene, getattr(scene, kind)(client_id="stranger", flow="client_credentials")
    )
    assert "credential desk: client_id, tenant" in told


async def test_a_tenant_that_is_none(scene: Scene) -> None:
    told = await refused(scene, scene.microsoft(tenant="nowhere", flow="client_credentials"))
    assert "credential desk: authority, tenant" in told


async def test_an_authority_that_is_none(scene: Scene) -> None:
    wrong = scene.provider.authority + "/wrong"
    told = await refused(
        scene, scene.credential_of("custom", authority=wrong, flow="client_credentials")
    )
    assert "credential desk: authority" in told


async def test_an_address_that_takes_no_tokens(scene: Scene) -> None:
    wrong = scene.provider.authority + "/nothing"
    told = await refused(scene, scene.custom(token_url=wrong, flow="client_credentials"))
    assert f"{wrong} is not an address of a provider of tokens: the answer is 404" in told


@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_an_authority_whose_certificate_is_not_trusted(scene: Scene, kind: str) -> None:
    told = await refused(scene, getattr(scene, kind)(ca_file="", flow="client_credentials"))
    assert "the certificate of localhost is not trusted" in told
    assert "Set ca_file to the PEM file of the authority that signed it" in told


async def test_a_ca_file_that_is_not_there(scene: Scene) -> None:
    told = await refused(scene, scene.custom(ca_file="/nowhere.pem", flow="client_credentials"))
    assert "cannot read certificates from /nowhere.pem: No such file or directory" in told


@pytest.mark.parametrize("kind", ["custom", "google"])
async def test_a_provider_that_gives_no_refresh_token(scene: Scene, kind: str) -> None:
    scene.provider.gives_refresh_tokens = False
    told = await refused(scene, getattr(scene, kind)())
    assert "sent no refresh token" in told
    assert "offline_access" in told


async def test_a_flow_that_the_provider_does_not_offer(scene: Scene) -> None:
    known = scene.provider.configuration()
    scene.provider.configuration = lambda: {**known, "device_authorization_endpoint": ""}  # type: ignore[method-assign]
    await scene.store(scene.custom(flow="device_code", client_id="public", client_secret=""))
    with pytest.raises(ConfigurationError, match="does not publish its device endpoint"):
        await scene.authorization().begin_device()


async def test_a_provider_that_publishes_an_unencrypted_address(scene: Scene) -> None:
    known = scene.provider.configuration()
    wrong = known["token_endpoint"].replace("https", "http")
    scene.provider.configuration = lambda: {**known, "token_endpoint": wrong}  # type: ignore[method-assign]
    told = await refused(scene, scene.custom(flow="client_credentials"))
    assert "secrets would be sent unencrypted to" in told


@pytest.mark.parametrize("body", ["{}", '{"access_token": ""}', '{"error": null}'])
@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_an_answer_without_a_token_is_no_reason_to_sign_in(
    scene: Scene, kind: str, body: str
) -> None:
    await scene.store(getattr(scene, kind)(flow="client_credentials"))
    scene.provider.busy = [Busy(200, body=body)]
    with pytest.raises(ProviderUnavailable, match="refuses a token"):
        await scene.tokens().token(scene.account)


@pytest.mark.parametrize("lifetime", ['"soon"', "-1", "1e999", "null", "[]"])
async def test_a_lifetime_that_makes_no_sense_is_a_short_one(scene: Scene, lifetime: str) -> None:
    await scene.store(scene.custom(flow="client_credentials"))
    body = f'{{"access_token": "odd", "expires_in": {lifetime}}}'
    scene.provider.busy = [Busy(200, body=body)]
    tokens = scene.tokens()
    assert await tokens.token(scene.account) == "odd"
    scene.clock.move(600)
    assert await tokens.token(scene.account) in scene.provider.valid


@pytest.mark.parametrize("lifetime", ['"soon"', "null", "[]"])
async def test_an_answer_that_msal_stumbles_over_passes(scene: Scene, lifetime: str) -> None:
    await scene.store(scene.microsoft(flow="client_credentials"))
    body = f'{{"access_token": "odd", "expires_in": {lifetime}}}'
    scene.provider.busy = [Busy(200, body=body)]
    with pytest.raises(ProviderUnavailable, match="msal cannot read the answer"):
        await scene.tokens().token(scene.account)
    scene.clock.move(10)
    assert await scene.tokens().token(scene.account) in scene.provider.valid


# Signing in.


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_what_the_address_asks_for(scene: Scene, kind: str) -> None:
    await scene.store(getattr(scene, kind)())
    begun = await scene.authorization().begin("http://localhost:4711")
    asked = scene.query(begun.address)
    assert asked["state"] == begun.state
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://localhost:4711"
    assert asked["login_hint"] == "help@example.org"
    if kind == "google":
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
        # The last two make Google name the user who signed in.
        assert asked["scope"] == "https://mail.google.com/ openid email"


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_somebody_declines(scene: Scene, kind: str) -> None:
    await scene.store(getattr(scene, kind)())
    begun = await scene.authorization().begin()
    answer = f"http://localhost/?error=access_denied&state={begun.state}"
    with pytest.raises(ConfigurationError, match="access_denied"):
        await scene.authorization().finish(answer, begun.state)


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_a_code_alone_is_enough_beside_the_state(scene: Scene, kind: str) -> None:
    await scene.store(getattr(scene, kind)())
    begun = await scene.authorization().begin()
    answer = await asyncio.to_thread(scene.browse, begun.address)
    await scene.authorization().finish(scene.query(answer)["code"], begun.state)
    assert await scene.tokens().token(scene.account) in scene.provider.valid


@pytest.mark.parametrize("kind", ["custom", "microsoft", "google"])
async def test_an_answer_is_taken_once_and_for_its_own_beginning_only(
    scene: Scene, kind: str
) -> None:
    await scene.store(getattr(scene, kind)())
    first, second = [await scene.authorization().begin() for _ in range(2)]
    answer = await asyncio.to_thread(scene.browse, first.address)
    authorization = scene.authorization()
    wrong = [
        # The answer to another authorization.
        (answer, second.state),
        # An answer without its state, and an answer to an unknown authorization.
        ("http://localhost/?code=c", ""),
        ("http://localhost/?code=c&state=made-up", ""),
    ]
    for text, state in wrong:
        with pytest.raises(ConfigurationError, match="does not belong to an open authorization"):
            await authorization.finish(text, state)
    await authorization.finish(answer)
    with pytest.raises(ConfigurationError, match="does not belong to an open authorization"):
        await authorization.finish(answer)


async def test_an_answer_that_comes_too_late(scene: Scene) -> None:
    await scene.store(scene.custom())
    begun = await scene.authorization().begin()
    answer = await asyncio.to_thread(scene.browse, begun.address)
    scene.clock.move(901)
    with pytest.raises(ConfigurationError, match="of the last 15 minutes"):
        await scene.authorization().finish(answer, begun.state)


async def test_a_stolen_answer_cannot_be_redeemed_without_the_verifier(scene: Scene) -> None:
    await scene.store(scene.custom())
    first, second = [await scene.authorization().begin() for _ in range(2)]
    code = scene.query(await asyncio.to_thread(scene.browse, first.address))["code"]
    with pytest.raises(ConfigurationError, match="the code verifier is wrong"):
        await scene.authorization().finish(code, second.state)


@pytest.mark.parametrize("kind", ["custom", "microsoft"])
async def test_a_code_that_is_entered_on_another_device(scene: Scene, kind: str) -> None:
    credential = getattr(scene, kind)(flow="device_code", client_id="public", client_secret="")
    await scene.store(credential)
    device = await scene.authorization().begin_device()
    assert device.code == "ABCD-EFGH"
    assert device.address.endswith("/device")
    slept: list[float] = []
    scene.clock.sleep = entered_after(scene, 4, slept)  # type: ignore[method-assign]
    scene.provider.device_answers = ["authorization_pending", "slow_down", "authorization_pending"]
    await scene.authorization().finish_device(device)
    assert await scene.tokens().token(scene.account) in scene.provider.valid
    assert slept == [1, 1, 6, 6]


@pytest.mark.parametrize("kind", ["custom", "microsoft"])
@pytest.mark.parametrize("code", ["access_denied", "expired_token"])
async def test_a_code_that_is_declined(scene: Scene, kind: str, code: str) -> None:
    credential = getattr(scene, kind)(flow="device_code", client_id="public", client_secret="")
    await scene.store(credential)
    device = await scene.authorization().begin_device()
    scene.provider.device_answers = [code]
    with pytest.raises(ConfigurationError, match=code):
        await scene.authorization().finish_device(device)


async def test_a_provider_that_is_away_for_a_moment_is_asked_again(scene: Scene) -> None:
    await scene.store(scene.custom(flow="device_code", client_id="public", client_secret=""))
    device = await scene.authorization().begin_device()
    scene.provider.busy = [Busy(503, retry_after="10")]
    scene.provider.device_entered.set()
    await scene.authorization().finish_device(device)
    assert scene.clock.slept == [1, 11]


async def test_a_code_that_nobody_enters(scene: Scene) -> None:
    await scene.store(scene.custom(flow="device_code", client_id="public", client_secret=""))
    device = await scene.authorization().begin_device()
    scene.clock.move(895)
    with pytest.raises(ConfigurationError, match="the code ABCD-EFGH has expired"):
        await scene.authorization().finish_device(device)


def entered_after(scene: Scene, waits: int, slept: list[float]) -> Any:
    """Returns a sleep during whose last call a person enters the code."""

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == waits:
            scene.provider.device_entered.set()

    return sleep


# Applications and service accounts.


@pytest.mark.parametrize("named_by", ["certificate", "thumbprint"])
async def test_a_certificate_takes_the_place_of_a_secret(scene: Scene, named_by: str) -> None:
    scene.provider.keys["app"] = rsa_key()[1]
    pem = certificate()
    given = {"certificate": pem} if named_by == "certificate" else {"thumbprint": thumbprint(pem)}
    private = scene.secrets.seal(rsa_key()[0])
    await scene.store(
        scene.microsoft(flow="client_credentials", client_secret="", private_key=private, **given)
    )
    token = await scene.tokens().token(scene.account)
    assert scene.provider.valid[token] == "app"


async def test_a_certificate_that_was_not_uploaded(scene: Scene) -> None:
    scene.provider.keys["app"] = rsa_key(1)[1]
    private = scene.secrets.seal(rsa_key(0)[0])
    credential = scene.microsoft(
        flow="client_credentials", client_secret="", private_key=private, certificate=certificate()
    )
    told = await refused(scene, credential)
    assert "credential desk: certificate, thumbprint, private_key" in told


async def test_a_certificate_that_is_none(scene: Scene) -> None:
    credential = scene.microsoft(
        flow="client_credentials",
        client_secret="",
        private_key=scene.secrets.seal(rsa_key()[0]),
        certificate="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    )
    assert "msal cannot use credential desk" in await refused(scene, credential)


async def test_a_private_key_that_is_none(scene: Scene) -> None:
    private = scene.secrets.seal("k3y")
    credential = scene.microsoft(
        flow="client_credentials", client_secret="", private_key=private, certificate=certificate()
    )
    told = await refused(scene, credential)
    assert "the private key of credential desk is not an RSA key in PEM" in told
    assert "k3y" not in told


async def test_a_service_account_acts_for_a_user_of_its_domain(scene: Scene) -> None:
    scene.provider.keys[ROBOT] = rsa_key()[1]
    await scene.store(robot(scene, service_key()))
    token = await scene.tokens().token(scene.account)
    assert scene.provider.valid[token] == "help@example.org"


@pytest.mark.parametrize(
    ("key", "known", "username", "says"),
    [
        # Signed by a revoked key.
        (service_key(1), 0, "help@example.org", "Invalid JWT Signature"),
        # Delegation does not reach this user.
        (service_key(), 0, "boss@example.org", "domain-wide delegation"),
        (service_key(private_key="k3y"), 0, "help@example.org", "not an RSA key in PEM"),
        (service_key(private_key=ec_key()), 0, "help@example.org", "not an RSA key in PEM"),
    ],
)
async def test_a_service_account_that_cannot(
    scene: Scene, key: str, known: int, username: str, says: str
) -> None:
    scene.provider.keys[ROBOT] = rsa_key(known)[1]
    assert says in await refused(scene, robot(scene, key), username=username)
