"""The reasons for which an answer to an approval request decides nothing."""

from __future__ import annotations

from enum import StrEnum


class RefusedWhy(StrEnum):
    """Why an answer decides nothing; the ledger and traces hold these spellings."""

    FORGED_TOKEN = "forged_token"  # noqa: S105
    SEVERAL_REQUESTS = "several_requests"
    # It came to another mailbox than that of the request's setup.
    OTHER_MAILBOX = "other_mailbox"
    # The reply address is not in To or Cc, as its author wrote them.
    OTHER_ADDRESS = "other_address"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    OWN_MESSAGE = "own_message"
    FORWARDED = "forwarded"
    # Its sender has none of the addresses of the approver.
    STRANGER = "stranger"
    # Another person sent it in the approver's name.
    SENT_FOR = "sent_for"
    # The approver is no longer an active person.
    INACTIVE = "inactive"
    # A delegate wrote it before or after the dates of the delegation.
    OUTSIDE_DELEGATION = "outside_delegation"
    UNVERIFIED = "unverified"
    LATE = "late"
    DECIDED = "decided"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    # The approver has answered before.
    SECOND = "second"
    # The same message as the one that has answered, from a copy or a replay.
    REPEATED = "repeated"
    # Another person is asked in the approver's place.
    REPLACED = "replaced"
    NOT_ASKED = "not_asked"
    UNCLEAR = "unclear"
    COMMENT_MISSING = "comment_missing"
    # A person has released it, which gives it no right to decide.
    RELEASED = "released"
    # It was refused before, and is handled again.
    REFUSED_BEFORE = "refused_before"
    # Something else has become of it, as its outcome says.
    OTHERWISE = "otherwise"


# A person may have meant these, and is told why they do not count.
HELPED = frozenset(
    {
        RefusedWhy.SEVERAL_REQUESTS,
        RefusedWhy.OTHER_ADDRESS,
        RefusedWhy.FORWARDED,
        RefusedWhy.STRANGER,
        RefusedWhy.SENT_FOR,
        RefusedWhy.INACTIVE,
        RefusedWhy.OUTSIDE_DELEGATION,
        RefusedWhy.UNVERIFIED,
        RefusedWhy.LATE,
        RefusedWhy.DECIDED,
        RefusedWhy.EXPIRED,
        RefusedWhy.WITHDRAWN,
        RefusedWhy.SECOND,
        RefusedWhy.REPLACED,
        RefusedWhy.UNCLEAR,
        RefusedWhy.COMMENT_MISSING,
    }
)
