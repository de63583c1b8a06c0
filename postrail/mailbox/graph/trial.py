"""Tests an account of Microsoft Graph step by step, without reading or changing any message."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Generator, Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.errors import ConfigurationError
from postrail.mailbox.graph.folders import FolderMissing, find_folder, folder_of
from postrail.mailbox.graph.http import GraphClient
from postrail.wire.connection_check import ConnectionCheck
from postrail.wire.faults import setting_of
from postrail.wire.graph import segment
from postrail.wire.login import LoginOf, token_from
from postrail.wire.timed_steps import (
    Actions,
    Findings,
    ReadSoFar,
    Step,
    run_in_order,
    time_limit,
)


def try_graph(account: MailAccount, login: LoginOf, so_far: ReadSoFar | None) -> Iterator[Step]:
    """Runs the steps, up to the first that fails; Graph has no use for `so_far`."""
    if not (yield from _check_connection(account)):
        return
    trial = _GraphTrial(account, login)
    with contextlib.closing(trial), time_limit(trial.interrupt):
        yield from run_in_order(trial.actions())


def _check_connection(account: MailAccount) -> Generator[Step, None, bool]:
    """Checks name, port and certificate, unless a proxy makes the connection for us."""
    if urllib.request.getproxies().get("https") and not urllib.request.proxy_bypass(account.host):
        return True
    with contextlib.closing(ConnectionCheck(account, account.risks())) as check:
        actions = [("name resolution", check.resolve), ("connection", check.connect)]
        return (yield from run_in_order([*actions, ("TLS", check.encrypt)]))


class _GraphTrial:
    """A client that only queries the mailbox."""

    def __init__(self, account: MailAccount, login: LoginOf) -> None:
        self._account = account
        self._login_of = login
        self._client: GraphClient | None = None
        self._folder = ""

    def interrupt(self) -> None:
        """Breaks off the request that is running."""
        if self._client is not None:
            self._client.interrupt()

    def close(self) -> None:
        """Releases the connection."""
        if self._client is not None:
            self._client.close()

    def actions(self) -> Actions:
        """Returns the steps, from the token to what follows a download."""
        return [
            ("login", self._login),
            ("folder", self._find),
            ("messages", self._messages),
            ("to be fetched", self._to_be_fetched),
            ("new mail", self._new_mail),
            ("after download", self._after_download),
        ]

    def _login(self) -> Findings:
        login = self._login_of()
        if isinstance(login, str):
            raise ConfigurationError(
                "Microsoft Graph takes no password",
                setting=setting_of(self._account, "credential"),
                remedy="Name the credential whose tokens open the mailbox",
            )
        token_from(login)
        self._client = GraphClient(self._account, login)
        self._client.connect()
        return Findings(f"a token for {self._client.mailbox}")

    @property
    def _graph(self) -> GraphClient:
        assert self._client is not None
        return self._client

    def _find(self) -> Findings:
        self._folder = folder_of(self._graph, self._account)
        return Findings(self._account.folder)

    def _messages(self) -> Findings:
        fields = {"$select": "totalItemCount,unreadItemCount"}
        found = self._graph.get(f"mailFolders/{segment(self._folder)}", fields)
        number, unread = found.get("totalItemCount", 0), found.get("unreadItemCount", 0)
        return Findings(
            f"{number:,} message{'s' if number != 1 else ''}, {unread:,} of them unread"
        )

    def _to_be_fetched(self) -> Findings:
        since = f" since {self._account.only_after}" if self._account.only_after else ""
        return Findings(f"messages{since} that are not known yet")

    def _new_mail(self) -> Findings:
        return Findings(f"a poll every {self._account.poll_seconds:g} seconds")

    def _after_download(self) -> Findings:
        wanted, target = self._account.after_download, self._account.move_to
        if wanted != "move":
            words = {"seen": "are marked as read", "remove": "go to the deleted items"}
            return Findings(f"messages {words.get(wanted, 'stay as they are')}")
        try:
            find_folder(self._graph, target)
        except FolderMissing:
            return Findings(f"messages are moved to {target}, which is created with the first one")
        return Findings(f"messages are moved to {target}")
