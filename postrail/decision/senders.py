"""Judges whether a message is from the address that it names (RFC 8601, RFC 7489). Pure.

Anyone can write a From field. Only what one's own mail server states about it counts: an
Authentication-Results field with a configured name of that server, which stands above all Received
fields of servers that are not trusted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from postrail.configuration.models.mail_account import MailAccount
from postrail.message_parts import Address, AuthenticationResult
from postrail.records import MailParsed

# Defects, as the parser words them, of a From field that programs read differently.
AMBIGUOUS = ("From fields", "addresses in From", "an encoded word in the address of From")


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


def judge(mail: MailParsed, account: MailAccount) -> Judged:
    """Returns the verdict about the address of From; without a trusted result it is none."""
    if mail.sender is None or "@" not in mail.sender.address:
        return Judged(Verdict.NONE, "From has no address")
    if not account.authserv_ids:
        return Judged(Verdict.NONE, f"account {account.name} has no authserv_ids")
    results = list(_trusted(mail, account))
    if not results:
        ids = ", ".join(account.authserv_ids)
        return Judged(Verdict.NONE, f"no Authentication-Results field of {ids}")
    domain = mail.sender.address.rpartition("@")[2].lower()
    for one in results:
        if one.method == "dmarc" and one.result == "fail":
            return Judged(Verdict.FAIL, _shown(one))
    if ambiguous := next((d for d in mail.defects if d.endswith(AMBIGUOUS)), ""):
        return Judged(Verdict.NONE, ambiguous)
    if form := form_of(mail, account):
        return Judged(Verdict.NONE, f"{form} names the author in Reply-To, which proves nothing")
    for one in results:
        if one.result == "pass" and _is_about(one, domain):
            return Judged(Verdict.PASS, _shown(one))
    return Judged(Verdict.NONE, f"no aligned pass of DMARC or DKIM for {domain}")


def _trusted(mail: MailParsed, account: MailAccount) -> Iterator[AuthenticationResult]:
    """Yields the results of the topmost field with a configured name, if it is above all strangers.

    A stranger's field may have the same name, but it arrived with the message, below the Received
    field of the first server of ours.
    """
    names = {name.lower() for name in account.authserv_ids}
    found = [one for one in mail.authentication if one.server in names]
    if not found:
        return
    top = found[0].position
    above = [field.value for field in mail.headers[:top] if field.name.lower() == "received"]
    trusted = names | {host.lower() for host in account.trusted_hosts}
    if all(_written_by(value) in trusted for value in above):
        yield from (one for one in found if one.position == top)


def _written_by(received: str) -> str:
    """Returns the server that wrote a Received field (RFC 5321, 4.4), in lower case, or ""."""
    words = received.lower().replace(";", " ").split()
    return next((host for word, host in itertools.pairwise(words) if word == "by"), "")


def _is_about(one: AuthenticationResult, domain: str) -> bool:
    """Tells whether a result is about the domain: DMARC's always, DKIM's if it is aligned."""
    properties = dict(_pairs(one.properties))
    if one.method == "dmarc":
        return properties.get("header.from", domain) == domain
    if one.method != "dkim":
        return False
    signer = properties.get("header.d") or properties.get("header.i", "").rpartition("@")[2]
    # A parent domain speaks for its subdomains; a public suffix signs nothing.
    return bool(signer) and "." in signer and (signer == domain or domain.endswith(f".{signer}"))


def _pairs(properties: Sequence[str]) -> Iterator[tuple[str, str]]:
    for one in properties:
        name, _, value = one.partition("=")
        yield name.lower(), value.lower()


def _shown(one: AuthenticationResult) -> str:
    return f"{one.server}: {' '.join([f'{one.method}={one.result}', *one.properties])}"
