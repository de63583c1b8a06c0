"""Tries an account of Microsoft Graph out, step by step; nothing is read, marked or made."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Generator, Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.check.connection import ConnectionCheck
from postrail.mailbox.check.timed_steps import (
    Found,
    ReadSoFar,
    Step,
    Steps,
    broken_off_after,
    in_order,
)
from postrail.mailbox.faults import setting_of
from postrail.mailbox.graph.folders import FolderMissing, find_folder, folder_of
from postrail.mailbox.graph.http import GraphClient, segment
from postrail.mailbox.login import LoginOf, asked_for


def try_graph(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """All steps, up to the first that fails. The numbers of what was read so far are ours."""
    if not (yield from _reach(account)):
        return
    tried = _Tried(account, login)
    with contextlib.closing(tried), broken_off_after(tried.interrupt):
        yield from in_order(tried.steps())


def _reach(account: MailAccount) -> Generator[Step, None, bool]:
    """Name, port and certificate; where a proxy is on the way, only the proxy knows these."""
    if urllib.request.getproxies().get("https") and not urllib.request.proxy_bypass(account.host):
        return True
    with contextlib.closing(ConnectionCheck(account)) as way:
        steps = [("name resolution", way.resolve), ("connection", way.connect)]
        return (yield from in_order([*steps, ("TLS", way.encrypt)]))


class _Tried:
    """The mailbox, asked for what there is only."""

    def __init__(self, account: MailAccount, login: LoginOf) -> None:
        self._account = account
        self._login_of = login
        self._client: GraphClient | None = None
        self._folder = ""

    def interrupt(self) -> None:
        """Breaks off what is asked."""
        if self._client is not None:
            self._client.interrupt()

    def close(self) -> None:
        """Releases the connection."""
        if self._client is not None:
            self._client.close()

    def steps(self) -> Steps:
        """From the token to what would become of a mail."""
        return [
            ("login", self._login),
            ("folder", self._find),
            ("mails", self._mails),
            ("to be fetched", self._to_be_fetched),
            ("news", self._news),
            ("after download", self._after_download),
        ]

    def _login(self) -> Found:
        login = self._login_of()
        if isinstance(login, str):
            raise ConfigurationError(
                "Microsoft Graph takes no password",
                setting=setting_of(self._account, "credential"),
                remedy="Name the credential whose tokens open the mailbox",
            )
        asked_for(login)
        self._client = GraphClient(self._account, login)
        self._client.connect()
        return Found(f"a token for {self._client.mailbox}")

    @property
    def _graph(self) -> GraphClient:
        assert self._client is not None
        return self._client

    def _find(self) -> Found:
        self._folder = folder_of(self._graph, self._account)
        return Found(self._account.folder)

    def _mails(self) -> Found:
        fields = {"$select": "totalItemCount,unreadItemCount"}
        found = self._graph.get(f"mailFolders/{segment(self._folder)}", fields)
        number, unread = found.get("totalItemCount", 0), found.get("unreadItemCount", 0)
        return Found(f"{number:,} mail{'s' if number != 1 else ''}, {unread:,} of them unread")

    def _to_be_fetched(self) -> Found:
        since = f" since {self._account.only_after}" if self._account.only_after else ""
        return Found(f"mails{since} that are not known yet")

    def _news(self) -> Found:
        return Found(f"a look each {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Found:
        wanted, target = self._account.after_download, self._account.move_to
        if wanted != "move":
            words = {"seen": "are marked as read", "remove": "go to the deleted items"}
            return Found(f"mails {words.get(wanted, 'stay as they are')}")
        try:
            find_folder(self._graph, target)
        except FolderMissing:
            return Found(f"mails are moved to {target}, which is made with the first one")
        return Found(f"mails are moved to {target}")
