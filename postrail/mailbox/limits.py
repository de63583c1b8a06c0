"""Limits that several kinds of mailboxes share."""

from __future__ import annotations

LISTED_AT_ONCE = 1000
# Messages of unknown size are read one by one; the list should not be older than that takes.
LISTED_WITHOUT_SIZES = 50
# A longer header is cut.
HEADER_MAX_BYTES = 1024 * 1024
