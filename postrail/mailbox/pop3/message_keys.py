"""What names each mail of a POP3 mailbox for good. Pure.

That is its unique id (UIDL). Servers that give one id to several mails, or none at all, need more:
a hash of what is in the mail.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

# RFC 1939, 7: 1 to 70 characters from 0x21 to 0x7E.
PROPER_ID = re.compile(rb"[\x21-\x7e]{1,70}")
END_OF_HEADER = re.compile(rb"(?:\A|\n)\r?\n")
# Servers note in these that a mail was read.
CHANGING_FIELDS = re.compile(rb"(?im)^(?:Status|X-Status|X-UIDL?|X-Keywords):.*\n?")
LONGEST_NUMBER = 18


def keys_of(
    ids: Mapping[int, bytes],
    places: Iterable[int],
    header_hash: Callable[[int], str],
    content_hash: Callable[[int], str],
) -> dict[int, str]:
    """The key of the mail at each place of a session.

    Of mails with the same id each gets a hash of its header beside it, also the first: should its
    twin be alone next time, it is read once more rather than taken for a mail that was read.
    """
    count = Counter(ids.values())

    def key_of(place: int) -> str:
        unique_id = ids.get(place)
        if not unique_id:
            return f"sha256={content_hash(place)}"
        key = _uidl(unique_id)
        return key if count[unique_id] == 1 else f"{key};sha256={header_hash(place)}"

    return {place: key_of(place) for place in places}


def _uidl(unique_id: bytes) -> str:
    if PROPER_ID.fullmatch(unique_id):
        return f"uidl={unique_id.decode('ascii')}"
    # Too long for an index maybe, or no text.
    return f"uidl-sha256={hashlib.sha256(unique_id).hexdigest()}"


def hash_of(pieces: Iterable[bytes], *, header_only: bool = False) -> str:
    """The hash of a mail, or of its header; a mail that was read has the same as before.

    The first piece holds the whole header, or a MiB of it.
    """
    rest = iter(pieces)
    first = next(rest, b"")
    found = END_OF_HEADER.search(first)
    end = found.start() if found else len(first)
    # Some servers give out a header with the empty line behind it, and some without.
    header = CHANGING_FIELDS.sub(b"", first[:end]).rstrip(b"\r\n")
    digest = hashlib.sha256(header)
    # All of them are taken, as they come from a dialogue.
    for piece in itertools.chain([first[end:]], rest):
        if not header_only:
            digest.update(piece)
    return digest.hexdigest()


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines of a listing as place and what is listed for it; others are no such lines."""
    for line in lines:
        place, _, rest = line.strip().partition(b" ")
        if place.isdigit() and len(place) <= LONGEST_NUMBER:
            yield int(place), rest.strip()


def size_of(listed: bytes) -> int | None:
    """The size in a line of LIST, where there is one."""
    size = listed.partition(b" ")[0]
    return int(size) if size.isdigit() and len(size) <= LONGEST_NUMBER else None
