"""Makes the courier of an outgoing connection, by its mode."""

from __future__ import annotations

from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin
from postrail.courier.dkim import Sign, signer
from postrail.courier.graph.courier import GraphCourier
from postrail.courier.graph.faults import needs_tokens
from postrail.courier.graph.limits import GraphLimits
from postrail.courier.smtp import SmtpCourier
from postrail.errors import ConfigurationError
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.wire.dialogue_log import WriteLine
from postrail.wire.faults import setting_of


def login_of(
    connection: OutgoingConnection, secrets: Secrets, tokens: AccessTokens
) -> CourierLogin:
    """Returns a connection's login; called in the event loop that `tokens` works in."""
    # Also for an empty password: it refuses processes that may only observe.
    password = secrets.reveal(connection.password)
    return tokens.source(connection) if connection.credential else password


def signer_of(connection: OutgoingConnection, secrets: Secrets) -> Sign | None:
    """Returns what signs a stored connection's messages, if it has a key."""
    return sign_with(connection, secrets.reveal(connection.dkim_key))


def sign_with(connection: OutgoingConnection, key: str) -> Sign | None:
    """Returns what signs messages with this key; None without one, and as Exchange signs itself."""
    if not key or connection.mode == "graph":
        return None
    try:
        return signer(connection.dkim_domain, connection.dkim_selector, key)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the DKIM key cannot be used: {error}",
            setting=setting_of(connection, "dkim_key"),
            remedy="Give a private key in PEM (RSA or Ed25519) without a passphrase",
        ) from error


def courier_for(
    connection: OutgoingConnection,
    login: CourierLogin,
    clock: Clock,
    *,
    limits: GraphLimits | None = None,
    write: WriteLine | None = None,
    sign: Sign | None = None,
) -> SmtpCourier | GraphCourier:
    """Returns a courier; raises ConfigurationError for Graph without a source of tokens."""
    if connection.mode != "graph":
        return SmtpCourier(connection, login, clock, write, sign)
    if isinstance(login, str):
        raise needs_tokens(connection)
    return GraphCourier(connection, login, clock, limits, write)
