"""What a row of the table of tokens means for its account, and how it changes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime

from postrail.configuration.credential import OAuthCredential
from postrail.configuration.mail_account import MailAccount
from postrail.oauth import Tokens
from postrail.oauth.token_table import TokenRow
from postrail.secrets import Secrets

NEVER_AUTHORIZED = "nobody has signed in for it yet"
REBOUND = "its server, its user or its credential has changed since somebody signed in"


def blank_row(account: MailAccount, credential: OAuthCredential, now: datetime) -> TokenRow:
    """The row of an account that has no tokens yet."""
    if credential.interactive:
        return TokenRow(
            mail_account=account.name,
            state="needs_authorization",
            reason=NEVER_AUTHORIZED,
            changed_at=now,
        )
    return TokenRow(mail_account=account.name, state="authorized", changed_at=now)


def with_tokens(
    row: TokenRow, tokens: Tokens, bound: str, secrets: Secrets, now: datetime
) -> TokenRow:
    """The row with what the provider gave; a refresh token that it did not replace stays."""
    renewed = secrets.seal(tokens.refresh_token) if tokens.refresh_token else row.refresh_token
    return TokenRow(
        mail_account=row.mail_account,
        state="authorized",
        refresh_token=renewed,
        access_token=secrets.seal(tokens.access_token),
        expires_at=tokens.expires_at,
        obtained_at=now,
        bound_to=bound,
        changed_at=now if row.state != "authorized" else row.changed_at,
    )


def bound_to(credential: OAuthCredential, account: MailAccount) -> str:
    """A hash of where tokens come from and go to.

    Whoever changes the server of an account must not be sent the tokens that a person gave for
    another one, as with passwords.
    """
    parts = (
        credential.provider,
        credential.flow,
        credential.client_id,
        credential.tenant,
        credential.authority,
        credential.token_url,
        credential.scopes_for(account),
        account.host.lower(),
        account.port,
        account.username,
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def awaits_a_person(row: TokenRow, credential: OAuthCredential, bound: str) -> bool:
    if not credential.interactive:
        return False
    # Who takes such a change back need not sign in again.
    return row.bound_to != bound or (row.state != "authorized" and row.reason != REBOUND)


def explained(row: TokenRow) -> TokenRow:
    """The row of an account that waits for a person, and why."""
    if row.state == "authorized":
        return replace(row, state="needs_authorization", reason=REBOUND)
    return row
