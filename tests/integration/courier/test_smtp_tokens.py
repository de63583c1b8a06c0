"""Real tokens of a real provider (oidc-provider) log in to a real Postfix, through Dovecot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierUnavailable, Envelope, TimeLimit
from postrail.courier.smtp import SmtpCourier
from postrail.wire.dialogue_log import Direction
from tests.makers.oauth import ADDRESS, Desk
from tests.processes.senders import until
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.oidc_provider import CLIENT_SECRET, REDIRECT, OidcProvider
from tests.servers.postfix import Postfix

pytestmark = pytest.mark.debian

CONTENT = b"From: help@lab.test\r\nMessage-ID: <1@lab.test>\r\nSubject: Hello\r\n\r\nHello.\r\n"


class SendingDesk(Desk):
    """A desk that sends through Postfix with the tokens of its account."""

    def __init__(
        self,
        oidc: OidcProvider,
        postfix: Postfix,
        dovecot: Dovecot,
        certificates: Certificates,
        url: str,
    ) -> None:
        super().__init__(certificates, url)
        self.oidc = oidc
        self.dovecot = dovecot
        self.postfix = postfix
        self.lines: list[tuple[Direction, str]] = []

    async def authorize(self, user: str = ADDRESS) -> None:
        """Signs a person in."""
        credential = self.credential_of(
            "custom",
            authority=self.oidc.authority,
            client_id="desk",
            client_secret=self.secrets.seal(CLIENT_SECRET),
            redirect_address=REDIRECT,
        )
        await self.store(credential, protocol="imap", ca_file=str(self.certificates.ca_file))
        begun = await self.authorization().begin()
        answer = await asyncio.to_thread(self.oidc.sign_in, begun.address, user)
        await self.authorization().finish(answer, begun.state)

    def courier(self, **changes: Any) -> SmtpCourier:
        """Returns a courier that notes its dialogue."""
        values: dict[str, Any] = {
            "name": "relay",
            "mode": "oauth2",
            "credential": "desk",
            "host": "localhost",
            "port": self.postfix.smtp_port,
            "encryption": "starttls",
            "ca_file": str(self.certificates.ca_file),
            "from_address": "help@lab.test",
            "username": ADDRESS,
            "timeout_ms": 5000,
        }
        connection = OutgoingConnection.model_validate({**values, **changes})
        login = self.tokens().source(self.account)
        return SmtpCourier(
            connection, login, SystemClock(), write=lambda *line: self.lines.append(line)
        )


def limit() -> TimeLimit:
    now = SystemClock().steady()
    return TimeLimit(dot_before=now + 10, end_before=now + 15)


def envelope(recipient: str) -> Envelope:
    return Envelope(envelope_from="help@lab.test", recipients=(recipient,), content=CONTENT)


@pytest.fixture(params=["xoauth2 oauthbearer"])
async def desk(
    request: pytest.FixtureRequest,
    own_folder: Path,
    certificates: Certificates,
    oidc: OidcProvider,
    database_url: str,
) -> AsyncIterator[SendingDesk]:
    dovecot = Dovecot(
        own_folder / "dovecot",
        certificates,
        introspection=oidc.introspection(),
        token_mechanisms=request.param,
    )
    postfix = Postfix(own_folder / "postfix", certificates, dovecot)
    try:
        dovecot.start()
        postfix.start()
        yield SendingDesk(oidc, postfix, dovecot, certificates, database_url)
    finally:
        postfix.stop()
        dovecot.stop()


@pytest.mark.parametrize("desk", ["xoauth2", "oauthbearer"], indirect=True)
@pytest.mark.parametrize("encryption", ["starttls", "ssl"])
async def test_a_token_logs_in(desk: SendingDesk, encryption: str) -> None:
    await desk.authorize()
    port = desk.postfix.smtps_port if encryption == "ssl" else desk.postfix.smtp_port
    courier = desk.courier(encryption=encryption, port=port)
    (answer,) = await courier.send(envelope("ann@lab.test"), limit())
    await courier.close()
    assert answer.state == "sent"
    assert "235" in [words[:3] for direction, words in desk.lines if direction == "received"]

    async def is_delivered() -> bool:
        return bool(await asyncio.to_thread(desk.dovecot.uids, "ann@lab.test"))

    await until(is_delivered)


async def test_logins_at_once_leave_threads_to_renew_the_token(desk: SendingDesk) -> None:
    await desk.authorize()
    desk.clock.move(86400)
    courier = desk.courier()
    with ThreadPoolExecutor(1) as only_thread:
        asyncio.get_running_loop().set_default_executor(only_thread)
        answers = await asyncio.gather(
            *(courier.send(envelope(f"ann{number}@lab.test"), limit()) for number in range(3))
        )
    await courier.close()
    assert [answer.state for (answer,) in answers] == ["sent"] * 3


async def test_the_dialogue_shows_no_token(desk: SendingDesk) -> None:
    await desk.authorize()
    courier = desk.courier()
    await courier.send(envelope("ann@lab.test"), limit())
    await courier.close()
    token = (await desk.row())[3]
    shown = "\n".join(words for _, words in desk.lines)
    assert "AUTH XOAUTH2 ***" in shown
    assert token not in shown
    assert "Hello" not in shown
    assert f"{{{len(CONTENT)} bytes}}" in shown


async def test_a_refused_token_is_renewed_once(desk: SendingDesk) -> None:
    await desk.authorize()
    ended = (await desk.row())[3]
    await asyncio.to_thread(desk.oidc.end, ended)
    desk.clock.move(61)
    courier = desk.courier()
    (answer,) = await courier.send(envelope("ann@lab.test"), limit())
    await courier.close()
    assert answer.state == "sent"
    assert (await desk.row())[3] != ended


async def test_a_fresh_token_that_is_refused_names_the_settings(desk: SendingDesk) -> None:
    await desk.authorize("another@example.org")
    with pytest.raises(CourierUnavailable) as caught:
        await desk.courier().send(envelope("ann@lab.test"), limit())
    assert "refused a fresh token for" in caught.value.problem
    assert caught.value.setting == "outgoing connection relay: username, credential"
    assert "postrail connections authorize relay" in caught.value.remedy


async def test_revoked_access_makes_the_connection_wait_for_a_person(desk: SendingDesk) -> None:
    await desk.authorize()
    await asyncio.to_thread(desk.oidc.revoke, (await desk.row())[2])
    desk.clock.move(61)
    with pytest.raises(CourierUnavailable, match="needs authorization"):
        await desk.courier().send(envelope("ann@lab.test"), limit())
    assert (await desk.row())[0] == "needs_authorization"
