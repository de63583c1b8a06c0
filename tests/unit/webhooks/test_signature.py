"""The signature of a post, as its receiver checks it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

from postrail.webhooks.signature import headers, signature

NOW = datetime(2026, 11, 30, 12, 0, 0, 999, tzinfo=UTC)


def test_it_is_the_hmac_of_the_time_and_the_body() -> None:
    body = '{"comment": "Grüße"}'
    expected = hmac.new(b"s3cret", f"1796040000.{body}".encode(), hashlib.sha256).hexdigest()
    assert signature("s3cret", body, NOW) == f"t=1796040000,v1={expected}"


def test_the_id_is_the_idempotency_key_and_without_a_secret_nothing_is_signed() -> None:
    given = headers("5b0c", "{}", "", NOW)
    assert given["Postrail-Delivery"] == given["Idempotency-Key"] == "5b0c"
    assert "Postrail-Signature" not in given
    assert headers("5b0c", "{}", "s", NOW)["Postrail-Signature"].startswith("t=1796040000,v1=")
