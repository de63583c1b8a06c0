"""Which fields of a mail account do not go together, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postrail.configuration.mail_account import MailAccount

# What only a mail server needs to be told.
SERVER_FIELDS = (
    "host",
    "port",
    "username",
    "password",
    "credential",
    "ca_file",
    "allow_plain_login",
    "properties",
)


def account_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    """The fields that do not go together, and what to do about it."""
    if account.protocol == "folder":
        yield from _folder_faults(account)
    else:
        yield from _server_faults(account)
    if account.protocol == "microsoft_graph":
        yield from _graph_faults(account)
    yield from _pop3_faults(account) if account.protocol == "pop3" else _move_faults(account)


def _folder_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if not account.path:
        yield "path", "is missing: a maildir, a folder of .eml files, or an mbox file"
    elif not PurePosixPath(account.path).is_absolute():
        yield "path", "must begin with '/': each service has a working folder of its own"
    for field in SERVER_FIELDS:
        if getattr(account, field):
            yield field, "is for mail servers; leave it out where protocol is folder"
    if account.folder != "INBOX":
        yield "folder", "is for mail servers; protocol folder reads what path names"
    if ".." in PurePosixPath(account.move_to).parts:
        yield "move_to", "must not lead upwards by '..'; give a name, or a path beginning with '/'"


def _server_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    for field in ("host", "username"):
        if not getattr(account, field) and (field == "host" or not account.wants_tokens):
            yield field, "is missing"
    if account.path:
        yield "path", "is of no use unless protocol is folder"
    yield from _credential_faults(account)
    if account.credential or account.wants_tokens:
        return
    if account.encryption == "none" and not (
        account.allow_plain_login or account.is_on_this_machine
    ):
        yield (
            "encryption",
            "none would send the password readable for anybody on the way; set it to ssl or"
            " starttls, or set allow_plain_login: true",
        )


def _graph_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.encryption != "ssl":
        yield "encryption", "must be ssl, or left out: Microsoft Graph is HTTPS"


def _credential_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.wants_tokens and not account.credential:
        yield (
            "credential",
            f"is missing: {account.protocol} takes no password; name one of credentials",
        )
    if not account.credential:
        return
    if account.allow_plain_login:
        yield "allow_plain_login", "is of no use: tokens are never sent unencrypted"
    if account.encryption in ("none", "starttls_if_available") and not account.is_on_this_machine:
        yield "encryption", "must be ssl or starttls: tokens are never sent unencrypted"
    if not account.verify_certificate and not account.is_on_this_machine:
        yield (
            "verify_certificate",
            "must be true: tokens are given to servers that prove their name only; name the"
            " authority that signed its certificate in ca_file",
        )


def _pop3_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    """RFC 1939 knows one folder, whose mails are read or removed, and no dates."""
    if account.folder != "INBOX":
        yield "folder", "pop3 has no folders; leave it blank, or set protocol to imap"
    if account.after_download == "move":
        yield (
            "after_download",
            "pop3 has no folder to move mails to; set it to seen, leave or remove, or set protocol"
            " to imap",
        )
    if account.move_to:
        yield "move_to", "is of no use with pop3, which has no folders; leave it blank"
    if account.only_after:
        yield (
            "only_after",
            "pop3 does not tell when a mail came; leave it blank, or set protocol to imap",
        )


def _move_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.after_download == "move" and not account.move_to:
        yield "move_to", "is missing: the folder that mails are moved to"
    if account.after_download != "move" and account.move_to:
        yield "move_to", "is of no use unless after_download is move"
    # INBOX is the same in any case (RFC 9051, 5.1), and each folder is to Exchange.
    any_case = account.protocol == "microsoft_graph" or account.folder.upper() == "INBOX"
    moved_to, watched = account.move_to, account.folder
    if any_case:
        moved_to, watched = moved_to.casefold(), watched.casefold()
    if account.move_to and (moved_to == watched or account.move_to == account.path):
        yield "move_to", "is the folder that is watched; name another one"
