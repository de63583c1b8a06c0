"""The limits of a mailbox in Microsoft Graph, as the fake counts them.

https://learn.microsoft.com/graph/throttling-limits, Outlook service.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field

REQUEST_SECONDS = 600.0
UPLOAD_SECONDS = 300.0


@dataclass
class Limits:
    """Counts the requests and the uploaded bytes of each mailbox."""

    most_requests: int = 10_000
    most_upload_bytes: int = 150 * 1024 * 1024
    # The time and the bytes of each request, by mailbox.
    served: defaultdict[str, list[tuple[float, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, address: str, upload_bytes: int) -> bool:
        """Counts a request if it is within the limits; returns whether it is."""
        now = time.monotonic()
        served = self.served[address]
        served[:] = [one for one in served if one[0] > now - REQUEST_SECONDS]
        uploaded = sum(size for at, size in served if at > now - UPLOAD_SECONDS)
        fits = (
            len(served) < self.most_requests and uploaded + upload_bytes <= self.most_upload_bytes
        )
        if fits:
            served.append((now, upload_bytes))
        return fits
