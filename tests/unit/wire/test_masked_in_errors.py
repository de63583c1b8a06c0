"""The password never gets into an error, even when the server repeats it."""

from __future__ import annotations

import base64

import pytest

from postrail.errors import ConfigurationError
from postrail.wire.dialogue_log import masked_in_errors


def sasl(start: int, end: int) -> str:
    """Returns a part of the response to PLAIN."""
    return base64.b64encode(b"\0help\0s3cret")[start:end].decode()


ENCODED = base64.b64encode(b"s3cret").decode()


@pytest.mark.parametrize(
    ("secret", "problem", "shown"),
    [
        # Some servers repeat the command that they do not know.
        ("s3cret", "unknown command PASS s3cret", "unknown command PASS ***."),
        ("s3cret", f"bad base64: {ENCODED}", "bad base64: ***."),
        # The responses of SASL: PLAIN, XOAUTH2 behind a word, and one that is cut.
        ("s3cret", f"AUTH PLAIN {sasl(0, 40)}", "AUTH PLAIN ***."),
        ("s3cret", f"xoauth2/{sasl(0, 40)}==", "***."),
        ("s3cret", f"AUTH PLAIN {sasl(0, 14)}", "AUTH PLAIN ***."),
        ("s3cret", "535 5.7.8 authentication failed: UGFzc3dvcmQ6", None),
        # An account without a password.
        ("", "refused", "refused."),
    ],
)
def test_a_secret_in_an_error_is_masked(secret: str, problem: str, shown: str | None) -> None:
    with pytest.raises(ConfigurationError) as found, masked_in_errors(secret):
        raise ConfigurationError(problem)
    assert str(found.value) == (shown or f"{problem}.")
