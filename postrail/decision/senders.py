"""Judges whether a message is from the address that it names (RFC 8601, RFC 7489). Pure.

Anyone can write a From field. Only what one's own mail server states about it counts: an
Authentication-Results field with a configured name of that server, which stands above all Received
fields of servers that are not trusted.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postrail.configuration.models.mail_account import MailAccount
from postrail.message_parts import Address, AuthenticationResult, HeaderField
from postrail.notifications.addresses import ascii_domain
from postrail.records import MailParsed

# Defects, as the parser words them, of a From field that programs read differently.
AMBIGUOUS = re.compile(
    r"From fields$|addresses in From$|an encoded word in the address of From$"
    r"|characters (in|of) From\b"
)
# A pair that begins with a backslash, which stays, or a string: neither is searched twice.
QUOTED = re.compile(r'(\\.)|"(?:[^"\\]++|\\.)*+"', re.DOTALL)
ADDRESS_IN_COMMENT = re.compile(r"\([^()]*@")
# The innermost comments of a field.
COMMENT = re.compile(r"\([^()]*\)")
COMMENTS_WITHIN_EACH_OTHER = 5
# Under many domains of countries, such as co.uk and com.br, names are given to anybody.
SECOND_LEVEL = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ltd", "me", "mil", "ne", "net", "nom"}
    | {"or", "org", "plc", "sch"}
)
# Which field is the topmost: Fastmail writes others above it, with results such as bimi and arc.
METHODS = ("spf", "dkim", "dmarc")
# Stands in `authserv_ids` for fields without a name, as Microsoft 365 writes them.
NAMELESS = "microsoft"


class Verdict(StrEnum):
    """What is known about the sender; traces and conditions hold these spellings."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the result or fault that it rests on."""

    verdict: Verdict
    reason: str


def author(mail: MailParsed, account: MailAccount | None) -> Address | None:
    """Returns the one who wrote the message: its sender, or whom a web form names in Reply-To."""
    return mail.reply_to[0] if form_of(mail, account) else mail.sender


def form_of(mail: MailParsed, account: MailAccount | None) -> str:
    """Returns the address of the web form that names the author of the message, or ""."""
    sender = mail.sender.address.lower() if mail.sender else ""
    forms = account.reply_to_senders if account else ()
    told = sender in forms and mail.reply_to and "@" in mail.reply_to[0].address
    return sender if told else ""


def is_proven(mail: MailParsed, account: MailAccount | None) -> bool:
    """Tells whether the sender is proven to be who the message says."""
    return account is not None and judge(mail, account).verdict is Verdict.PASS


def judge(mail: MailParsed, account: MailAccount) -> Judged:
    """Returns the verdict about the address of From; without a trusted result it is none."""
    if mail.sender is None or "@" not in mail.sender.address:
        return Judged(Verdict.NONE, "From has no address")
    if not account.authserv_ids:
        return Judged(Verdict.NONE, f"account {account.name} has no authserv_ids")
    trusted = _trusted(mail, account)
    if not trusted:
        ids = ", ".join(account.authserv_ids)
        return Judged(Verdict.NONE, f"no Authentication-Results field of {ids}")
    # A forged failure harms only the message itself, so each of our fields may say so.
    for one in trusted:
        if one.method == "dmarc" and one.result == "fail":
            return Judged(Verdict.FAIL, _shown(one))
    if ambiguity := _ambiguity(mail, mail.sender.address):
        return Judged(Verdict.NONE, ambiguity)
    if form := form_of(mail, account):
        return Judged(Verdict.NONE, f"{form} names the author in Reply-To, which proves nothing")
    domain = _plain(mail.sender.address.rpartition("@")[2])
    results = [one for one in trusted if one.method in METHODS]
    for one in results:
        if one.position == results[0].position and one.result == "pass" and _is_about(one, domain):
            return Judged(Verdict.PASS, _shown(one))
    return Judged(Verdict.NONE, f"no aligned pass of DMARC or DKIM for {domain}")


def _ambiguity(mail: MailParsed, address: str) -> str:
    """Returns why programs may read another address in From than ours, or "".

    The parser takes the sender from other fields where From has none; results are about From alone.
    """
    if found := next((one for one in mail.defects if AMBIGUOUS.search(one)), ""):
        return found
    values = [field.value for field in mail.headers if field.name.lower() == "from"]
    if len(values) != 1:
        return f"{len(values)} From fields"
    if address.lower() not in values[0].lower():
        return "the address is not that of From"
    if ADDRESS_IN_COMMENT.search(QUOTED.sub(r"\1", values[0])):
        return "another address in a comment of From"
    return ""


def _trusted(mail: MailParsed, account: MailAccount) -> list[AuthenticationResult]:
    """Returns the results of fields with a configured name that are above all strangers, in order.

    A stranger's field may have the same name, but it arrived with the message, below the Received
    field of the first server of ours. That server must remove fields with its own name (RFC 8601,
    5): one that stands right below cannot be told from its own.
    """
    names = [*account.authserv_ids]
    trusted = [*names, *account.trusted_hosts]
    # A record has only the beginning of a very long header: what is not in it is not trusted.
    fields = itertools.takewhile(lambda field: _is_ours(field, trusted), mail.headers)
    ours = sum(1 for _ in fields)
    return [
        one
        for one in mail.authentication
        if _is_among(one.server or NAMELESS, names) and 0 <= one.position < ours
    ]


def _is_among(host: str, names: Collection[str]) -> bool:
    """Tells whether a host has one of these names; one that begins with a dot is of all below."""
    return any(host == name or (name[0] == "." and host.endswith(name)) for name in names)


def _is_ours(field: HeaderField, trusted: Collection[str]) -> bool:
    """Tells whether a field may stand above our own: all but a Received field of a stranger."""
    host = _written_by(field.value) if field.name.lower() == "received" else None
    return host is None or _is_among(host, trusted) or _is_private(host)


def _written_by(received: str) -> str:
    """Returns the server that wrote a Received field (RFC 5321, 4.4), in lower case, or "".

    Comments hold words of the sender's, such as the name that it gave itself.
    """
    for _ in range(COMMENTS_WITHIN_EACH_OTHER):
        received = COMMENT.sub(" ", received)
    words = received.lower().replace(";", " ").split()
    found = next((host for word, host in itertools.pairwise(words) if word == "by"), "")
    return found.rstrip(".")


def _is_private(host: str) -> bool:
    """Tells whether a host is named by a private address, as Gmail names its inner servers.

    Gmail writes them in IPv6, with the private address within (6to4: RFC 3056).
    """
    try:
        address = ipaddress.ip_address(host.strip("[]").removeprefix("ipv6:"))
    except ValueError:
        return False
    inner = address.sixtofour if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address).is_private


def _is_about(one: AuthenticationResult, domain: str) -> bool:
    """Tells whether a result is about the domain: DMARC's always, DKIM's if it is aligned."""
    given = list(_pairs(one.properties))
    properties = dict(given)
    if len(properties) < len(set(given)):
        # Two values of one property: a part of one may be the sender's words.
        return False
    if one.method == "dmarc":
        return _plain(properties.get("header.from", domain)) == domain
    if one.method != "dkim":
        return False
    signer = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
    return _is_aligned(_plain(signer), domain)


def _is_aligned(signer: str, domain: str) -> bool:
    """Tells whether a signer speaks for the domain: it is the same, or a parent (RFC 7489, 3.1).

    A public suffix signs for nobody: a name without a dot, and such as co.uk.
    """
    labels = signer.split(".")
    if len(labels) < 2 or (len(labels) == 2 and labels[0] in SECOND_LEVEL and len(labels[1]) == 2):
        return False
    return signer == domain or domain.endswith(f".{signer}")


def _plain(domain: str) -> str:
    """Returns a domain as results name it: in ASCII, in lower case, without the last dot."""
    return ascii_domain(domain).lower().rstrip(".")


def _pairs(properties: Sequence[str]) -> Iterator[tuple[str, str]]:
    for one in properties:
        name, _, value = one.partition("=")
        yield name.lower(), value.lower()


def _shown(one: AuthenticationResult) -> str:
    return f"{one.server or NAMELESS}: {' '.join([f'{one.method}={one.result}', *one.properties])}"
