"""A mailbox of the fake of Microsoft Graph that messages are sent from, with tokens of a provider.

Connection and account log in as an application, so their tokens are those that processes get.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from postrail.configuration import store
from postrail.configuration.configured import Configured
from postrail.configuration.models.credential import OAuthCredential
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.database import one_connection
from postrail.secrets import Secrets
from postrail.settings import Settings
from tests.fakes.graph import FakeGraph, Grant
from tests.servers.certificates import Certificates
from tests.servers.oauth_provider import TENANT, OAuthProvider

DESK = "help@example.org"
RIGHTS = frozenset({"Mail.Send", "Mail.ReadWrite"})


def serve_tokens(graph: FakeGraph, provider: OAuthProvider) -> None:
    """Lets the fake take the tokens that the provider has issued to the application."""

    def grant_of(token: str) -> Grant | None:
        return Grant(RIGHTS) if token in provider.valid else None

    graph.grant_of = grant_of


def credential(
    provider: OAuthProvider, certificates: Certificates, settings: Settings
) -> OAuthCredential:
    """Returns the application's credential."""
    return OAuthCredential(
        name="entra",
        provider="microsoft",
        flow="client_credentials",
        client_id="app",
        client_secret=Secrets(settings.secrets).seal("client-s3cret"),
        tenant=TENANT,
        authority=provider.authority,
        hosts=["localhost"],
        scopes=[],
        ca_file=str(certificates.ca_file),
    )


def graph_connection(
    graph: FakeGraph, certificates: Certificates, **changes: Any
) -> OutgoingConnection:
    """Returns the connection "relay" on the fake, without a limit of messages a minute."""
    values: dict[str, Any] = {
        "name": "relay",
        "mode": "graph",
        "credential": "entra",
        "host": "localhost",
        "port": graph.port,
        "ca_file": str(certificates.ca_file),
        "from_address": DESK,
        "username": DESK,
        "mails_per_minute": 0,
        "is_default": True,
    }
    return OutgoingConnection.model_validate(values | changes)


async def save(settings: Settings, *things: Configured) -> None:
    """Stores them as the configuration."""
    now = datetime.now(UTC)
    async with one_connection(settings.database) as connection:
        for thing in things:
            await store.save(connection, thing, before=None, author="test", now=now)
