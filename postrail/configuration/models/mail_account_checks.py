"""Checks which fields of a mail account contradict each other or are missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from postrail.configuration.accounts.purpose import purpose_faults

if TYPE_CHECKING:
    from postrail.configuration.models.mail_account import MailAccount

# Fields that only mail servers need.
SERVER_FIELDS = (
    "host",
    "port",
    "username",
    "password",
    "credential",
    "login_of",
    "ca_file",
    "allow_plain_login",
    "properties",
)


def account_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    """Yields each field that contradicts another or is missing, with what to do about it."""
    if account.protocol == "folder":
        yield from _folder_faults(account)
    else:
        yield from _server_faults(account)
    if account.protocol == "microsoft_graph":
        yield from _graph_faults(account)
    yield from _pop3_faults(account) if account.protocol == "pop3" else _move_faults(account)
    yield from purpose_faults(account)


def _folder_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if not account.path:
        yield "path", "is missing: a maildir, a folder of .eml files, or an mbox file"
    elif not PurePosixPath(account.path).is_absolute():
        yield "path", "must begin with '/', because each service has its own working folder"
    for field in SERVER_FIELDS:
        if getattr(account, field):
            yield field, "is for mail servers; leave it out with protocol folder"
    if account.folder != "INBOX":
        yield "folder", "is for mail servers; protocol folder reads the path instead"
    if ".." in PurePosixPath(account.move_to).parts:
        yield "move_to", "must not contain '..'; give a name, or a path that begins with '/'"


def _server_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if not account.host:
        yield "host", "is missing"
    if not (account.username or account.wants_tokens or account.login_of):
        yield "username", "is missing"
    if account.login_of and account.password and not account.username:
        yield "username", "is missing beside the password; or leave both to login_of"
    if account.path:
        yield "path", "is used with protocol folder only; leave it out"
    yield from _credential_faults(account)
    if account.credential or account.wants_tokens:
        return
    if account.encryption == "none" and not (
        account.allow_plain_login or account.is_on_this_machine
    ):
        yield (
            "encryption",
            "none would send the password unencrypted; set it to ssl or starttls, or set"
            " allow_plain_login: true",
        )


def _graph_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.encryption != "ssl":
        yield "encryption", "must be ssl, or left out: Microsoft Graph is HTTPS"


def _credential_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.wants_tokens and not (account.credential or account.login_of):
        yield (
            "credential",
            f"is missing: {account.protocol} needs tokens; name one of the credentials",
        )
    if not account.credential:
        return
    if account.allow_plain_login:
        yield (
            "allow_plain_login",
            "has no effect: tokens are never sent unencrypted",
        )
    if account.encryption in ("none", "starttls_if_available") and not account.is_on_this_machine:
        yield "encryption", "must be ssl or starttls: tokens are never sent unencrypted"
    if not account.verify_certificate and not account.is_on_this_machine:
        yield (
            "verify_certificate",
            "must be true: tokens are sent to verified servers only; name the authority that signed"
            " its certificate in ca_file",
        )


def _pop3_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    # RFC 1939 has one folder, whose messages are read or removed, and no dates.
    if account.folder != "INBOX":
        yield "folder", "pop3 has no folders; leave it blank, or set protocol to imap"
    if account.after_download == "move":
        yield (
            "after_download",
            "pop3 has no folder to move messages to; set it to seen, leave or remove, or set"
            " protocol to imap",
        )
    if account.move_to:
        yield "move_to", "is not used with pop3, which has no folders; leave it blank"
    if account.only_after:
        yield (
            "only_after",
            "pop3 has no dates of arrival; leave it blank, or set protocol to imap",
        )


def _move_faults(account: MailAccount) -> Iterator[tuple[str, str]]:
    if account.after_download == "move" and not account.move_to:
        yield "move_to", "is missing: the folder that messages are moved to"
    if account.after_download != "move" and account.move_to:
        yield "move_to", "is used with after_download move only; leave it blank"
    # INBOX is case-insensitive (RFC 9051, 5.1), and so is every folder of Exchange.
    any_case = account.protocol == "microsoft_graph" or account.folder.upper() == "INBOX"
    moved_to, watched = account.move_to, account.folder
    if any_case:
        moved_to, watched = moved_to.casefold(), watched.casefold()
    if account.move_to and (moved_to == watched or account.move_to == account.path):
        yield "move_to", "is the folder that is watched; name another one"
