"""What a server says of a login never brings the password into an error."""

from __future__ import annotations

import base64

import pytest

from postrail.errors import ConfigurationError
from postrail.mailbox.dialogue_log import untold

ENCODED = base64.b64encode(b"s3cret").decode()


@pytest.mark.parametrize(
    ("secret", "problem", "told"),
    [
        # Some servers repeat the command that they do not know.
        ("s3cret", "unknown command PASS s3cret", "unknown command PASS ***."),
        ("s3cret", f"bad base64: {ENCODED}", "bad base64: ***."),
        # A server without a password.
        ("", "refused", "refused."),
    ],
)
def test_a_secret_is_taken_out_of_an_error(secret: str, problem: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as found, untold(secret):
        raise ConfigurationError(problem)
    assert str(found.value) == told
