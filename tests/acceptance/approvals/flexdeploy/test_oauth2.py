"""FlexDeploy's OAuth application for the incoming side: tokens of a provider open the mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from postrail.clock import SystemClock
from postrail.configuration.load import load_snapshot
from postrail.database import one_connection
from postrail.oauth.authorize import Authorization
from postrail.secrets import Secrets
from tests.acceptance.approvals.flexdeploy.flood import SPAM, decide_among_spam
from tests.acceptance.approvals.flexdeploy.settings import APPROVALS, LEAVES, OAUTH2, SMTP, VERIFIES
from tests.acceptance.approvals.office import MAILBOX, Office
from tests.acceptance.handlers.desk import Desk
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.oidc_provider import CLIENT_SECRET, REDIRECT, OidcProvider
from tests.servers.postfix import Postfix

pytestmark = [pytest.mark.debian, pytest.mark.timeout(240)]


@pytest.fixture
def dovecot(own_folder: Path, certificates: Certificates, oidc: OidcProvider) -> Iterator[Dovecot]:
    """Starts a mail server that takes the provider's tokens, too."""
    server = Dovecot(own_folder / "dovecot", certificates, introspection=oidc.introspection())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def office(
    stopped_desk: Desk, postfix: Postfix, certificates: Certificates, oidc: OidcProvider
) -> Office:
    return Office(
        stopped_desk,
        POSTFIX_PORT=postfix.smtp_port,
        IMAPS_PORT=stopped_desk.pipeline.dovecot.imaps_port,
        CA_FILE=certificates.ca_file,
        AUTHORITY=oidc.authority,
        CLIENT_SECRET=CLIENT_SECRET,
        REDIRECT_ADDRESS=REDIRECT,
    )


def test_with_the_tokens_of_the_user_who_has_authorized_it(
    office: Office, oidc: OidcProvider
) -> None:
    office.apply(SMTP + OAUTH2 + VERIFIES + LEAVES + APPROVALS)
    asyncio.run(authorize(office, oidc))
    decide_among_spam(office, passes=True)
    assert office.pipeline.seen(MAILBOX) == (0, SPAM + 1)


async def authorize(office: Office, oidc: OidcProvider) -> None:
    """Signs the user of the mailbox in, as `postrail accounts authorize` does."""
    settings = office.pipeline.settings
    transactions = partial(one_connection, settings.database)
    async with transactions() as connection:
        account = (await load_snapshot(connection)).accounts["approvals"]
    authorization = Authorization(account, transactions, Secrets(settings.secrets), SystemClock())
    begun = await authorization.begin()
    answer = await asyncio.to_thread(oidc.sign_in, begun.address, MAILBOX)
    await authorization.finish(answer, begun.state)
