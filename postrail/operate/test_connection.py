"""Tests outgoing connections step by step, as they are stored or as a file describes them.

Nothing is stored; only `send_test` sends a message.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from postrail.clock import Clock
from postrail.configuration.entry import Entry
from postrail.configuration.load import outgoing_connections
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.plan import make_plan
from postrail.configuration.sealing import check_secrets, secret_if_applied
from postrail.configuration.store import read_all
from postrail.courier import Answer, CourierLogin, Envelope, LoginOf, TimeLimit
from postrail.courier.dkim import Sign
from postrail.courier.make import courier_for, sign_with, signer_of
from postrail.courier.trial import try_connection
from postrail.database import Connection, Transactions
from postrail.errors import ConfigurationError, PermanentError, PipelineError
from postrail.notifications.mime.message import MessageParts, build_message
from postrail.notifications.return_path import return_path
from postrail.oauth import BearerToken, TokenSource
from postrail.oauth.tokens import AccessTokens
from postrail.secrets import Secrets
from postrail.wire.dialogue_log import WriteLine
from postrail.wire.timed_steps import Step

SEND_SECONDS = 60.0
TEXT = """This is a test of the outgoing connection {name} of Postrail.

You can delete this message. It was sent because somebody tested whether messages arrive.
"""


@dataclass(frozen=True)
class ConnectionCandidate:
    """A connection to test."""

    connection: OutgoingConnection
    # Returns the password; raises PipelineError when it cannot be read.
    password: Callable[[], str]
    # Returns what adds a DKIM signature, if the connection has a key; raises as `password` does.
    sign: Callable[[], Sign | None]

    def login(self, tokens: AccessTokens) -> CourierLogin:
        """Returns the login, for the event loop of `tokens`."""
        return tokens.source(self.connection) if self.connection.credential else self.password()

    def login_in_a_thread(self, tokens: AccessTokens) -> LoginOf:
        """Returns what finds the login in a thread; called in the event loop of `tokens`."""
        if not self.connection.credential:
            return self.password
        source = _blocking(tokens.bearer(self.connection))
        return lambda: source


def _blocking(bearer: BearerToken) -> TokenSource:
    """Returns a source of tokens for a thread whose event loop has nothing else to do meanwhile."""

    async def ask(refused: str) -> str:
        return bearer(refused)

    return ask


async def stored_connection(
    transactions: Transactions, secrets: Secrets, name: str
) -> ConnectionCandidate:
    """Returns the connection as it is stored; raises PermanentError for an unknown name."""
    async with transactions() as connection:
        found = {one.name: one for one in await outgoing_connections(connection)}
    if name not in found:
        raise PermanentError(
            f"there is no outgoing connection {name!r}",
            remedy=f"Name one of these: {', '.join(sorted(found)) or 'none is configured yet'}",
        )
    one = found[name]
    return ConnectionCandidate(
        one, lambda: secrets.reveal(one.password), lambda: signer_of(one, secrets)
    )


async def connections_of_file(
    transactions: Transactions,
    secrets: Secrets,
    entries: Sequence[Entry],
    name: str,
    *,
    file: str,
) -> list[ConnectionCandidate]:
    """Returns the connections of a file, or the named one, with the passwords they would have.

    The database is only required for what the file leaves out. Raises ConfigurationError for an
    unknown name, and for a file that apply would refuse.
    """
    chosen = _connections(entries, name, file)
    try:
        async with transactions() as connection:
            if any(getattr(entry.thing, "credential", "") for entry in chosen):
                # Tokens are only sent to the hosts of their credential, which apply checks.
                make_plan(list(entries), await read_all(connection), secrets, file=file)
            return [await _candidate(entry, secrets, file, connection) for entry in chosen]
    except PipelineError:
        if all(_is_complete(entry) for entry in chosen):
            return [await _candidate(entry, secrets, file, None) for entry in chosen]
        raise


async def try_candidate(
    candidate: ConnectionCandidate, tokens: AccessTokens, recipient: str = ""
) -> AsyncIterator[Step]:
    """Yields the steps as they are done, up to the first that fails.

    They run in a thread; access tokens are fetched in this event loop meanwhile.
    """
    steps = try_connection(candidate.connection, candidate.login_in_a_thread(tokens), recipient)
    while step := await asyncio.to_thread(next, steps, None):
        yield step


async def send_test(
    candidate: ConnectionCandidate,
    tokens: AccessTokens,
    recipient: str,
    clock: Clock,
    write: WriteLine,
    *,
    message_id: str = "",
) -> Answer:
    """Sends a real message; `write` gets each line of the dialogue, without secrets.

    Without a Message-ID it gets one. Raises CourierUnavailable, and what `Courier.send` does.
    """
    connection = candidate.connection.model_copy(update={"debug": False})
    login = candidate.login(tokens)
    courier = courier_for(connection, login, clock, write=write, sign=candidate.sign())
    now = clock.steady()
    limit = TimeLimit(dot_before=now + SEND_SECONDS, end_before=now + SEND_SECONDS)
    try:
        envelope = _test_envelope(connection, recipient, clock, message_id)
        (answer,) = await courier.send(envelope, limit)
    finally:
        await courier.close()
    return answer


def _test_envelope(
    connection: OutgoingConnection, recipient: str, clock: Clock, message_id: str
) -> Envelope:
    domain = connection.from_address.rpartition("@")[2]
    message_id = message_id or f"<test-{uuid.uuid4()}@{domain}>"
    bounces = connection.bounce_address
    parts = MessageParts(
        message_id=message_id,
        date=clock.now(),
        from_name=connection.from_name,
        from_address=connection.from_address,
        reply_to=connection.reply_to,
        to=recipient,
        subject=f"{connection.subject_prefix} Test of connection {connection.name}".strip(),
        text=TEXT.format(name=connection.name),
        precedence_bulk=connection.precedence_bulk,
    )
    return Envelope(
        envelope_from=return_path(bounces, message_id) if bounces else connection.from_address,
        recipients=(recipient,),
        content=build_message(parts),
    )


def _connections(entries: Sequence[Entry], name: str, file: str) -> list[Entry]:
    found = [
        entry
        for entry in entries
        if isinstance(entry.thing, OutgoingConnection) and name in ("", entry.identity)
    ]
    if not found:
        what = f"connection {name!r}" if name else "connection"
        raise ConfigurationError(f"there is no {what} in {file}", remedy="Name another one")
    return found


def _is_complete(entry: Entry) -> bool:
    assert isinstance(entry.thing, OutgoingConnection)
    needed = entry.thing.mode == "smtp" and entry.thing.username
    return not entry.thing.credential and ("password" in entry.given or not needed)


async def _candidate(
    entry: Entry, secrets: Secrets, file: str, connection: Connection | None
) -> ConnectionCandidate:
    thing = entry.thing
    assert isinstance(thing, OutgoingConnection)
    stored = await outgoing_connections(connection) if connection else []
    before = next((one for one in stored if one.name == thing.name), None)
    check_secrets(entry, before, file)
    return ConnectionCandidate(
        thing,
        lambda: secret_if_applied(entry, "password", before, secrets),
        lambda: sign_with(thing, secret_if_applied(entry, "dkim_key", before, secrets)),
    )
