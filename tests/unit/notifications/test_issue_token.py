"""Tokens name an issue and prove that we made them, whatever mail programs do to them."""

from __future__ import annotations

import pytest

from postrail.notifications.issue_token import (
    IssueToken,
    is_genuine,
    plus_address,
    token_for,
    tokens_in,
)
from postrail.notifications.mime.message_ids import message_id_for

KEY = b"key"
CONVERSATION = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"
TOKEN = token_for(KEY, 12, CONVERSATION, internal=False)
INTERNAL = token_for(KEY, 12, CONVERSATION, internal=True)
MESSAGE_ID = message_id_for(KEY, "11111111-2222-3333-4444-555555555555", "desk.example", TOKEN)


@pytest.mark.parametrize(
    ("message_ids", "addresses", "found"),
    [
        ([MESSAGE_ID], [], [TOKEN]),
        ([MESSAGE_ID.upper()], [], [TOKEN]),
        ([], [f"help+{TOKEN}@desk.example"], [TOKEN]),
        ([], [f"HELP+{TOKEN}@desk.example".upper()], [TOKEN]),
        ([], [f"help+more+{INTERNAL}@desk.example"], [INTERNAL]),
        # The message that is answered goes first, and each counts once.
        (
            ["<a@b>", MESSAGE_ID],
            [f"help+{INTERNAL}@desk.example", f"help+{TOKEN}@desk.example"],
            [TOKEN, INTERNAL],
        ),
        # A message about no issue, of before, and what only looks like one.
        ([message_id_for(KEY, "11111111-2222-3333-4444-555555555555", "desk.example")], [], []),
        ([f"<{TOKEN}@desk.example>"], [f"{TOKEN}@desk.example", "help+12@desk.example"], []),
        ([], [f"help+0-{TOKEN.proof}@desk.example", f"help+12-{TOKEN.proof}0@desk.example"], []),
        ([], [f"help+{'9' * 19}-{TOKEN.proof}@desk.example"], []),
    ],
)
def test_tokens_are_found(
    message_ids: list[str], addresses: list[str], found: list[IssueToken]
) -> None:
    assert tokens_in(message_ids, addresses) == found


def test_a_message_has_few_tokens() -> None:
    addresses = [f"help+{number}-{TOKEN.proof}@desk.example" for number in range(1, 100)]
    assert len(tokens_in([], addresses)) == 10


@pytest.mark.parametrize(
    ("token", "key", "conversation", "genuine"),
    [
        (TOKEN, KEY, CONVERSATION, True),
        (INTERNAL, KEY, CONVERSATION, True),
        (TOKEN, b"other", CONVERSATION, False),
        # A restored database has given the id to another issue.
        (TOKEN, KEY, OTHER, False),
        (IssueToken(issue_id=13, internal=False, proof=TOKEN.proof), KEY, CONVERSATION, False),
        (IssueToken(issue_id=12, internal=True, proof=TOKEN.proof), KEY, CONVERSATION, False),
    ],
)
def test_only_we_can_make_them(
    token: IssueToken, key: bytes, conversation: str, genuine: bool
) -> None:
    assert is_genuine(token, key, conversation) is genuine


def test_an_address_with_a_token_is_short_enough() -> None:
    assert plus_address("help@desk.example", TOKEN) == f"help+{TOKEN}@desk.example"
    longest = "x" * (64 - len(f"+{TOKEN}"))
    assert plus_address(f"{longest}@desk.example", TOKEN) != f"{longest}@desk.example"
    # RFC 5321 allows no longer local part.
    assert plus_address(f"{longest}x@desk.example", TOKEN) == f"{longest}x@desk.example"
