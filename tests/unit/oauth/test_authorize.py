"""The answers that people paste, and the parameters in them."""

from __future__ import annotations

import pytest

from postrail.errors import ConfigurationError
from postrail.oauth.authorize import parsed_answer


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://localhost:1234/?code=c&state=s", {"code": "c", "state": "s"}),
        (" https://desk.example.org/oauth?state=s&code=4%2F0A\n", {"code": "4/0A", "state": "s"}),
        # The path and query of the loopback server.
        ("/?code=c&state=s", {"code": "c", "state": "s"}),
        # Only the query, and only the code as Google shows it.
        ("code=c&state=s", {"code": "c", "state": "s"}),
        ("?code=c&state=s", {"code": "c", "state": "s"}),
        ("4/0AeaYSH", {"code": "4/0AeaYSH"}),
        # A code may end with '='.
        ("abc==", {"code": "abc=="}),
        ("http://localhost/?error=access_denied", {"error": "access_denied"}),
    ],
)
def test_an_answer_is_read(text: str, found: dict[str, str]) -> None:
    assert parsed_answer(text) == found


@pytest.mark.parametrize("text", ["", "  ", "https://login.example.org/", "http://[x/?code=c"])
def test_texts_without_a_code_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="the answer contains no code"):
        parsed_answer(text)
