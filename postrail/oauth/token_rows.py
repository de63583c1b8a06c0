"""Interprets an owner's row of tokens, and makes its next version. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from postrail.configuration.configured import TokenOwner
from postrail.configuration.models.credential import OAuthCredential
from postrail.oauth import Tokens
from postrail.oauth.token_table import TokenRow
from postrail.secrets import Secrets

NEVER_AUTHORIZED = "nobody has signed in for it yet"
# Rows of the database are compared with this text.
REBOUND = "its server, its user or its credential has changed since somebody signed in"


def blank_row(owner: TokenOwner, credential: OAuthCredential, now: datetime) -> TokenRow:
    """Returns the row of an account or connection without tokens."""
    if credential.interactive:
        return TokenRow(
            owner=owner.name,
            owners=owner.command_group,
            state="needs_authorization",
            reason=NEVER_AUTHORIZED,
            changed_at=now,
        )
    return TokenRow(
        owner=owner.name, owners=owner.command_group, state="authorized", changed_at=now
    )


def with_tokens(
    row: TokenRow, tokens: Tokens, bound: str, secrets: Secrets, now: datetime
) -> TokenRow:
    """Returns the row with the new tokens; keeps a refresh token that was not replaced."""
    renewed = secrets.seal(tokens.refresh_token) if tokens.refresh_token else row.refresh_token
    return TokenRow(
        owner=row.owner,
        owners=row.owners,
        state="authorized",
        refresh_token=renewed,
        access_token=secrets.seal(tokens.access_token),
        expires_at=tokens.expires_at,
        obtained_at=now,
        bound_to=bound,
        changed_at=now if row.state != "authorized" else row.changed_at,
    )


def bound_to(credential: OAuthCredential, owner: TokenOwner) -> str:
    """Returns a hash of the tokens' provider and of the server that receives them.

    Tokens that a person granted for one server must never be sent to another one after an
    operator has changed its owner, as with passwords.
    """
    parts = (
        credential.provider,
        credential.flow,
        credential.client_id,
        credential.tenant,
        credential.authority,
        credential.token_url,
        credential.scopes_for(owner),
        owner.host.lower(),
        owner.port,
        owner.username,
        # Without a shared mailbox the hash stays that of earlier releases.
        *([owner.mailbox_user] if owner.mailbox_user != owner.username else []),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def awaits_a_person(row: TokenRow, credential: OAuthCredential, bound: str) -> bool:
    """Returns whether the owner waits until a person signs in."""
    if not credential.interactive:
        return False
    # Reverting the change makes the tokens valid again.
    return row.bound_to != bound or (row.state != "authorized" and row.reason != REBOUND)


def explained(row: TokenRow) -> TokenRow:
    """Returns the row of an owner that waits for a sign-in, with the reason."""
    if row.state == "authorized":
        return replace(row, state="needs_authorization", reason=REBOUND)
    return row
