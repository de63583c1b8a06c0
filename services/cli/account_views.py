"""How a mail account and its mailbox are shown, to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.cli.output import show_table

if TYPE_CHECKING:
    from postrail.accounts.models import MailAccount
    from postrail.mails.standing import FailedMail, Standing

SHORT_ID = 8


def list_line(account: MailAccount, standing: Standing) -> tuple[object, ...]:
    return (
        account.name,
        account.protocol,
        account.address,
        account.project,
        word(account.enabled),
        standing.contact.reached_at,
        _read_up_to(account, standing),
        standing.fetched,
        standing.failed,
        standing.unaccounted,
        standing.contact.problem if account.enabled else "",
    )


def _read_up_to(account: MailAccount, standing: Standing) -> int | None:
    uids = [read.last_uid for read in standing.folders if read.folder == account.folder]
    return uids[0] if uids else None


def attributes(account: MailAccount) -> dict[str, object]:
    """Every attribute with its value, secrets as set or not."""
    from postrail.accounts.store import shown

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
        ("Mails fetched in 24 hours", standing.fetched),
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
    from postrail.accounts.store import shown

    return {**shown(account), "standing": standing}
