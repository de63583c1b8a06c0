"""Tokens by which people leave an issue name it, and prove the person without naming an address."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from postrail.notifications.issue_token import token_for, tokens_in
from postrail.notifications.unsubscribe.token import (
    UnsubscribeToken,
    address_with,
    is_for,
    mailto,
    takes_token,
    token_in,
    unsubscribe_token,
)

KEY, ADA = b"key", "ada@example.org"
CONVERSATION = "11111111-1111-1111-1111-111111111111"
TOKEN = unsubscribe_token(KEY, 12, CONVERSATION, ADA)
DESK = "help@desk.example"


@pytest.mark.parametrize(
    ("addresses", "subject", "found"),
    [
        ([address_with(DESK, TOKEN)], "unsubscribe", TOKEN),
        ([address_with(DESK, TOKEN).upper()], "", TOKEN),
        (["x@y.example", f"help+more+{TOKEN}@desk.example"], "", TOKEN),
        ([DESK], f"unsubscribe {TOKEN}", TOKEN),
        ([DESK], f"Re: [HELP] UNSUBSCRIBE {str(TOKEN).upper()}", TOKEN),
        # an address of an issue, a key, words
        ([f"help+{token_for(KEY, 12, CONVERSATION, internal=False)}@desk.example"], "", None),
        ([DESK], "unsubscribe", None),
        ([DESK], f"[HELP-12] {TOKEN}", None),
        ([DESK], f"unsubscribe {TOKEN}0", None),
        ([f"{TOKEN}@desk.example", "help+12u-@desk.example"], "", None),
        ([], "", None),
    ],
)
def test_a_token_is_found_in_addresses_and_subject(
    addresses: list[str], subject: str, found: UnsubscribeToken | None
) -> None:
    assert token_in(addresses, subject) == found


@pytest.mark.parametrize(
    ("token", "key", "conversation", "address", "genuine"),
    [
        (TOKEN, KEY, CONVERSATION, ADA, True),
        (TOKEN, KEY, CONVERSATION, ADA.upper(), True),
        (TOKEN, KEY, CONVERSATION, "bo@example.org", False),
        (TOKEN, KEY, CONVERSATION.replace("1", "2"), ADA, False),
        (TOKEN, b"other", CONVERSATION, ADA, False),
        (UnsubscribeToken(issue_id=13, proof=TOKEN.proof), KEY, CONVERSATION, ADA, False),
        (UnsubscribeToken(issue_id=12, proof="0" * 16), KEY, CONVERSATION, ADA, False),
    ],
)
def test_a_token_fits_one_person_and_one_issue(
    token: UnsubscribeToken, key: bytes, conversation: str, address: str, genuine: bool
) -> None:
    assert is_for(token, key, conversation, address) is genuine


@pytest.mark.parametrize("plus_address", [True, False])
@pytest.mark.parametrize("desk", [DESK, "help&more%20?@desk.example"])
def test_the_link_brings_the_token_back(desk: str, plus_address: bool) -> None:
    found = urlsplit(mailto(desk, TOKEN, plus_address=plus_address))
    (subject,) = parse_qs(found.query)["subject"]
    # A plus is a plus in a mailto (RFC 6068, 5).
    to = found.path.replace("%25", "%").replace("%26", "&").replace("%3F", "?")
    assert found.scheme == "mailto"
    assert token_in([to], subject) == TOKEN
    assert (to == desk) is not plus_address


def test_no_address_stands_in_a_token_and_none_is_taken_for_an_answer() -> None:
    assert "ada" not in str(TOKEN)
    assert tokens_in([], [address_with(DESK, TOKEN)]) == []


def test_a_local_part_stays_within_64_characters() -> None:
    longest = unsubscribe_token(KEY, 10**18 - 1, CONVERSATION, ADA)
    for length in range(20, 64):
        desk = f"{'h' * length}@desk.example"
        fits = len(address_with(desk, longest).partition("@")[0]) <= 64
        assert takes_token(desk) is fits
