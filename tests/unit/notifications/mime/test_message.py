"""The standard library reads back from our messages the values that they were built from."""

from __future__ import annotations

import email
import email.policy
import re
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postrail.notifications.mime.conversation_fields import REFERENCES_MAX_CHARACTERS
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.notifications.mime.message_ids import OWN_HEADER, is_ours, message_id_for

DATE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def built(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "message_id": "<postrail.1.abc@example.org>",
        "date": DATE,
        "from_name": "Help desk",
        "from_address": "help@example.org",
        "to": "ann@example.org",
        "subject": "[DEMO-1] The printer is on fire",
        "text": "We have it as DEMO-1.\n",
        "in_reply_to": None,
        "references": [],
    }
    return build_message(MessageParts(**{**fields, **changes}))


def parsed(message: bytes) -> EmailMessage:
    return email.message_from_bytes(message, policy=email.policy.default)


def text_of(message: EmailMessage) -> str:
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def lines_of(text: str) -> str:
    """Returns the text as it is sent: CRLF line ends, one at the end, no lone surrogates."""
    lines = re.sub(r"\r\n|\r|\n", "\r\n", text)
    lines = lines if lines.endswith("\r\n") else lines + "\r\n"
    return lines.encode("utf-8", "replace").decode()


def cleaned(value: str) -> str:
    value = re.sub("[\u202a-\u202e\u2066-\u2069]", "", value)
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", value).strip()


@pytest.mark.parametrize(
    ("name", "shown"),
    [("", ""), ("Ann", "Ann"), ('A "B"\r\nBcc: x@x.org', 'A "B" Bcc: x@x.org'), ("Änn", "Änn")],
)
def test_the_recipient_is_named_if_the_name_is_known(name: str, shown: str) -> None:
    message = parsed(built(to_name=name))
    (to,) = message["To"].addresses
    assert (to.display_name, to.addr_spec) == (shown, "ann@example.org")
    assert message["Bcc"] is None


def test_no_name_or_subject_turns_the_direction_of_its_line() -> None:
    turned = "\u202eevil\u202c \u2067x\u2069"
    message = built(from_name=turned, to_name=turned, subject=f"{turned} שלום")
    found = parsed(message)
    (sender,) = found["From"].addresses
    assert (sender.display_name, found["Subject"]) == ("evil x", "evil x שלום")


def test_fields_of_every_notification() -> None:
    message = parsed(built(in_reply_to="<q@x>", references=["<p@x>", "<q@x>"]))

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] == "bulk"
    assert message["MIME-Version"] == "1.0"
    assert message["Message-ID"] == "<postrail.1.abc@example.org>"
    assert message["In-Reply-To"] == "<q@x>"
    assert message["References"] == "<p@x> <q@x>"
    assert message["Date"].datetime == DATE
    assert message["From"].addresses[0].display_name == "Help desk"
    assert message["From"].addresses[0].addr_spec == "help@example.org"
    assert message.get_content_type() == "text/plain"
    assert text_of(message) == "We have it as DEMO-1.\r\n"


@settings(max_examples=300, deadline=None)
@given(
    subject=st.text(max_size=300),
    text=st.text(max_size=2000),
    name=st.text(max_size=120),
    references=st.lists(st.text(max_size=60), max_size=5),
)
def test_every_value_is_read_back(
    subject: str, text: str, name: str, references: list[str]
) -> None:
    message = built(subject=subject, text=text, from_name=name, references=references)

    read = parsed(message)
    wanted_subject = cleaned(subject).encode("utf-8", "replace").decode()
    assert str(read["Subject"]) == wanted_subject
    assert text_of(read) == lines_of(text)
    assert read["From"].addresses[0].addr_spec == "help@example.org"
    # The standard library leaves spaces between the encoded words of a name: compared without.
    wanted_name = cleaned(name).encode("utf-8", "replace").decode()
    assert "".join(read["From"].addresses[0].display_name.split()) == "".join(wanted_name.split())
    assert read["To"].addresses[0].addr_spec == "ann@example.org"
    assert message.isascii()
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")
    assert max(map(len, message.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        # Plain English needs no encoding.
        ("7bit", "We have it.\n"),
        # Some accents stay readable.
        ("quoted-printable", "Grüße aus München, wir haben es als DEMO-1 aufgenommen.\n"),
        # Mostly outside of ASCII.
        ("base64", "Мы получили ваше письмо\n"),
        # A line that SMTP would refuse.
        ("quoted-printable", "x" * 2000),
        # A control character.
        ("quoted-printable", "bell \x07\n"),
    ],
)
def test_transfer_encoding(encoding: str, text: str) -> None:
    message = parsed(built(text=text))

    assert message["Content-Transfer-Encoding"] == encoding
    assert text_of(message) == lines_of(text)


@pytest.mark.parametrize("field", ["subject", "from_name", "from_address", "to", "message_id"])
def test_no_field_can_be_injected(field: str) -> None:
    message = parsed(built(**{field: "a@example.org\r\nBcc: victim@example.org\r\n\r\nowned"}))

    assert message["Bcc"] is None
    assert text_of(message) == "We have it as DEMO-1.\r\n"


def test_no_field_can_be_injected_by_references() -> None:
    evil = "<a@x>\r\nBcc: victim@example.org"
    message = parsed(built(in_reply_to=evil, references=[evil]))

    assert message["Bcc"] is None


def test_references_keep_the_first_and_the_last() -> None:
    ids = [f"<{number:04}.{'x' * 40}@example.org>" for number in range(200)]

    kept = str(parsed(built(references=ids))["References"]).split()

    assert len(" ".join(kept)) <= REFERENCES_MAX_CHARACTERS
    assert kept[0] == ids[0]
    assert kept[1:] == ids[-len(kept) + 1 :]
    assert len(kept) > 10


@pytest.mark.parametrize(
    ("address", "header"),
    [
        # A domain outside of ASCII has a name in DNS.
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        # A local part with characters that mean something in a header field.
        ("a,b@example.org", '"a,b"@example.org'),
        # A local part that is already quoted; without the blank it would be another's.
        ('"a b"@example.org', '"a b"@example.org'),
        ("a b@example.org", '"a b"@example.org'),
        ("a..b@example.org", '"a..b"@example.org'),
        # A local part outside of ASCII can only be written as it is (RFC 6532).
        ("бob@example.org", "бob@example.org"),
    ],
)
def test_addresses(address: str, header: str) -> None:
    assert f"\r\nTo: {header}\r\n".encode() in built(to=address)


def test_message_id_is_stable_and_cannot_be_guessed() -> None:
    first = message_id_for(b"key", "11111111-2222-3333-4444-555555555555", "example.org")

    assert first == message_id_for(b"key", "11111111-2222-3333-4444-555555555555", "example.org")
    assert first != message_id_for(b"other", "11111111-2222-3333-4444-555555555555", "example.org")
    assert re.fullmatch(
        r"<postrail\.11111111-2222-3333-4444-555555555555\.[0-9a-f]{16}@example\.org>", first
    )


def test_building_is_cheap() -> None:
    started = time.process_time()
    for _ in range(2000):
        built(text="We have it as DEMO-1.\n" * 40, references=["<a@x>", "<b@x>"])
    # It should cost at most 0.05 ms; ten times that allows for a busy machine.
    assert (time.process_time() - started) / 2000 < 0.0005


OURS = message_id_for(b"key", "11111111-2222-3333-4444-555555555555", "example.org")


@pytest.mark.parametrize(
    ("message_id", "ours"),
    [
        (OURS, True),
        # Programs drop the brackets, and add spaces.
        (f" {OURS.strip('<>')} ", True),
        # The domain is not signed: an operator may change it.
        (OURS.replace("example.org", "example.net"), True),
        (OURS.replace("11111111", "11111112"), False),
        (OURS.replace("postrail.", "other."), False),
        (message_id_for(b"other key", "11111111-2222-3333-4444-555555555555", "x"), False),
        (f"{OURS}{OURS}", False),
        ("<a@example.org>", False),
        ("", False),
    ],
)
def test_only_we_can_make_our_message_ids(message_id: str, *, ours: bool) -> None:
    assert is_ours(b"key", message_id) is ours


def test_a_message_has_its_message_id_twice() -> None:
    message = parsed(built(message_id=OURS))
    assert message[OWN_HEADER] == message["Message-ID"] == OURS


PIECES = st.lists(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\u2028", "\x85", "\x00", "Bcc: a@b.c", ": ", " ", "=?utf-8?b?"]
    )
    | st.text(max_size=40),
    max_size=12,
).map("".join)
FIELDS = {
    "Message-ID", "Date", "From", "To", "Reply-To", "Subject", "In-Reply-To", "References",
    "Thread-Topic", "Thread-Index", OWN_HEADER, "Auto-Submitted", "X-Auto-Response-Suppress",
    "Precedence", "List-Id", "List-Unsubscribe", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
}  # fmt: skip


FROM_MAIL = [
    "subject", "from_name", "from_address", "to", "to_name", "reply_to", "conversation", "list_id",
    "list_name", "message_id", "in_reply_to", "html", "unsubscribe",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(values=st.fixed_dictionaries(dict.fromkeys(FROM_MAIL, PIECES)))
def test_nothing_that_came_by_mail_adds_a_field_or_a_long_line(values: dict[str, str]) -> None:
    message = built(**values, references=[values["subject"], values["to"]])
    head = message.split(b"\r\n\r\n", 1)[0]
    names = [
        line.split(b":")[0].decode("utf-8", "replace")
        for line in head.split(b"\r\n")
        if not line.startswith((b" ", b"\t"))
    ]
    assert set(names) <= FIELDS
    assert len(names) == len(set(names))
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r" not in head.replace(b"\r\n", b"")


@pytest.mark.parametrize("subject", ["a" * 3000, "word " * 1000, "Ä" * 3000, "日本 " * 800])
def test_a_long_subject_is_folded_under_998_octets(subject: str) -> None:
    message = built(subject=subject)
    assert max(map(len, message.split(b"\r\n"))) <= 998
    read = str(parsed(message)["Subject"])
    assert "".join(read.split()) == "".join(subject.split())


@pytest.mark.parametrize(
    "name",
    ["Lee, Ann", 'Ann "Bo" Lee', "Ann\\Lee", "Änn Lée", "山田 太郎", "Ann <x@y.z>", "a;b:c@d"],
)
def test_display_names_are_read_back(name: str) -> None:
    (address,) = parsed(built(to_name=name))["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ann@example.org")
