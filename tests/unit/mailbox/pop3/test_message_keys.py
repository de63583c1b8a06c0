"""The key of a POP3 message stays the same, whatever the server does to the message."""

from __future__ import annotations

import time

import pytest

from postrail.mailbox.pop3.message_keys import hash_of, keys_of, numbered, size_of

MAIL = b"Subject: one\r\nTo: us\r\n\r\nStatus: of things\r\n"


def test_only_messages_without_an_id_of_their_own_are_read() -> None:
    asked: list[int] = []

    def content_hash(place: int) -> str:
        asked.append(place)
        return f"c{place}"

    ids = {1: b"a", 2: b"b", 3: b"b", 5: b""}
    keys = keys_of(ids, range(1, 6), lambda place: f"h{place}", content_hash)
    assert keys == {
        1: "uidl=a",
        2: "uidl=b;sha256=h2",
        3: "uidl=b;sha256=h3",
        4: "sha256=c4",
        5: "sha256=c5",
    }
    assert asked == [4, 5]


SAME = [
    # Fields in which servers write that a message was read.
    b"Status: RO\r\n" + MAIL,
    MAIL.replace(b"\r\n\r\n", b"\r\nX-Status: A\r\n\r\n", 1),
    b"x-uidl: 5\r\nX-UID: 7\r\nX-Keywords:   \r\n" + MAIL,
]
OTHER = [
    MAIL.replace(b"us", b"them"),
    # The same text in the body is not a field.
    MAIL.replace(b"Status: of things\r\n", b""),
    MAIL.replace(b"\r\n\r\n", b"\r\n"),
    b"",
]


@pytest.mark.parametrize("content", SAME)
def test_the_same_message_has_the_same_hash(content: bytes) -> None:
    assert hash_of([content]) == hash_of([MAIL])


@pytest.mark.parametrize("content", OTHER)
def test_another_message_has_another_hash(content: bytes) -> None:
    assert hash_of([content]) != hash_of([MAIL])


def test_a_header_has_one_hash_with_and_without_the_empty_line() -> None:
    header = MAIL.partition(b"\r\n\r\n")[0]
    given = [header, header + b"\r\n", header + b"\r\n\r\n", MAIL]
    assert len({hash_of([one], header_only=True) for one in given}) == 1


def test_the_hash_covers_all_chunks() -> None:
    body = MAIL.partition(b"\r\n\r\n")[2]
    head = MAIL[: -len(body)]
    assert hash_of([head, body[:5], body[5:]]) == hash_of([MAIL])
    assert hash_of([head, body[:5]]) != hash_of([MAIL])
    taken = iter([head, body, b"more"])
    hash_of(taken, header_only=True)
    assert list(taken) == []


# Header fields without end, empty lines, and a single line.
@pytest.mark.parametrize("line", [b"Status: x\r\n", b"\r", b"x", b"X-Status:"])
def test_hashing_takes_linear_time(line: bytes) -> None:
    started = time.process_time()
    hash_of([line * (3_000_000 // len(line))])
    assert time.process_time() - started < 2


LINES = [
    (b"1 2\r\n", [(1, b"2")]),
    (b" 12   x y  \r\n", [(12, b"x y")]),
    (b"7\n", [(7, b"")]),
    (b"-1 2\r\n", []),
    (b"x 2\r\n", []),
    (b"\r\n", []),
    (b"9" * 5000 + b" 2\r\n", []),
]


@pytest.mark.parametrize(("line", "found"), LINES)
def test_parses_the_lines_of_listings(line: bytes, found: list[tuple[int, bytes]]) -> None:
    assert list(numbered([line])) == found


@pytest.mark.parametrize(
    ("listed", "size"), [(b"120", 120), (b"120 more", 120), (b"", None), (b"9" * 30, None)]
)
def test_parses_sizes(listed: bytes, size: int | None) -> None:
    assert size_of(listed) == size
