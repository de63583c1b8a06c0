"""Finds a folder of a mailbox in Microsoft Graph by the path that people see, or creates it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.graph.faults import (
    MAILBOX_UNKNOWN,
    NotAllowed,
    NotThere,
    Refused,
    folder_unknown,
    mailbox_unknown,
    not_allowed,
)
from postrail.mailbox.graph.http import GraphClient
from postrail.oauth import BearerToken
from postrail.wire.graph import segment

# Folders with other names in other languages; as the first part of a path these always work.
# https://learn.microsoft.com/graph/api/resources/mailfolder
WELL_KNOWN = frozenset(
    {
        "archive",
        "clutter",
        "conversationhistory",
        "deleteditems",
        "drafts",
        "inbox",
        "junkemail",
        "msgfolderroot",
        "outbox",
        "sentitems",
    }
)
FOLDERS_AT_ONCE = "100"
ALREADY_THERE = 409


class FolderMissing(Exception):
    """A part of the path does not exist; `there` are the folders beside it."""

    def __init__(self, there: list[str]) -> None:
        super().__init__("the folder is missing")
        self.there = there


def check_folder(account: MailAccount, token: BearerToken) -> None:
    """Finds the account's folder; raises the errors that opening the mailbox would raise."""
    client = GraphClient(account, token)
    client.connect()
    with contextlib.closing(client):
        folder_of(client, account)


def folder_of(client: GraphClient, account: MailAccount) -> str:
    """Returns the id of the account's folder; raises ConfigurationError with the remedy."""
    try:
        return find_folder(client, account.folder)
    except NotAllowed as error:
        raise not_allowed(account, error, "Mail.ReadWrite") from error
    except NotThere as error:
        if error.is_item:
            raise folder_unknown(account, account.folder, []) from error
        if error.code.lower() in MAILBOX_UNKNOWN:
            raise mailbox_unknown(account, error, client.mailbox) from error
        raise
    except FolderMissing as missing:
        raise folder_unknown(account, account.folder, missing.there) from missing


def find_folder(client: GraphClient, path: str) -> str:
    """Returns the id of the folder; raises FolderMissing, or NotThere for the mailbox."""
    return _walk(client, path, create=False)


def find_or_create_folder(client: GraphClient, path: str) -> str:
    """Returns the id of the folder, after creating the parts of the path that are missing."""
    return _walk(client, path, create=True)


def _walk(client: GraphClient, path: str, *, create: bool) -> str:
    names = [name.strip() for name in path.split("/") if name.strip()]
    parent, walked = "", ""
    if names and names[0].lower() in WELL_KNOWN:
        walked = names.pop(0)
        parent = str(client.get(f"mailFolders/{walked.lower()}")["id"])
    for name in names:
        children = dict(_children(client, parent))
        child = children.get(name.casefold(), ("", ""))[0]
        if not child and not create:
            raise FolderMissing([_joined(walked, shown) for _, shown in children.values()])
        parent, walked = child or _created(client, parent, name), _joined(walked, name)
    return parent


def _children(client: GraphClient, parent: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yields for each folder in the parent its case-folded name, its id, and its name."""
    params = {"$top": FOLDERS_AT_ONCE, "$select": "id,displayName"}
    page, followed = client.get(_path_of(parent), params), set[str]()
    while True:
        for folder in client.items(page):
            name = str(folder.get("displayName") or "")
            yield name.casefold(), (str(folder["id"]), name)
        if not (link := page.get("@odata.nextLink")):
            return
        client.note_page(link, followed)
        page = client.get(link)


def _created(client: GraphClient, parent: str, name: str) -> str:
    try:
        return str(client.send("POST", _path_of(parent), {"displayName": name})["id"])
    except Refused as error:
        if error.status != ALREADY_THERE:
            raise
        # Another client has created it in the meantime.
        return dict(_children(client, parent))[name.casefold()][0]


def _path_of(parent: str) -> str:
    return f"mailFolders/{segment(parent)}/childFolders" if parent else "mailFolders"


def _joined(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name
