"""Assertions of a service account, signed by RFC 7515, and the faults of unusable keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jwt
import pytest

from postrail.errors import ConfigurationError
from postrail.oauth.assertion import ServiceAccount
from tests.makers.signing import ec_key, rsa_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_assertion_verifies_with_the_public_key_and_says_for_whom() -> None:
    private, public = rsa_key()
    text = json.dumps(
        {"client_email": "robot@desk.example", "private_key": private, "private_key_id": "k1"}
    )
    found = ServiceAccount.parse(text, "setting")
    assertion = found.assertion(subject="help@x", scope="mail", audience="https://t", now=NOW)
    claims = jwt.decode(
        assertion, public, algorithms=["RS256"], audience="https://t", options={"verify_exp": False}
    )
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["iss"], claims["sub"], claims["scope"]) == (
        "robot@desk.example",
        "help@x",
        "mail",
    )
    assert jwt.get_unverified_header(assertion)["kid"] == "k1"
    assert private not in repr(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no JSON", "must be the JSON key"),
        (json.dumps({"client_email": "r@x"}), "has no private_key"),
        (json.dumps({"client_email": "r@x", "private_key": "k3y"}), "not an RSA key in PEM"),
        (json.dumps({"client_email": "r@x", "private_key": ec_key()}), "not an RSA key in PEM"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_not_shown(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServiceAccount.parse(text, "credential desk: service_account_key")
    assert says in str(caught.value)
    assert "credential desk: service_account_key" in str(caught.value)
    assert "k3y" not in str(caught.value)
