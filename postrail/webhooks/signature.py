"""Signs posts, so that a receiver knows who sent them and when. Pure."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

DELIVERY = "Postrail-Delivery"
IDEMPOTENCY_KEY = "Idempotency-Key"
SIGNATURE = "Postrail-Signature"


def signature(secret: str, body: str, now: datetime) -> str:
    """Returns the value of the header Postrail-Signature: t=<unix>,v1=<HMAC-SHA256 of "t.body">."""
    stamp = int(now.timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256)
    return f"t={stamp},v1={digest.hexdigest()}"


def headers(post_id: str, body: str, secret: str, now: datetime) -> dict[str, str]:
    """Returns the headers of a post; without a secret it is not signed."""
    given = {
        "Content-Type": "application/json",
        "User-Agent": "Postrail",
        DELIVERY: post_id,
        IDEMPOTENCY_KEY: post_id,
    }
    return {**given, SIGNATURE: signature(secret, body, now)} if secret else given
