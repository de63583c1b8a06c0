"""Real tokens of a real provider (oidc-provider) open a mailbox on a real Dovecot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from postrail.configuration.models.credential import OAuthCredential
from postrail.embedded.ports import free_port
from postrail.errors import ConfigurationError
from postrail.mailbox import Mailbox
from postrail.mailbox.imap.mailbox import ImapMailbox
from postrail.mailbox.pop3.mailbox import Pop3Mailbox
from postrail.oauth import NeedsAuthorization
from postrail.secrets import Secrets
from postrail.settings import Settings
from postrail.stream.topics import apply_topics
from postrail.wire.login import login_for
from tests.fakes.fetching import until_blocking
from tests.fakes.ledgers import MemoryLedger
from tests.makers.oauth import ADDRESS, Desk
from tests.processes.fetcher_process import fetcher
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.oidc_provider import CLIENT_SECRET, REDIRECT, OidcProvider

pytestmark = pytest.mark.debian

MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"


class MailDesk(Desk):
    """An authorization desk with a real provider and a real mail server."""

    def __init__(
        self, oidc: OidcProvider, dovecot: Dovecot, certificates: Certificates, url: str
    ) -> None:
        super().__init__(certificates, url)
        self.oidc = oidc
        self.dovecot = dovecot

    def of(self, provider: str, **values: str) -> OAuthCredential:
        """Returns a credential of the real provider."""
        known = {
            "custom": {"authority": self.oidc.authority, "client_id": "desk"},
            "microsoft": {
                "authority": self.oidc.host_address,
                "tenant": "tenant",
                "client_id": "desk-msal",
            },
        }
        secret = self.secrets.seal(CLIENT_SECRET)
        given = {"client_secret": secret, "redirect_address": REDIRECT, **known[provider], **values}
        return self.credential_of(provider, **given)

    async def store_all(self, credential: OAuthCredential, protocol: str = "") -> None:
        spoken = "imap" if credential.provider == "custom" else "microsoft_oauth2"
        await self.store(
            credential,
            protocol=protocol or spoken,
            port=self.dovecot.pop3s_port if protocol == "pop3" else self.dovecot.imaps_port,
            ca_file=str(self.certificates.ca_file),
            timeout_ms=5000,
        )

    async def sign_in(self, user: str = ADDRESS) -> None:
        begun = await self.authorization().begin()
        # oidc-provider does not know Microsoft's prompt "select_account".
        address = begun.address.replace("prompt=select_account", "prompt=consent")
        answer = await asyncio.to_thread(self.oidc.sign_in, address, user)
        await self.authorization().finish(answer, begun.state)

    async def read_all(self) -> list[bytes]:
        """Opens the mailbox as the fetcher does; returns the messages."""
        login = login_for(self.account, self.secrets, self.tokens())
        mailbox: Mailbox = ImapMailbox(self.account, login)
        if self.account.protocol == "pop3":
            mailbox = Pop3Mailbox(self.account, login, MemoryLedger())
        try:
            await asyncio.to_thread(mailbox.open)
            listed = await asyncio.to_thread(mailbox.list_after, 0)
            mails = await asyncio.to_thread(mailbox.read, [mail.uid for mail in listed])
        finally:
            await asyncio.to_thread(mailbox.close)
        return [mail.content for mail in mails]


def dovecot_with(
    folder: Path, certificates: Certificates, oidc: OidcProvider, mechanisms: str
) -> Iterator[Dovecot]:
    server = Dovecot(
        folder / "dovecot-tokens",
        certificates,
        introspection=oidc.introspection(),
        token_mechanisms=mechanisms,
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["xoauth2 oauthbearer"])
def scene(
    request: pytest.FixtureRequest,
    own_folder: Path,
    certificates: Certificates,
    oidc: OidcProvider,
    database_url: str,
) -> Iterator[MailDesk]:
    for dovecot in dovecot_with(own_folder, certificates, oidc, request.param):
        yield MailDesk(oidc, dovecot, certificates, database_url)


@pytest.mark.parametrize("scene", ["xoauth2", "oauthbearer"], indirect=True)
@pytest.mark.parametrize("provider", ["custom", "microsoft"])
async def test_a_person_signs_in_and_a_message_is_read(scene: MailDesk, provider: str) -> None:
    scene.dovecot.append(ADDRESS, MAIL)
    await scene.store_all(scene.of(provider))
    await scene.sign_in()
    assert await scene.read_all() == [MAIL]
    scene.clock.move(3590)
    first = (await scene.row())[2:]
    assert await scene.read_all() == [MAIL]
    assert set(first).isdisjoint((await scene.row())[2:])


@pytest.mark.parametrize("scene", ["xoauth2", "oauthbearer"], indirect=True)
async def test_tokens_open_a_mailbox_by_pop3(scene: MailDesk) -> None:
    scene.dovecot.append(ADDRESS, MAIL)
    await scene.store_all(scene.of("custom"), "pop3")
    await scene.sign_in()
    assert await scene.read_all() == [MAIL]
    # A token that the server refuses is renewed, in the same session.
    await asyncio.to_thread(scene.oidc.end, (await scene.row())[3])
    scene.clock.move(61)
    assert await scene.read_all() == [MAIL]


@pytest.mark.parametrize("provider", ["custom", "microsoft"])
async def test_a_code_is_entered_on_another_device(scene: MailDesk, provider: str) -> None:
    scene.dovecot.append(ADDRESS, MAIL)
    public = {"client_id": "desk-public", "client_secret": "", "flow": "device_code"}
    await scene.store_all(scene.of(provider, **public))
    authorization = scene.authorization()
    device = await authorization.begin_device()
    await asyncio.to_thread(scene.oidc.sign_in, device.address, ADDRESS, device.code)
    await authorization.finish_device(device)
    assert await scene.read_all() == [MAIL]


async def test_a_token_that_the_server_refuses_is_renewed_once(scene: MailDesk) -> None:
    scene.dovecot.append(ADDRESS, MAIL)
    await scene.store_all(scene.of("custom"))
    await scene.sign_in()
    ended = (await scene.row())[3]
    await asyncio.to_thread(scene.oidc.end, ended)
    scene.clock.move(61)
    assert await scene.read_all() == [MAIL]
    assert (await scene.row())[3] != ended


async def test_revoked_access_needs_authorization_until_a_person_signs_in(
    scene: MailDesk,
) -> None:
    scene.dovecot.append(ADDRESS, MAIL)
    await scene.store_all(scene.of("custom"))
    await scene.sign_in()
    await asyncio.to_thread(scene.oidc.revoke, (await scene.row())[2])
    scene.clock.move(61)
    with pytest.raises(NeedsAuthorization, match="Run: postrail accounts authorize support"):
        await scene.read_all()
    assert (await scene.row())[0] == "needs_authorization"
    await scene.sign_in()
    assert await scene.read_all() == [MAIL]
    assert (await scene.row())[0] == "authorized"


async def test_the_error_for_a_refused_fresh_token_tells_what_to_check(scene: MailDesk) -> None:
    await scene.store_all(scene.of("custom"))
    await scene.sign_in("another@example.org")
    with pytest.raises(ConfigurationError) as caught:
        await scene.read_all()
    told = str(caught.value)
    assert "refused a fresh token for help@example.org" in told
    assert "username, credential" in told
    assert "IMAP is enabled" in told
    assert "postrail accounts authorize support" in told
    assert (await scene.row())[3] not in told


async def test_the_error_names_a_server_without_tokens(
    scene: MailDesk, dovecot: Dovecot, certificates: Certificates
) -> None:
    await scene.store_all(scene.of("custom"))
    await scene.sign_in()
    changed = scene.account.model_copy(update={"port": dovecot.imaps_port})
    token = (await scene.row())[3]
    mailbox = ImapMailbox(changed, lambda _: token)
    with pytest.raises(ConfigurationError, match="offers neither XOAUTH2 nor OAUTHBEARER"):
        await asyncio.to_thread(mailbox.open)


async def test_the_fetcher_logs_it_once_and_continues_by_itself(
    oidc: OidcProvider,
    own_folder: Path,
    certificates: Certificates,
    settings: Settings,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    await asyncio.to_thread(apply_topics, settings.kafka)
    port = free_port()
    more = {
        "POSTRAIL_SERVER__PORT": str(port),
        "POSTRAIL_FETCHER__ACCOUNTS_RELOAD_SECONDS": "0.2",
    }
    log = tmp_path / "fetcher.log"
    for dovecot in dovecot_with(own_folder, certificates, oidc, "xoauth2"):
        desk = MailDesk(oidc, dovecot, certificates, settings.database.url.get_secret_value())
        desk.secrets = Secrets(settings.secrets)
        dovecot.append(ADDRESS, MAIL)
        await desk.store_all(desk.of("custom"))
        with fetcher(os.environ | environment | more, log):
            await until_blocking(lambda: metric(port, "needs_authorization") == "1.0", 60)
            assert log.read_text().count("mailbox needs authorization") == 1
            assert "postrail accounts authorize support" in log.read_text()
            await desk.sign_in()
            await until_blocking(lambda: "mail fetched" in log.read_text(), 20)
            await until_blocking(lambda: metric(port, "needs_authorization") == "0.0", 20)
            assert 0 <= float(metric(port, "token_age_seconds")) < 60
            row = await desk.row()
    assert all(secret not in log.read_text() for secret in (CLIENT_SECRET, *row[2:]))


def metric(port: int, name: str) -> str:
    """Returns the state of the account in the fetcher's metrics; blank while it is missing."""
    with contextlib.suppress(httpx.HTTPError):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        if found := re.search(rf'{name}{{account="support"}} (\S+)', text):
            return found[1]
    return ""
