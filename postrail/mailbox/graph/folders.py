"""Finds a folder of a mailbox in Microsoft Graph by the path that people see, or makes it."""

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
from postrail.mailbox.graph.http import GraphClient, segment
from postrail.oauth import BearerToken

# They have other names in other languages; as the first part of a path these always work.
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
    """The path leads nowhere; these are the folders where it ends."""

    def __init__(self, there: list[str]) -> None:
        super().__init__("the folder is missing")
        self.there = there


def look_at(account: MailAccount, token: BearerToken) -> None:
    """Finds the account's folder, and nothing else; its faults are those of opening a mailbox."""
    client = GraphClient(account, token)
    client.connect()
    with contextlib.closing(client):
        folder_of(client, account)


def folder_of(client: GraphClient, account: MailAccount) -> str:
    """The id of the account's folder; raises ConfigurationError, naming setting and remedy."""
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
    """The id of the folder; raises FolderMissing, or NotThere when there is no such mailbox."""
    return _walk(client, path, make=False)


def find_or_make_folder(client: GraphClient, path: str) -> str:
    """The same, making what is missing of the path."""
    return _walk(client, path, make=True)


def _walk(client: GraphClient, path: str, *, make: bool) -> str:
    names = [name.strip() for name in path.split("/") if name.strip()]
    found, passed = "", ""
    if names and names[0].lower() in WELL_KNOWN:
        passed = names.pop(0)
        found = str(client.get(f"mailFolders/{passed.lower()}")["id"])
    for name in names:
        children = dict(_children(client, found))
        child = children.get(name.casefold(), ("", ""))[0]
        if not child and not make:
            raise FolderMissing([_joined(passed, shown) for _, shown in children.values()])
        found, passed = child or _made(client, found, name), _joined(passed, name)
    return found


def _children(client: GraphClient, parent: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each folder in the parent its name in small letters, its id, and its name."""
    params = {"$top": FOLDERS_AT_ONCE, "$select": "id,displayName"}
    page, followed = client.get(_place(parent), params), set[str]()
    while True:
        for folder in client.items(page):
            name = str(folder.get("displayName") or "")
            yield name.casefold(), (str(folder["id"]), name)
        if not (link := page.get("@odata.nextLink")):
            return
        client.note_page(link, followed)
        page = client.get(link)


def _made(client: GraphClient, parent: str, name: str) -> str:
    try:
        return str(client.send("POST", _place(parent), {"displayName": name})["id"])
    except Refused as error:
        if error.status != ALREADY_THERE:
            raise
        # Somebody else has made it in the meantime.
        return dict(_children(client, parent))[name.casefold()][0]


def _place(parent: str) -> str:
    return f"mailFolders/{segment(parent)}/childFolders" if parent else "mailFolders"


def _joined(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name
