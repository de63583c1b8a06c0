"""Addresses, Message-IDs and dates: header fields as mailers write them in, clean values out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from postrail.message_parts import Address
from services.parser.mime.headers import VALUE_MAX, Field, Header, decode_value
from services.parser.text.decode import UNWANTED_IN_LINES, cut, one_line

# "Name" <local@domain>, the form of nearly all addresses; the stdlib reads the others.
PLAIN = re.compile(
    r'\s*(?:"([^"\\<>]*)"|([^"\\<>,;:()]*))\s*<([^\s<>",;:()\']+@[^\s<>",;:()@\']+)>\s*'
)
BARE = re.compile(r"\s*([^\s<>\",;:()]+@[^\s<>\",;:()@]+)\s*")
ADDRESS_INSIDE = re.compile(r"[^\s<>\",;:()\[\]]{1,256}@[^\s<>\",;:()@\[\]]{1,255}")
# A name without quotes: an address in it is part of the name, not a second recipient.
UNQUOTED_NAME = re.compile(r'(?:^|(?<=,))([^"<>,;:()]+)(?=<)')
# The stdlib takes this for one address when a bracket or quote is missing: "Ann <a@b.example>".
WORDS_BEFORE = re.compile(r'^([^@]{0,500}[\s<])([^\s<>"]+@[^\s<>"@]+)')
NAME_MAX_BYTES = 400
# RFC 5321, 4.5.3.1, allows 64 for the local part and 255 for the domain; longer ones exist.
ADDRESS_MAX_BYTES = 512
# A longer list is cut: the record of the message must fit into Kafka.
ADDRESSES_MAX = 200
# RFC 5322, 3.6, allows one. Reading a long one may take a fifth of a second.
FIELDS_MAX = 20
ID = re.compile(r"<([^<>]+)>")
SPACES = re.compile(r"\s+")
ID_SEPARATORS = re.compile(r"[\s,;]+")
ID_MAX_BYTES = 998
RECEIVED_MAX = 2000
# It begins with letters, so that the search skips to where they occur.
RECEIVED_FOR = re.compile(r"for(?<=\bfor) <?([^\s<>;@]{1,256}@[^\s<>;@]{1,255})")
# The first reference identifies the conversation, the last ones the message that is answered.
REFERENCES_MAX = 64
# A comment in a date.
COMMENT = re.compile(r"\([^()]*\)")
# "+0100" (RFC 5322, 3.3) as some mailers write it; the stdlib's parser would ignore the offset.
ZONE = re.compile(r"(?<=[\d ])\s*(?:GMT|UTC)?([+-]\d\d):?(\d\d)$")

# Most reliable first.
DELIVERED_TO = (
    "delivered-to",
    "x-delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-rcpt-to",
    "x-forwarded-to",
    "apparently-to",
)


def read_addresses(fields: Iterable[Field]) -> list[Address]:
    """Returns the addresses in these fields; junk gives fewer addresses, never an error."""
    few = itertools.islice(fields, FIELDS_MAX)
    found = [address for one in few for address in _addresses(one.raw[:VALUE_MAX])]
    return found[:ADDRESSES_MAX]


def read_sender(header: Header) -> Address | None:
    """Returns the author; without a usable From field, the address in one of the others."""
    for name in ("from", "sender", "return-path"):
        fields = header.all(name)
        if found := fields and read_addresses(fields[:1]):
            return found[0]
    return None


def read_delivered_to(header: Header) -> list[str]:
    """Returns each address that mail servers and forwarders note, the most reliable first."""
    fields = [found for name in DELIVERED_TO if (found := header.all(name))]
    noted = [address.address for found in fields for address in read_addresses(found)]
    return list(dict.fromkeys([*noted, *_received_for(header.all("received"))]))


def _addresses(raw: str) -> list[Address]:
    if plain := PLAIN.fullmatch(raw):
        quoted, atoms, address = plain.groups()
        return [_address(quoted if quoted is not None else atoms, address)]
    if bare := BARE.fullmatch(raw):
        return [_address("", bare.group(1))]
    return _by_stdlib(raw) or _inside(decode_value(raw))


def _by_stdlib(raw: str) -> list[Address]:
    # Names are decoded after the split, as they may then contain commas and angle brackets.
    raw = UNQUOTED_NAME.sub(_quoted, raw.replace("\r", "").replace("\n", ""))
    try:
        pairs = getaddresses([raw])
    # Thousands of opening brackets; IndexError comes from fields that end within a token.
    except (RecursionError, IndexError, ValueError):
        return []
    return list(_rejoined(pairs))


def _quoted(found: re.Match[str]) -> str:
    name = found.group(1)
    return f'"{name.strip()}" ' if "@" in name and "\\" not in name else name


def _rejoined(pairs: list[tuple[str, str]]) -> Iterator[Address]:
    """Yields the addresses of a list, with names joined again that were split at a comma."""
    before: list[str] = []
    for name, address in pairs:
        if not _plausible(address):
            # "Doe, Ann <ann@customer.example>": the comma is not quoted.
            before = [*before, name or address] if name or address else []
            continue
        if address[0] != '"' and (inside := WORDS_BEFORE.search(address)):
            name, address = name or inside.group(1).strip('"< '), inside.group(2)
        yield _address(", ".join([*before[-2:], name]) if name else name, address)
        before = []


def _plausible(address: str) -> bool:
    return "@" in address and not address.startswith("@") and "=?" not in address


def _inside(text: str) -> list[Address]:
    """Returns everything that looks like an address in a field that cannot be parsed."""
    return [_address("", found) for found in ADDRESS_INSIDE.findall(text)]


def _address(name: str, address: str) -> Address:
    decoded = decode_value(name)
    # Outlook quotes a name a second time: "'Jane Doe'".
    if len(decoded) > 1 and decoded[0] == decoded[-1] == "'":
        decoded = decoded[1:-1]
    plain = _without_spaces(decode_value(address))
    # Outlook quotes addresses so, too.
    plain = plain[1:-1] if plain[0] == plain[-1] == "'" else plain
    if plain.count("@") > 1 and address.count("@") == 1:
        # An encoded word with an @ in it would show another domain than the real one.
        plain = _without_spaces(address) if address.isascii() else plain.replace("@", "_", 1)
    return Address(name=cut(decoded, NAME_MAX_BYTES), address=cut(plain, ADDRESS_MAX_BYTES))


def _without_spaces(address: str) -> str:
    # Within quotes, spaces belong to the address: "the help desk"@customer.example.
    return one_line(address) if address.startswith('"') else UNWANTED_IN_LINES.sub("", address)


def read_ids(fields: Iterable[Field]) -> list[str]:
    """Returns the distinct Message-IDs, in angle brackets, at most REFERENCES_MAX."""
    found = list(dict.fromkeys(one for each in fields for one in _ids(each.value)))
    if len(found) > REFERENCES_MAX:
        return [found[0], *found[1 - REFERENCES_MAX :]]
    return found


def _ids(value: str) -> list[str]:
    # Folding may have put spaces into an id. Exchange and iOS separate ids by commas.
    found = [SPACES.sub("", inner) for inner in ID.findall(value)]
    if not found:
        found = [word.strip("<>") for word in ID_SEPARATORS.split(value) if "@" in word]
    return [f"<{cut(one, ID_MAX_BYTES)}>" for one in found if one]


def read_message_id(fields: list[Field]) -> str | None:
    """Returns the message's own id in angle brackets, also if it has no brackets or no @."""
    if not fields:
        return None
    if found := _ids(fields[0].value):
        return found[0]
    bare = SPACES.sub("", fields[0].value).strip("<>")
    return f"<{cut(bare, ID_MAX_BYTES)}>" if bare else None


def read_date(value: str) -> datetime | None:
    """Returns a Date field in UTC, or None for junk. A date without a zone counts as UTC."""
    value = COMMENT.sub("", value[:200]).strip()
    if not value:
        return None
    try:
        return _in_utc(parsedate_to_datetime(ZONE.sub(r" \1\2", value)))
    # The stdlib's parser raises each of these on some kind of junk.
    except (ValueError, TypeError, IndexError, OverflowError):
        return _iso_date(value)


def _iso_date(value: str) -> datetime | None:
    # Some programs write ISO 8601 there.
    try:
        return _in_utc(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        return None


def _in_utc(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _received_for(fields: Iterable[Field]) -> list[str]:
    """Returns the recipients in Received fields (RFC 5321, 4.4): "for <ann@customer.example>"."""
    few = (one.value[:RECEIVED_MAX] for one in itertools.islice(fields, FIELDS_MAX))
    return [found.group(1) for value in few if (found := RECEIVED_FOR.search(value))]


def read_received_at(value: str) -> datetime | None:
    """Returns the time in a Received field, after its last semicolon (RFC 5321, 4.4)."""
    return read_date(value.rpartition(";")[2].strip())
