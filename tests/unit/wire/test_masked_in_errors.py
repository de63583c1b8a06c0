"""The password never gets into an error, even when the server repeats it."""

from __future__ import annotations

import base64

import pytest

from postrail.errors import ConfigurationError
from postrail.wire.dialogue_log import masked_in_errors

ENCODED = base64.b64encode(b"s3cret").decode()


@pytest.mark.parametrize(
    ("secret", "problem", "shown"),
    [
        # Some servers repeat the command that they do not know.
        ("s3cret", "unknown command PASS s3cret", "unknown command PASS ***."),
        ("s3cret", f"bad base64: {ENCODED}", "bad base64: ***."),
        # An account without a password.
        ("", "refused", "refused."),
    ],
)
def test_a_secret_in_an_error_is_masked(secret: str, problem: str, shown: str) -> None:
    with pytest.raises(ConfigurationError) as found, masked_in_errors(secret):
        raise ConfigurationError(problem)
    assert str(found.value) == shown
