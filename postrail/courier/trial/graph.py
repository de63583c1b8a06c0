"""Tests a connection that sends through Microsoft Graph: the token, and what it may do."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from collections.abc import Iterator
from typing import Any

from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import LoginOf
from postrail.courier.graph.faults import (
    Forbidden,
    InDoubt,
    Refused,
    needs_tokens,
    owner_of,
    strange_answer,
)
from postrail.courier.graph.http import GraphHttp
from postrail.courier.graph.permissions import require_right_to_send
from postrail.wire.connection_check import ConnectionCheck
from postrail.wire.timed_steps import Actions, Findings, Step, run_in_order

NOT_READ_BACK = (
    "Grant Mail.ReadWrite too: without it nobody can tell after a broken connection whether a"
    " message was sent, nor which Message-ID it got"
)


def try_graph(connection: OutgoingConnection, login: LoginOf, recipient: str) -> Iterator[Step]:
    """Runs the steps, up to the first that fails; Graph says nothing about a recipient before."""
    check = ConnectionCheck(connection, connection.risks())
    with contextlib.closing(check):
        actions = [("name resolution", check.resolve), ("connection", check.connect)]
        by_proxy = urllib.request.getproxies().get("https")
        if not by_proxy and not (yield from run_in_order([*actions, ("TLS", check.encrypt)])):
            return
    with (
        asyncio.Runner() as runner,
        contextlib.closing(GraphTrial(connection, login, runner)) as trial,
    ):
        yield from run_in_order(trial.actions())


class GraphTrial:
    """A client that only reads."""

    def __init__(
        self, connection: OutgoingConnection, login: LoginOf, runner: asyncio.Runner
    ) -> None:
        self._connection = connection
        self._login_of = login
        self._runner = runner
        self._http: GraphHttp | None = None

    def actions(self) -> Actions:
        """Returns the steps."""
        return [("login", self._log_in), ("mailbox", self._mailbox)]

    def close(self) -> None:
        """Closes the connections."""
        if self._http is not None:
            self._runner.run(self._http.close())

    def _log_in(self) -> Findings:
        login = self._login_of()
        if isinstance(login, str):
            raise needs_tokens(self._connection)
        self._http = GraphHttp(self._connection, login)
        permissions = self._runner.run(self._http.permissions())
        require_right_to_send(self._connection, permissions)
        if permissions is None:
            return Findings(f"a token for {owner_of(self._connection)}", self._unproven())
        allowed = ", ".join(sorted(permissions))
        return Findings(f"a token for {owner_of(self._connection)}, which allows {allowed}")

    def _unproven(self) -> str:
        return (
            "The token does not show what it allows, so that only a message proves that it may"
            f" send: postrail connections send-test {self._connection.name} --to ADDRESS"
        )

    def _mailbox(self) -> Findings:
        owner = owner_of(self._connection)
        try:
            self._ask({"$select": "displayName"})
        except Forbidden as error:
            if error.is_by_policy:
                raise error.unavailable from error
            return Findings(f"{owner} may not be read", NOT_READ_BACK)
        return Findings(f"{owner} has a folder for drafts")

    def _ask(self, params: dict[str, str]) -> dict[str, Any]:
        assert self._http is not None
        try:
            return self._runner.run(self._http.ask("GET", "mailFolders/drafts", params=params))
        except (InDoubt, Refused) as error:
            raise strange_answer(self._connection, str(error)) from error
