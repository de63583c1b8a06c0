"""Limits that several kinds of mailboxes share."""

from __future__ import annotations

from postrail.configuration.models.mail_account import MailAccount

# Connecting cannot be interrupted, so it must not delay the end of the process for long.
CONNECT_TIMEOUT_SECONDS = 10.0
LISTED_AT_ONCE = 1000
# Messages of unknown size are read one by one; the list should not be older than that takes.
LISTED_WITHOUT_SIZES = 50
# A longer header is cut.
HEADER_MAX_BYTES = 1024 * 1024


def connect_timeout_seconds(account: MailAccount) -> float:
    """Returns the account's timeout, or the limit for connecting if that is shorter."""
    return min(account.timeout_ms / 1000, CONNECT_TIMEOUT_SECONDS)
