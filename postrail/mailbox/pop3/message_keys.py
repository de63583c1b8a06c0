"""Makes the key that identifies a message of a POP3 mailbox for good. Pure.

It is the unique id (UIDL). Where a server gives one id to several messages, or lacks UIDL, it is
made from a hash of the message.
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
# Servers write into these fields that a message was read.
CHANGING_FIELDS = re.compile(rb"(?im)^(?:Status|X-Status|X-UIDL?|X-Keywords):.*\n?")
LONGEST_NUMBER = 18


def keys_of(
    ids: Mapping[int, bytes],
    places: Iterable[int],
    header_hash: Callable[[int], str],
    content_hash: Callable[[int], str],
) -> dict[int, str]:
    """Returns the key of the message at each place of a session.

    To the id of several messages each adds a hash of its header, also the first one: if only one of
    them is left next time, it is read again rather than taken for a message that was read.
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
    # It may be too long for an index, or not be text.
    return f"uidl-sha256={hashlib.sha256(unique_id).hexdigest()}"


def hash_of(chunks: Iterable[bytes], *, header_only: bool = False) -> str:
    """Returns the hash of a message, or of its header, which does not change when it is read.

    The first chunk holds the whole header, or 1 MiB of it.
    """
    rest = iter(chunks)
    first = next(rest, b"")
    found = END_OF_HEADER.search(first)
    end = found.start() if found else len(first)
    # Some servers send a header with the empty line after it, and some without.
    header = CHANGING_FIELDS.sub(b"", first[:end]).rstrip(b"\r\n")
    digest = hashlib.sha256(header)
    # The answer has to be read to its end, also where only its beginning counts.
    for chunk in itertools.chain([first[end:]], rest):
        if not header_only:
            digest.update(chunk)
    return digest.hexdigest()


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yields place and content of each line of a listing; skips lines of another form."""
    for line in lines:
        place, _, rest = line.strip().partition(b" ")
        if place.isdigit() and len(place) <= LONGEST_NUMBER:
            yield int(place), rest.strip()


def size_of(listed: bytes) -> int | None:
    """Returns the size in a line of LIST; None when it is not a number."""
    size = listed.partition(b" ")[0]
    return int(size) if size.isdigit() and len(size) <= LONGEST_NUMBER else None
