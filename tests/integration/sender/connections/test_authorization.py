"""A real provider (oidc-provider) withdraws a connection's access, and a person gives it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import Connection, one_connection, rows, transaction
from postrail.doctor.mail import check_connection
from postrail.oauth.authorize import Authorization
from postrail.oauth.token_table import all_rows
from postrail.oauth.tokens import AccessTokens
from postrail.outgoing import intake as outgoing
from postrail.secrets import Secrets
from postrail.views.connections.statuses import connection_statuses
from tests.processes.graph_desk import save
from tests.processes.sender_lab import SenderLab
from tests.processes.senders import queued_mail, until
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.oidc_provider import CLIENT_SECRET, REDIRECT, OidcProvider
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.debian, pytest.mark.timeout(150)]

DESK = "desk@lab.test"
CLOCK = SystemClock()


class Scene:
    """A connection whose server takes the tokens of the provider."""

    def __init__(
        self, lab: SenderLab, oidc: OidcProvider, postfix: Postfix, certificates: Certificates
    ) -> None:
        self.lab = lab
        self.oidc = oidc
        self.secrets = Secrets(lab.settings.secrets)
        self.tokens = AccessTokens(self.transaction, self.secrets, CLOCK)
        self.credential = OAuthCredential(
            name="desk",
            provider="custom",
            authority=oidc.authority,
            client_id="desk",
            client_secret=self.secrets.seal(CLIENT_SECRET),
            redirect_address=REDIRECT,
            hosts=["localhost"],
            scopes=[],
            ca_file=str(certificates.ca_file),
        )
        self.connection = OutgoingConnection(
            name="relay",
            mode="oauth2",
            credential="desk",
            host="localhost",
            port=postfix.smtp_port,
            encryption="starttls",
            ca_file=str(certificates.ca_file),
            from_address=DESK,
            username=DESK,
            is_default=True,
        )

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        return one_connection(self.lab.settings.database)

    async def authorize(self) -> None:
        """Signs a person in, as `postrail connections authorize` does."""
        authorization = Authorization(self.connection, self.transaction, self.secrets, CLOCK)
        begun = await authorization.begin()
        answer = await asyncio.to_thread(self.oidc.sign_in, begun.address, DESK)
        await authorization.finish(answer, begun.state)

    async def withdraw(self) -> None:
        """Revokes the access; the access token's time is over, too."""
        async with self.transaction() as connection:
            [row] = await all_rows(connection, "connections")
            await connection.execute("UPDATE connection_token SET expires_at = now()")
        await asyncio.to_thread(self.oidc.revoke, self.secrets.reveal(row.refresh_token))

    async def authorization(self) -> tuple[str, str]:
        """Returns the state and the reason that `postrail connections list` shows."""
        async with self.transaction() as connection:
            [(_, status)] = await connection_statuses(connection)
        return status.authorization, status.authorization_reason

    async def replies(self) -> list[str]:
        async with transaction(self.lab.pool) as connection:
            found = await rows(connection, "SELECT reply FROM delivery ORDER BY sequence")
        return [str(row[0]) for row in found]


@pytest.fixture
async def scene(
    lab: SenderLab, own_folder: Path, certificates: Certificates, oidc: OidcProvider
) -> AsyncIterator[Scene]:
    dovecot = Dovecot(
        own_folder / "dovecot",
        certificates,
        introspection=oidc.introspection(),
        token_mechanisms="xoauth2",
    )
    postfix = Postfix(own_folder / "postfix", certificates, dovecot)
    try:
        dovecot.start()
        postfix.start()
        made = Scene(lab, oidc, postfix, certificates)
        await save(lab.settings, made.credential, made.connection)
        yield made
    finally:
        postfix.stop()
        dovecot.stop()


async def test_mail_waits_for_a_person_and_goes_out_after_the_sign_in(scene: Scene) -> None:
    await scene.authorize()
    await scene.withdraw()
    sender = scene.lab.start()
    async with transaction(scene.lab.pool) as connection:
        recipients = ["ann@lab.test", "ben@lab.test"]
        await outgoing.store(connection, [queued_mail(recipients=recipients)])

    async def waits() -> bool:
        return any("needs authorization: invalid_grant" in one for one in await scene.replies())

    await until(waits)
    assert "Run: postrail connections authorize relay" in " ".join(await scene.replies())
    state, reason = await scene.authorization()
    assert (state, reason[:13]) == ("needs_authorization", "invalid_grant")
    finding = await check_connection(scene.connection, scene.secrets, scene.tokens, CLOCK)
    assert finding.remedy == "Run: postrail connections authorize relay"
    assert "sent" not in await scene.lab.states()

    await scene.authorize()

    await scene.lab.until_states(sent=2)
    assert await scene.authorization() == ("authorized", "")
    assert sender.runs
    finding = await check_connection(scene.connection, scene.secrets, scene.tokens, CLOCK)
    assert (finding.state, finding.remedy) == ("ok", "")
