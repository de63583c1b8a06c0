"""Tests what a refused login says and shows, and that no other mechanism is tried after it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from postrail.clock import SettableClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import CourierLogin, CourierUnavailable, TimeLimit
from postrail.courier.smtp import SmtpCourier
from tests.makers.oauth import source_of

PASSWORD = "S3cret-pass"
TOKEN = "ya29.a0Af_t0ken-with.signs"
# The reply to a line of a login; None hangs up after 535.
Reply = Callable[[str], str | None]


@dataclass
class LoginServer:
    """A server that answers logins as a test wants."""

    reply: Reply
    offers: str = "AUTH PLAIN LOGIN"
    greeting: str = "220 hi"
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            writer.write(f"{self.greeting}\r\n".encode())
            while raw := await reader.readline():
                line = raw.decode().strip()
                if line.startswith("EHLO"):
                    writer.write(f"250-x.test\r\n250 {self.offers}\r\n".encode())
                elif line.startswith("MAIL") or line == "RSET":
                    writer.write(b"250 ok\r\n")
                elif line == "QUIT":
                    return
                else:
                    self.logins.append(line)
                    reply = self.reply(line)
                    writer.write(f"{reply or '535 5.7.8 no'}\r\n".encode())
                    if reply is None:
                        await writer.drain()
                        return
                await writer.drain()


@contextlib.asynccontextmanager
async def serving(server: LoginServer) -> AsyncIterator[LoginServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


class Tries:
    """A courier's attempts to log in, and the lines of their dialogue."""

    def __init__(self, server: LoginServer, login: CourierLogin = PASSWORD, **changes: Any) -> None:
        values: dict[str, Any] = {
            "name": "relay",
            "host": "127.0.0.1",
            "port": server.port,
            "encryption": "none",
            "username": "desk",
            "password": "x",
            "from_address": "help@x.example",
        }
        if not isinstance(login, str):
            values |= {"mode": "oauth2", "credential": "entra", "password": ""}
        connection = OutgoingConnection.model_validate(values | changes)
        self.lines: list[str] = []
        self.clock = SettableClock()
        self.courier = SmtpCourier(
            connection, login, self.clock, write=lambda _, words: self.lines.append(words)
        )

    async def fault(self) -> CourierUnavailable:
        with pytest.raises(CourierUnavailable) as caught:
            await self.succeed()
        return caught.value

    async def succeed(self) -> None:
        end = self.clock.steady() + 10
        await self.courier.check(TimeLimit(dot_before=end, end_before=end))


def encoded(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def repeats(line: str) -> str:
    """Refuses a login as some servers do, with what was sent."""
    return "334 UGFzc3dvcmQ6" if line.startswith("AUTH LOGIN") else f"535 5.7.8 bad: {line}"


@pytest.mark.parametrize("offers", ["AUTH PLAIN", "AUTH LOGIN"])
async def test_a_password_that_the_server_repeats_is_masked(offers: str) -> None:
    async with serving(LoginServer(repeats, offers)) as server:
        tries = Tries(server)
        said = str(await tries.fault())
    assert "535 5.7.8 bad: " in said
    shown = "\n".join([said, *tries.lines])
    for form in (PASSWORD, encoded(PASSWORD), encoded(f"\0desk\0{PASSWORD}")):
        assert form not in shown


async def test_a_part_of_a_password_is_masked() -> None:
    async with serving(LoginServer(lambda line: f"535 {line[:30]}", "AUTH PLAIN")) as server:
        said = str(await Tries(server).fault())
    assert "535 AUTH PLAIN ***" in said


async def test_a_token_that_the_server_repeats_is_masked() -> None:
    sent = encoded(f"user=desk\x01auth=Bearer {TOKEN}\x01\x01")
    challenge = encoded(f'{{"status":"400","sent":"Bearer {TOKEN}"}}')

    def refuse(line: str) -> str:
        return f"334 {challenge}" if line.startswith("AUTH") else f"535 5.7.8 bad: {sent}"

    async with serving(LoginServer(refuse, "AUTH XOAUTH2")) as server:
        tries = Tries(server, source_of(TOKEN))
        said = str(await tries.fault())
    assert "status 400" in said
    shown = "\n".join([said, *tries.lines])
    for form in (TOKEN, sent):
        assert form not in shown


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({}, "desk"),
        # learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth": the
        # shared mailbox's address takes the place of the user's in XOAUTH2.
        ({"shared_mailbox": "support@x.example"}, "support@x.example"),
    ],
)
async def test_a_token_logs_in_to_a_shared_mailbox(changes: dict[str, str], user: str) -> None:
    async with serving(LoginServer(lambda _: "235 ok", "AUTH XOAUTH2")) as server:
        await Tries(server, source_of(TOKEN), **changes).succeed()
    response = f"user={user}\x01auth=Bearer {TOKEN}\x01\x01"
    assert server.logins == [f"AUTH XOAUTH2 {encoded(response)}"]


@pytest.mark.parametrize(
    ("reply", "words", "remedy"),
    [
        ("535 5.7.8 no", "refused the login of desk: 535 5.7.8 no", "Correct the user name"),
        # It hangs up after its refusal.
        (None, "refused the login of desk: 535 5.7.8 no", "Correct the user name"),
        # Microsoft's and Gmail's words for "later".
        ("432 4.3.2 throttled", "cannot check the login now: 432 4.3.2 throttled", ""),
        ("421 4.7.0 try later", "cannot check the login now: 421 4.7.0 try later", ""),
        ("454 4.7.0 temporary", "cannot check the login now: 454 4.7.0 temporary", ""),
        ("538 5.7.11 no", "accepts no password over an unencrypted connection", "starttls"),
    ],
)
async def test_a_refused_login_is_tried_once_and_explained(
    reply: str | None, words: str, remedy: str
) -> None:
    async with serving(LoginServer(lambda _: reply)) as server:
        found = await Tries(server).fault()
    assert words in str(found)
    assert remedy in found.remedy
    assert len(server.logins) == 1


async def test_a_token_that_cannot_be_checked_now_names_no_password() -> None:
    async with serving(LoginServer(lambda _: "451 4.3.0 later", "AUTH XOAUTH2")) as server:
        found = await Tries(server, source_of(TOKEN)).fault()
    assert "cannot check the login now: 451" in str(found)
    assert "password" not in str(found)


async def test_a_mechanism_that_the_server_cannot_do_is_followed_by_another() -> None:
    def reply(line: str) -> str:
        if line.startswith("AUTH PLAIN"):
            return "504 5.5.4 not this one"
        return "334 UGFzc3dvcmQ6" if line.startswith("AUTH LOGIN") else "235 ok"

    async with serving(LoginServer(reply)) as server:
        await Tries(server).succeed()
    assert len(server.logins) == 3


@pytest.mark.parametrize("greeting", ["554 5.7.1 UNAUTHORIZED client", "421 AUTH is down"])
async def test_a_greeting_with_auth_in_its_words_is_no_missing_login(greeting: str) -> None:
    async with serving(LoginServer(repeats, greeting=greeting)) as server:
        said = str(await Tries(server).fault())
    assert "no connection to" in said
    assert greeting in said


async def test_a_server_without_logins_for_passwords() -> None:
    async with serving(LoginServer(repeats, "AUTH NTLM")) as server:
        found = await Tries(server).fault()
    assert "offers no login by a password: EHLO lists only NTLM" in str(found)
    assert server.logins == []


async def test_refused_passwords_are_tried_less_and_less() -> None:
    replies = iter(["535 no"] * 3 + ["235 ok"] + ["535 no"])
    async with serving(LoginServer(lambda _: next(replies), "AUTH PLAIN")) as server:
        tries = Tries(server)
        pauses = []
        for _ in range(3):
            pauses.append((await tries.fault()).after_seconds)
            tries.clock.move(pauses[-1])
        await tries.succeed()
        pauses.append((await tries.fault()).after_seconds)
        # Another message, over a connection of its own.
        assert (await tries.fault()).after_seconds == 300
        assert len(server.logins) == 5
    assert pauses == [300, 600, 1200, 300]
