"""The fields that keep a conversation together, and the subject that is the same in all of it."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from postrail.notifications.mime.conversation_fields import (
    prefixed,
    thread_index,
    threading_fields,
    topic,
)

CONVERSATION = "11111111-2222-3333-4444-555555555555"
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def index(at: datetime, message_id: str = "<1@x>", conversation: str = CONVERSATION) -> bytes:
    return base64.b64decode(thread_index(conversation, at, message_id))


def test_all_messages_of_a_conversation_have_one_header_with_its_id() -> None:
    first, second = index(AT), index(AT + timedelta(days=900), "<2@x>")
    # [MS-OXOMSG] 2.2.1.3: 22 bytes, and five for each answer; the first byte of our times is 1.
    assert len(first) == len(second) == 27
    assert first[:22] == second[:22]
    # 1, and the upper 40 bits of the time in steps of 100 ns since 1601.
    days = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).days
    filetime = days * 864 * 10**9
    assert first[:6] == b"\x01" + (filetime >> 24).to_bytes(5, "big")
    assert first[6:22] == uuid.UUID(CONVERSATION).bytes
    assert first[22:] != second[22:]
    assert index(AT) == first


@pytest.mark.parametrize(
    ("passed", "block"),
    [
        # Discards the 18 lowest bits of the 100 ns that passed; 1 s is 38 times 2**18 of them.
        (timedelta(seconds=1), 38),
        (timedelta(0), 0),
        # From 2**49 on (about 1.8 years) it discards 23, and says so by the first bit.
        (timedelta(days=730), 1 << 31 | (730 * 86400 * 10_000_000 >> 23)),
        # A clock that is behind the header's time.
        (timedelta(days=-1), 0),
    ],
)
def test_the_time_of_an_answer(passed: timedelta, block: int) -> None:
    written = index(datetime(2026, 1, 1, tzinfo=UTC) + passed)[22:26]
    assert int.from_bytes(written, "big") == block


def test_a_conversation_of_another_form_has_an_index_too() -> None:
    assert len(index(AT, conversation="no uuid")) == 27


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[DEMO-1] Fire", "[DEMO-1] Fire"),
        ("Re: [DEMO-1] Fire", "[DEMO-1] Fire"),
        ("AW: Re: Fwd: [DEMO-1] Fire", "[DEMO-1] Fire"),
        ("Return of Re: Fire", "Return of Re: Fire"),
        ("", ""),
    ],
)
def test_topic(subject: str, expected: str) -> None:
    assert topic(subject) == expected


@pytest.mark.parametrize(
    ("subject", "prefix", "expected"),
    [
        ("[DEMO-1] Fire", "", "[DEMO-1] Fire"),
        ("[DEMO-1] Fire", "Acme:", "Acme: [DEMO-1] Fire"),
        # before the key, also in an answer
        ("Re: [DEMO-1] Fire", "Acme:", "Re: Acme: [DEMO-1] Fire"),
        # once
        ("Acme: [DEMO-1] Fire", "Acme:", "Acme: [DEMO-1] Fire"),
        ("Re: Acme: [DEMO-1] Fire", " Acme: ", "Re: Acme: [DEMO-1] Fire"),
        ("Re: Acme: Re: Acme: Fire", "Acme:", "Re: Acme: Fire"),
        ("Acme:[DEMO-1] Fire", "Acme:", "Acme: [DEMO-1] Fire"),
        # a word that begins as the prefix does stays whole
        ("Helpdesk is down", "Help", "Help Helpdesk is down"),
    ],
)
def test_the_prefix_stands_once(subject: str, prefix: str, expected: str) -> None:
    assert prefixed(subject, prefix) == expected


def test_the_topic_is_the_subject_without_its_mark_of_an_answer() -> None:
    fields = list(
        threading_fields(
            subject="Re: Acme: [DEMO-1] Fire",
            conversation=CONVERSATION,
            date=AT,
            message_id="<1@x>",
            in_reply_to="<0@x>",
            references=["<0@x>"],
        )
    )
    assert fields[:3] == [
        "In-Reply-To: <0@x>",
        "References: <0@x>",
        "Thread-Topic: Acme: [DEMO-1] Fire",
    ]
    assert fields[3].startswith("Thread-Index: ")
