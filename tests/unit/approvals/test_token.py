"""Tokens that name an approver's part in a request, and prove that we made them."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from postrail.approvals.token import (
    TOKENS_MAX,
    ApprovalToken,
    is_genuine,
    mailto,
    reply_address,
    token_for,
    tokens_in,
)
from tests.makers.approvals.requests import ANA, BEN

KEY = b"key" * 11
REQUEST = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"
TOKEN = token_for(KEY, 12, REQUEST, ANA)
MESSAGE_ID = f"<postrail.{uuid.UUID(int=7)}.{'0f' * 8}.{TOKEN}@example.org>"


def test_a_token_is_genuine_for_its_part_only() -> None:
    assert is_genuine(TOKEN, KEY, REQUEST, ANA)
    assert not is_genuine(TOKEN, KEY, REQUEST, BEN)
    assert not is_genuine(TOKEN, KEY, OTHER, ANA)
    assert not is_genuine(TOKEN, b"other" * 11, REQUEST, ANA)
    assert not is_genuine(ApprovalToken(assignment_id=13, proof=TOKEN.proof), KEY, REQUEST, ANA)
    last = "a" if TOKEN.proof[-1] != "a" else "b"
    forged = ApprovalToken(assignment_id=12, proof=TOKEN.proof[:-1] + last)
    assert not is_genuine(forged, KEY, REQUEST, ANA)


def test_a_token_is_written_the_same_each_time() -> None:
    assert str(TOKEN) == str(token_for(KEY, 12, REQUEST, ANA))
    assert str(TOKEN).startswith("12a-")
    assert len(TOKEN.proof) == 26


@pytest.mark.parametrize(
    ("addresses", "message_ids", "texts"),
    [
        ([f"approvals+{TOKEN}@example.org"], [], []),
        ([f"APPROVALS+{str(TOKEN).upper()}@EXAMPLE.ORG"], [], []),
        ([f"a+b+{TOKEN}@example.org"], [], []),
        ([], [MESSAGE_ID], []),
        ([], [MESSAGE_ID.upper()], []),
        ([], [], [f"> Reference: {TOKEN}"]),
        ([], [], [f"[{TOKEN}]"]),
        ([], [], [f"<a href='mailto:approvals+{TOKEN}@example.org'>"]),
        ([], [], [f"Message-ID: {MESSAGE_ID}"]),
        ([], [], [f"参照：{TOKEN}。"]),
        # Each once.
        ([f"x+{TOKEN}@example.org"] * 2, [MESSAGE_ID], [f"{TOKEN} {TOKEN}"]),
    ],
)
def test_tokens_are_found(addresses: list[str], message_ids: list[str], texts: list[str]) -> None:
    assert tokens_in(addresses, message_ids, texts) == [TOKEN]


@pytest.mark.parametrize(
    ("addresses", "message_ids", "texts"),
    [
        ([f"{TOKEN}@example.org"], [], []),
        ([f"approvals-{TOKEN}@example.org"], [], []),
        ([f"approvals@{TOKEN}"], [], []),
        ([], [f"<{TOKEN}@example.org>"], []),
        ([], [], [f"x{TOKEN}"]),
        ([], [], [f"{TOKEN}a"]),
        ([], [], [str(TOKEN)[:-1]]),
        ([], [], [f"0{TOKEN}"]),
        ([], [], ["1" * 19 + str(TOKEN)[2:]]),
        # Letters that only look alike, or are the same in small letters.
        ([], [], ["12a-" + "\u212a" * 26]),
        ([], [], ["12a-" + "\u017f" * 26]),
    ],
)
def test_what_only_looks_like_a_token_is_none(
    addresses: list[str], message_ids: list[str], texts: list[str]
) -> None:
    assert tokens_in(addresses, message_ids, texts) == []


def test_a_message_has_a_few_tokens_at_most() -> None:
    texts = [str(token_for(KEY, number, REQUEST, ANA)) for number in range(1, 100)]
    found = tokens_in([f"a+{TOKEN}@example.org"], [], [" ".join(texts)])
    assert len(found) == TOKENS_MAX
    assert found[0] == TOKEN


@pytest.mark.parametrize(
    "text", ["1" * 400_000, "12a-" * 100_000, "+" * 400_000, "1a-" + "a" * 400_000]
)
def test_a_long_text_is_searched_once(text: str) -> None:
    assert tokens_in([text], [text], [text]) == []


def test_the_reply_address_has_the_token_if_it_fits() -> None:
    assert reply_address("approvals@example.org", TOKEN) == f"approvals+{TOKEN}@example.org"
    assert reply_address("a+b@example.org", TOKEN) == f"a+b+{TOKEN}@example.org"
    long = "a" * 40 + "@example.org"
    assert reply_address(long, TOKEN) == long


def test_a_link_prefills_the_answer() -> None:
    address = reply_address("approvals@example.org", TOKEN)
    link = urlsplit(mailto(address, "[A-12] Größe & Co?", f"approve\n\n{TOKEN}"))
    assert (link.scheme, unquote(link.path)) == ("mailto", address)
    assert parse_qs(link.query) == {
        "subject": ["[A-12] Größe & Co?"],
        "body": [f"approve\r\n\r\n{TOKEN}"],
    }
    assert "+" not in link.query
