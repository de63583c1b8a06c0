"""Names the faults of what is asked of approvals."""

from __future__ import annotations

from postrail.errors import PermanentError


class RequestRefused(PermanentError):
    """The approval request cannot be made as it was ordered."""
