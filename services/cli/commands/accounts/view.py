"""How a mail account and its mailbox are shown, to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.cli.output import clean, console, moment, show_table

if TYPE_CHECKING:
    from postrail.configuration.models.mail_account import MailAccount
    from postrail.views.mailboxes import FailedMail, Standing

SHORT_ID = 8


def print_list(found: Sequence[tuple[MailAccount, Standing]]) -> None:
    """A line for each account; below them what is wrong, and the remedy."""
    show_table(
        [
            "Account",
            "Protocol",
            "Address",
            "Project",
            "State",
            "Last contact",
            "Read to",
            "24 h",
            "Failed",
            "Unaccounted",
        ],
        [_line(account, standing) for account, standing in found],
        empty="No mail accounts. Write some with postrail init, then: postrail apply",
    )
    for account, standing in found:
        contact = standing.contact
        if _state(account, standing) == "wrong":
            since = f", since {moment(contact.problem_since)}"
            _say(f"\n{account.name}{since}: {contact.problem}")
            _say(f"  Remedy: {contact.remedy}" if contact.remedy else "")


def _say(line: str) -> None:
    if line:
        console().print(clean(line), markup=False, soft_wrap=True)


def _line(account: MailAccount, standing: Standing) -> tuple[object, ...]:
    return (
        account.name,
        account.protocol,
        account.address,
        account.project,
        _state(account, standing),
        standing.contact.reached_at,
        _read_up_to(account, standing),
        standing.fetched_in_24_hours,
        standing.failed,
        standing.unaccounted,
    )


def _state(account: MailAccount, standing: Standing) -> str:
    if not account.enabled:
        return "disabled"
    if standing.contact.problem:
        return "wrong"
    return "ok" if standing.contact.reached_at else "not seen"


def _read_up_to(account: MailAccount, standing: Standing) -> int | None:
    uids = [read.last_uid for read in standing.folders if read.folder == account.folder]
    return uids[0] if uids else None


def attributes(account: MailAccount) -> dict[str, object]:
    """Every attribute with its value, secrets as set or not."""
    from postrail.configuration.kinds import shown

    return {name: word(value) for name, value in shown(account).items()}


def word(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def standing_fields(account: MailAccount, standing: Standing) -> list[tuple[str, object]]:
    read = [
        f"{one.folder}: up to UID {one.last_uid} of UIDVALIDITY {one.uid_validity},"
        f" finished up to {one.finished_uid}"
        for one in standing.folders
    ]
    contact = standing.contact
    return [
        ("Last contact", contact.reached_at),
        *(("Read", line) for line in read),
        ("Mails fetched in 24 hours", standing.fetched_in_24_hours),
        ("Mails failed", standing.failed),
        ("Mails unaccounted for", standing.unaccounted),
        ("Wrong", contact.problem),
        ("Since", contact.problem_since),
        ("Setting", contact.setting),
        ("Remedy", contact.remedy),
    ]


def print_failures(failures: Sequence[FailedMail]) -> None:
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


def for_programs(account: MailAccount, standing: Standing) -> dict[str, object]:
    from postrail.configuration.kinds import shown

    return {**shown(account), "standing": standing}
