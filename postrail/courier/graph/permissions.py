"""Reads in an access token of Microsoft whether it allows to send. Pure."""

from __future__ import annotations

from collections.abc import Collection

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier.graph.faults import not_allowed
from postrail.oauth.signed_in import claims_of

SEND = "Mail.Send"
SEND_SHARED = "Mail.Send.Shared"


def permissions_in(token: str) -> frozenset[str] | None:
    """Returns the permissions in a token; None for one that cannot be read, which is its right.

    A user's are in `scp` and an application's in `roles`
    (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference).
    """
    claims = claims_of(token)
    roles = claims.get("roles")
    found = [*str(claims.get("scp", "")).split(), *(roles if isinstance(roles, list) else [])]
    return frozenset(map(str, found)) or None


def require_right_to_send(
    connection: OutgoingConnection, permissions: Collection[str] | None
) -> None:
    """Raises CourierUnavailable if a token has permissions, and none of them is to send."""
    if permissions is not None and not {SEND, SEND_SHARED} & set(permissions):
        listed = ", ".join(sorted(permissions))
        raise not_allowed(connection, f"the token has the permissions {listed}, and not {SEND}")
