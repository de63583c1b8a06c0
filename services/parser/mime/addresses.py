"""Addresses, Message-IDs and dates: read out of whatever mailers put into these fields."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from postrail.records import Address
from services.parser.mime.headers import VALUE_MAX, Field, decode_value
from services.parser.text.decode import UNWANTED_IN_LINES, cut, one_line

# "Name" <local@domain>, the form of nearly all mail; the rest is left to the stdlib.
PLAIN = re.compile(
    r'\s*(?:"([^"\\<>]*)"|([^"\\<>,;:()]*))\s*<([^\s<>",;:()\']+@[^\s<>",;:()@\']+)>\s*'
)
BARE = re.compile(r"\s*([^\s<>\",;:()]+@[^\s<>\",;:()@]+)\s*")
ADDRESS_INSIDE = re.compile(r"[^\s<>\",;:()\[\]]{1,256}@[^\s<>\",;:()@\[\]]{1,255}")
# A name without quotes: an address in it is a name all the same, and no second recipient.
UNQUOTED_NAME = re.compile(r'(?:^|(?<=,))([^"<>,;:()]+)(?=<)')
# What the stdlib takes for an address where a bracket or a quote is missing: "Ann <a@b.example>".
WORDS_BEFORE = re.compile(r'^([^@]{0,500}[\s<])([^\s<>"]+@[^\s<>"@]+)')
NAME_MAX_BYTES = 400
# RFC 5321, 4.5.3.1: 64 for the local part, 255 for the domain, and some that are longer exist.
ADDRESS_MAX_BYTES = 512
# A mail to more is cut: its record must fit into Kafka.
ADDRESSES_MAX = 200
# RFC 5322, 3.6: once. Reading a long one may take a fifth of a second.
FIELDS_MAX = 20
ID = re.compile(r"<([^<>]+)>")
SPACES = re.compile(r"\s+")
ID_SEPARATORS = re.compile(r"[\s,;]+")
ID_MAX_BYTES = 998
RECEIVED_MAX = 2000
# As it begins with letters, it is only tried where they stand.
RECEIVED_FOR = re.compile(r"for(?<=\bfor) <?([^\s<>;@]{1,256}@[^\s<>;@]{1,255})")
# The first reference says which conversation it is, the last ones which mail is answered.
REFERENCES_MAX = 64
# Of a date.
COMMENT = re.compile(r"\([^()]*\)")
# "+0100" (RFC 5322, 3.3) as some write it; the stdlib's parser would take no offset from it.
ZONE = re.compile(r"(?<=[\d ])\s*(?:GMT|UTC)?([+-]\d\d):?(\d\d)$")


def read_addresses(fields: Iterable[Field]) -> list[Address]:
    """The addresses of all these fields; junk gives fewer addresses, never an error."""
    few = itertools.islice(fields, FIELDS_MAX)
    found = [address for one in few for address in _addresses(one.raw[:VALUE_MAX])]
    return found[:ADDRESSES_MAX]


def _addresses(raw: str) -> list[Address]:
    if plain := PLAIN.fullmatch(raw):
        quoted, atoms, address = plain.groups()
        return [_address(quoted if quoted is not None else atoms, address)]
    if bare := BARE.fullmatch(raw):
        return [_address("", bare.group(1))]
    return _by_stdlib(raw) or _inside(decode_value(raw))


def _by_stdlib(raw: str) -> list[Address]:
    # Names are decoded after the split: decoded ones may hold commas and angle brackets.
    raw = UNQUOTED_NAME.sub(_quoted, raw.replace("\r", "").replace("\n", ""))
    try:
        pairs = getaddresses([raw])
    # Thousands of opening brackets; and IndexError from fields that end in the middle of a token.
    except (RecursionError, IndexError, ValueError):
        return []
    return list(_mended(pairs))


def _quoted(found: re.Match[str]) -> str:
    name = found.group(1)
    return f'"{name.strip()}" ' if "@" in name and "\\" not in name else name


def _mended(pairs: list[tuple[str, str]]) -> Iterator[Address]:
    """The addresses of a list, with what was taken apart in their names put together again."""
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
    """Whatever looks like an address in a field that is none."""
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
        # An encoded word with an @ in it would show another domain than the mail goes to.
        plain = _without_spaces(address) if address.isascii() else plain.replace("@", "_", 1)
    return Address(name=cut(decoded, NAME_MAX_BYTES), address=cut(plain, ADDRESS_MAX_BYTES))


def _without_spaces(address: str) -> str:
    # In quotes they belong to it: "the help desk"@customer.example.
    return one_line(address) if address.startswith('"') else UNWANTED_IN_LINES.sub("", address)


def read_ids(fields: Iterable[Field]) -> list[str]:
    """The Message-IDs in these fields, in angle brackets, each once, at most REFERENCES_MAX."""
    found = list(dict.fromkeys(one for each in fields for one in _ids(each.value)))
    if len(found) > REFERENCES_MAX:
        return [found[0], *found[1 - REFERENCES_MAX :]]
    return found


def _ids(value: str) -> list[str]:
    # Folding may have put spaces into an id. Exchange and iOS part ids by commas.
    found = [SPACES.sub("", inner) for inner in ID.findall(value)]
    if not found:
        found = [word.strip("<>") for word in ID_SEPARATORS.split(value) if "@" in word]
    return [f"<{cut(one, ID_MAX_BYTES)}>" for one in found if one]


def read_message_id(fields: list[Field]) -> str | None:
    """The mail's own id in angle brackets, also one without brackets or without an @."""
    if not fields:
        return None
    if found := _ids(fields[0].value):
        return found[0]
    bare = SPACES.sub("", fields[0].value).strip("<>")
    return f"<{cut(bare, ID_MAX_BYTES)}>" if bare else None


def read_date(value: str) -> datetime | None:
    """The Date field in UTC, or None when it is no date. A date without a zone counts as UTC."""
    value = COMMENT.sub("", value[:200]).strip()
    if not value:
        return None
    try:
        return _in_utc(parsedate_to_datetime(ZONE.sub(r" \1\2", value)))
    # The stdlib's parser raises all of these on one or the other junk.
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


def read_received_for(fields: Iterable[Field]) -> list[str]:
    """Whom mail servers took the mail in for (RFC 5321, 4.4): "for <ann@customer.example>"."""
    few = (one.value[:RECEIVED_MAX] for one in itertools.islice(fields, FIELDS_MAX))
    return [found.group(1) for value in few if (found := RECEIVED_FOR.search(value))]


def read_received_at(value: str) -> datetime | None:
    """The time in a Received field, which stands behind its last semicolon (RFC 5321, 4.4)."""
    return read_date(value.rpartition(";")[2].strip())
