"""Bounces in prose (Exim, qmail, Exchange, Gmail, carriers): a text in, the recipients out.

There is no list of formats. An address counts when its line begins with it, or else when a sentence
about a failure contains it; the addresses in a server's reply count only if there are no others.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property

from services.parser.kind.bounce.codes import codes_of, most_exact
from services.parser.kind.bounce.entries import Entry, read_entries
from services.parser.kind.bounce.notice import ADDRESS, Notice, is_system
from services.parser.kind.bounce.words import (
    DELAY,
    FAILURE,
    FINAL,
    GIVEN_UP,
    REASONS,
    RETRIED,
)
from services.parser.kind.receipt_words import MESSAGE

# An address belongs to a sentence about a failure up to this number of lines before it.
NEAR = 6
OPENING_LINES = 2
# The reason of a failure follows its address within this number of lines.
REASON_LINES = 4
# A line that is an address alone, perhaps with a bullet or a number before it, or with a name.
LISTED = re.compile(
    r"[ \t>|*•·・-]{0,40}(?:\d{1,3}[.)][ \t]{1,4})?(?:[^@<>:\n]{0,60}<)?[\[\"'(<]{0,3}"
    rf"(?:{ADDRESS.pattern})[>\])\"';,.]{{0,4}}[ \t]{{0,40}}"
)
# The lines of a list may have an empty one between them.
LIST_GAP = 2


@dataclass
class Findings:
    """The content of a bounce in prose."""

    addresses: list[str] = field(default_factory=list)
    delayed: bool = False
    # Whether the text contains an SMTP reply or a status code.
    coded: bool = False
    # Whether the notice begins with the failure; people begin with what they want.
    opens: bool = False
    # Whether a line begins with one of the addresses.
    listed: bool = False
    # Whether a sentence says that a message was not delivered, and a line begins with an address.
    about_message: bool = False
    text: str = ""
    # The text without what is said about one of several recipients.
    common: str = ""
    # What is said about each address (in lower case), and under "" without an address.
    said: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def original_address(self, address: str) -> str:
        """Returns the address that the message was sent to, before its server expanded it."""
        return self.aliases.get(address.lower(), address)

    def status_of(self, address: str) -> str:
        """Returns the most exact status said about an address, else without one, or ""."""
        # What is said without an address does not concern one that has a code of its own.
        return _status(self._own(address)) or self._common_status

    def meaning_of(self, address: str) -> str:
        """Returns the status (RFC 3463) that the words about an address mean, or ""."""
        own = "\n".join(one.replace("\n", " ") for one in self._own(address))
        return _meaning(own) or self._common_meaning

    def reason_of(self, address: str) -> str:
        """Returns the server's reply about an address, or else the words about it, or ""."""
        own = self._own(address)
        words = [*self.said.get("", [])[:1], *own[:1], ""]
        return _reply(own) or self._common_reply or words[0]

    def _own(self, address: str) -> list[str]:
        return self.said.get(address.lower(), [])

    # A report may name thousands of recipients: what is the same for all is read once.

    @cached_property
    def _common_status(self) -> str:
        return _status(self.said.get("", []))

    @cached_property
    def _common_reply(self) -> str:
        return _reply(self.said.get("", []))

    @cached_property
    def _common_meaning(self) -> str:
        return _meaning(self.common)


def _status(said: list[str]) -> str:
    return most_exact(code for one in said for code in codes_of(one))


def _reply(said: list[str]) -> str:
    return next((one for one in said if codes_of(one)), "")


def read_prose(notice: Notice, subject: str, ours: AbstractSet[str], gateway: str = "") -> Findings:
    """Reads a notice; `ours` are the addresses (in lower case) that sent the message.

    A carrier's gateway writes in the name of the address that failed: `gateway`, in lower case.
    """
    entries = read_entries(notice.lines)
    text = "\n".join(notice.lines)
    # What the other server says, such as "try again later", is not what this one will do.
    own = "\n".join([subject, *(entry.text for entry in entries if not entry.codes)])
    found = Findings(
        delayed=not GIVEN_UP.search(own)
        and bool(RETRIED.search(own) or (DELAY.search(own) and not FINAL.search(own))),
        opens=any(entry.fails for entry in entries[:OPENING_LINES]),
        coded=any(entry.codes for entry in entries),
        about_message=_about_message(entries),
        text=text,
        aliases={
            entry.address.lower(): entry.alias for entry in entries if entry.address and entry.alias
        },
    )
    found.addresses = _recipients(entries, ours, gateway)
    found.listed = any(entry.address in found.addresses for entry in entries)
    others = found.addresses if len(found.addresses) > 1 else []
    found.common = "\n".join(entry.text for entry in entries if entry.address not in others)
    _attribute(entries, found)
    return found


def _about_message(entries: list[Entry]) -> bool:
    if not any(entry.address for entry in entries):
        return False
    # A sentence may take two lines.
    pairs = zip([Entry(0, 0, ""), *entries], entries, strict=False)
    return any(
        FAILURE.search(line.text) and MESSAGE.search(f"{before.text}\n{line.text}")
        for before, line in pairs
        if line.fails
    )


def _recipients(entries: list[Entry], ours: AbstractSet[str], gateway: str) -> list[str]:
    """Returns the addresses of the strongest kind that occurs."""
    near = _near_failure(entries)
    heads: list[str] = []
    sentences: list[str] = []
    replies: list[str] = []
    others: list[str] = []
    for entry, is_near in zip(entries, near, strict=True):
        if entry.address and not is_system(entry.address):
            (heads if is_near else others).append(entry.address)
        for address in entry.mentioned:
            (sentences if is_near and not is_system(address) else others).append(address)
        replies.extend(entry.replied)
    named = [one for one in (*heads, *sentences) if one.lower() == gateway]
    for found in (heads, sentences):
        if kept := _distinct(found, ours):
            return kept
    for found in (named[:1], _distinct(replies, ours), _first_list(entries, ours)):
        if found:
            return found
    kept = _distinct(others, ours)
    if len(kept) == 1:
        return kept
    # People also write to themselves.
    return _distinct(heads, set())


def _first_list(entries: list[Entry], ours: AbstractSet[str]) -> list[str]:
    """Returns the addresses in the first lines that follow each other and are addresses alone."""
    found: list[str] = []
    last = 0
    for entry in entries:
        is_alone = LISTED.fullmatch(entry.text) is not None
        if found and (not is_alone or entry.number - last > LIST_GAP):
            break
        if is_alone:
            found.extend([entry.address] if entry.address else entry.mentioned)
            last = entry.last
    return _distinct([one for one in found if not is_system(one)], ours)


def _distinct(addresses: list[str], ours: AbstractSet[str]) -> list[str]:
    found = {address.lower(): address for address in reversed(addresses)}
    return [found[key] for key in dict.fromkeys(map(str.lower, addresses)) if key not in ours]


def _near_failure(entries: list[Entry]) -> list[bool]:
    """Tells for each entry whether a failure is mentioned in it, shortly before or after it."""
    near: list[bool] = []
    last = -NEAR - 1
    for index, entry in enumerate(entries):
        is_near = entry.fails or entry.number - last <= NEAR or _reason_follows(entries, index)
        # The addresses of a list follow each other.
        if entry.fails or (is_near and entry.address):
            last = entry.last
        near.append(is_near)
    return near


def _reason_follows(entries: list[Entry], index: int) -> bool:
    last = entries[index].last
    following = entries[index + 1 : index + 1 + REASON_LINES]
    return any(one.fails for one in following if one.number - last < REASON_LINES)


def _attribute(entries: list[Entry], found: Findings) -> None:
    """Notes for each address what is said about it: in its entry, or in a reply below."""
    known = {address.lower() for address in found.addresses}
    current = ""
    for entry in entries:
        names = [name.lower() for name in (entry.address, *entry.mentioned) if name]
        current = next((name for name in reversed(names) if name in known), current)
        if entry.address:
            said = entry.details
            owners = {entry.address.lower(), entry.alias.lower() or entry.address.lower()}
        elif entry.codes:
            said = entry.details
            replied = {name.lower() for name in entry.replied}
            owners = (replied & known) or {current}
        else:
            continue
        for owner in owners if said else ():
            found.said.setdefault(owner, []).append(said)


def _meaning(text: str) -> str:
    return next((status for status, words in REASONS if words.search(text)), "")
