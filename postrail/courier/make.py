"""Makes the courier of an outgoing connection, by its mode."""

from __future__ import annotations

from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import Courier
from postrail.courier.graph.courier import GraphCourier
from postrail.courier.graph.faults import needs_tokens
from postrail.courier.graph.limits import GraphLimits
from postrail.courier.smtp import SmtpCourier
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.wire.dialogue_log import WriteLine
from postrail.wire.login import Login


def login_of(connection: OutgoingConnection, secrets: Secrets, tokens: AccessTokens) -> Login:
    """Returns a connection's login; called in the event loop that `tokens` works in."""
    # Also for an empty password: it refuses processes that may only observe.
    password = secrets.reveal(connection.password)
    return tokens.bearer(connection) if connection.credential else password


def courier_for(
    connection: OutgoingConnection,
    login: Login,
    clock: Clock,
    *,
    limits: GraphLimits | None = None,
    write: WriteLine | None = None,
) -> Courier:
    """Returns a courier; raises ConfigurationError for Graph without a source of tokens."""
    if connection.mode != "graph":
        return SmtpCourier(connection, login, clock, write)
    if isinstance(login, str):
        raise needs_tokens(connection)
    return GraphCourier(connection, login, clock, limits, write)
