"""Shows mail accounts and the status of their mailboxes, to people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from postrail.configuration.kinds import shown
from postrail.configuration.models.mail_account import MailAccount
from postrail.views.mailboxes import AccountStatus, FailedMail, MailboxStatus
from services.cli.output import SHORT_ID, console, moment, show_table
from services.cli.switched import word
from services.cli.visible import clean


def print_list(found: Sequence[AccountStatus]) -> None:
    """Prints a line for each account, and below them the problems with their remedies."""
    show_table(
        [
            "Account",
            "Protocol",
            "Address",
            "Project",
            "Purpose",
            "State",
            "Last contact",
            "Read to",
            "24 h",
            "Failed",
            "Unaccounted",
        ],
        [_line(account, status) for account, status in found],
        empty="No mail accounts. Write a file with postrail init, then: postrail apply",
    )
    for account, status in found:
        contact = status.contact
        if _state(account, status) == "wrong":
            since = f", since {moment(contact.problem_since)}"
            _print(f"\n{account.name}{since}: {contact.problem}")
            _print(f"  Remedy: {contact.remedy}" if contact.remedy else "")


def _print(line: str) -> None:
    if line:
        console().print(clean(line), markup=False, soft_wrap=True)


def _line(account: MailAccount, status: MailboxStatus) -> tuple[object, ...]:
    return (
        account.name,
        account.protocol,
        account.address,
        account.project,
        account.purpose,
        _state(account, status),
        status.contact.reached_at,
        _last_uid(account, status),
        status.fetched_in_24_hours,
        status.failed,
        status.unaccounted,
    )


def _state(account: MailAccount, status: MailboxStatus) -> str:
    if not account.enabled:
        return "disabled"
    if status.contact.problem:
        return "wrong"
    return "ok" if status.contact.reached_at else "not seen"


def _last_uid(account: MailAccount, status: MailboxStatus) -> int | None:
    uids = [read.last_uid for read in status.folders if read.folder == account.folder]
    return uids[0] if uids else None


def attributes(account: MailAccount) -> dict[str, object]:
    """Returns every attribute with its value; of secrets only whether they are set."""
    return {name: word(value) for name, value in shown(account).items()}


def _counted_again(generation: int) -> str:
    return f" listed anew {generation} times as the server counts back," if generation else ""


def status_fields(status: MailboxStatus) -> list[tuple[str, object]]:
    """Returns the status of a mailbox as names and values."""
    read = [
        f"{one.folder}: up to UID {one.last_uid} of UIDVALIDITY {one.uid_validity},"
        f"{_counted_again(one.generation)} finished up to {one.finished_uid}"
        for one in status.folders
    ]
    contact = status.contact
    return [
        ("Last contact", contact.reached_at),
        ("Read whole until", contact.read_until),
        *(("Read", line) for line in read),
        ("Messages fetched in 24 hours", status.fetched_in_24_hours),
        ("Messages failed", status.failed),
        ("Messages unaccounted for", status.unaccounted),
        ("Problem", contact.problem),
        ("Since", contact.problem_since),
        ("Setting", contact.setting),
        ("Remedy", contact.remedy),
    ]


def print_failures(failures: Sequence[FailedMail]) -> None:
    """Prints a line for each message that failed."""
    show_table(
        ["Mail", "When", "State", "Source", "Subject", "Why"],
        [
            (
                mail.mail_id[:SHORT_ID],
                mail.handled_at,
                mail.state,
                mail.source,
                mail.subject,
                mail.reason,
            )
            for mail in failures
        ],
        empty="",
    )


def as_object(account: MailAccount, status: MailboxStatus) -> dict[str, object]:
    """Returns an account and the status of its mailbox for JSON."""
    return {**shown(account), "standing": status}
