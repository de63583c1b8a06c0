"""Tests that the Message-ID is known which a relay gives a message."""

from __future__ import annotations

import pytest

from postrail.courier.given_ids import id_given_by

SES = "010001a2b3c4d5e6-1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9-000000"


@pytest.mark.parametrize(
    ("host", "reply", "given"),
    [
        ("email-smtp.eu-west-1.amazonaws.com", f"250 Ok {SES}", f"<{SES}@eu-west-1.amazonses.com>"),
        # The first region has another domain.
        ("email-smtp.us-east-1.amazonaws.com", f"250 Ok {SES}", f"<{SES}@email.amazonses.com>"),
        (
            "Email-SMTP-FIPS.us-west-2.amazonaws.com",
            f"250 2.0.0 Ok {SES}",
            f"<{SES}@us-west-2.amazonses.com>",
        ),
        # Another server keeps the Message-ID, whatever it says.
        ("mail.example.org", f"250 Ok {SES}", ""),
        ("email-smtp.eu-west-1.amazonaws.com.evil.example", f"250 Ok {SES}", ""),
        ("email-smtp.eu-west-1.amazonaws.com", "250 2.0.0 Ok: queued as 4Xyz", ""),
        ("email-smtp.eu-west-1.amazonaws.com", "554 Message rejected", ""),
    ],
)
def test_the_id_in_a_reply(host: str, reply: str, given: str) -> None:
    assert id_given_by(host, reply) == given
