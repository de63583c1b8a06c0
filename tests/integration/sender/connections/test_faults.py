"""Tests what each fault of a mail server leads to, when the next try is, and what a fallback does.

The table in docs/outgoing-mail.md has a row for each kind of fault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from postrail.clock import SettableClock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier.login_pause import FIRST_SECONDS
from postrail.courier.smtp import SmtpCourier
from postrail.database import Pool, rows, transaction
from postrail.settings import Settings
from services.sender.breaker import PROBE_BASE_SECONDS
from tests.integration.sender.bench import Bench
from tests.processes.senders import REPOSITORY, configure, queued_mail
from tests.servers.certificates import Certificates
from tests.servers.odd_smtp import Reply, Visits, odd_smtp

PASSWORD = "secret"
# A server's silence lasts for the connection's timeout, after the final dot for most of the claim.
TIMEOUT_MS = 700
# The time until the next try, as the docs have it.
PROBE, MINUTE, HOUR, NONE = "2 seconds, growing to 1 minute", "1 minute", "1 hour", "none"
LOGIN_PROBE = "5 minutes, growing to 1 hour"
CLOSING: Reply = (b"421 4.3.2 closing\r\n",)
LATER: Reply = (b"450 4.2.0 Greylisted, try later\r\n",)
NEVER: Reply = (b"554 5.7.1 refused\r\n",)
OFFERS_LOGIN: Reply = (b"250-odd.test\r\n250 AUTH PLAIN\r\n",)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What a server does, and what becomes of the delivery by the first attempt."""

    name: str
    # The row of the table in the docs.
    row: str
    replies: Mapping[str, Reply] = field(default_factory=dict)
    # In place of the connection's usual settings.
    settings: Mapping[str, Any] = field(default_factory=dict)
    tls: bool = False
    state: str
    next_try: str = NONE
    # Whether the fallback, if there is one, takes the message.
    over_fallback: bool = False

    def outcome(self, *, has_fallback: bool) -> tuple[str, str, bool]:
        """Returns the state, the time of the next try, and whether it went over the fallback."""
        if has_fallback and self.over_fallback:
            return "sent", NONE, True
        return self.state, self.next_try, False


BEFORE = "no connection; before a message: silence, 421 or 5xx"
TLS = "TLS fails or is missing"
LOGIN = "the login fails or is missing"
REFUSED = "user name or password refused (5xx)"
TEMPORARY = "4xx (greylisting) to MAIL, RCPT, DATA or the final dot"
FAREWELL = "421 to MAIL, DATA or the final dot"
LOST = "lost connection or silence before the final dot"
DOUBT = "lost connection or silence after the final dot"
FINAL = "5xx to MAIL, RCPT, DATA or the final dot"
LARGE_FOR_MAILBOX = "too large for the mailbox (5.2.3)"
LARGE = "too large for the server (`SIZE`, 5.3.4, 552)"
SLOW = "a slow reply, within the timeout"


def unavailable(
    row: str,
    name: str,
    replies: Mapping[str, Reply] | None = None,
    *,
    tls: bool = False,
    **settings: Any,
) -> Fault:
    return Fault(
        name=name,
        row=row,
        replies=replies or {},
        settings=settings,
        tls=tls,
        state="deferred",
        next_try=PROBE,
        over_fallback=True,
    )


def login_refused(replies: Mapping[str, Reply]) -> Fault:
    fault = unavailable(REFUSED, "login refused", replies, username="ann")
    return replace(fault, next_try=LOGIN_PROBE)


def later(row: str, name: str, replies: Mapping[str, Reply], *, over_fallback: bool) -> Fault:
    return Fault(
        name=name,
        row=row,
        replies=replies,
        state="deferred",
        next_try=MINUTE,
        over_fallback=over_fallback,
    )


def temporary(name: str, replies: Mapping[str, Reply]) -> Fault:
    return later(TEMPORARY, name, replies, over_fallback=False)


def farewell(name: str, replies: Mapping[str, Reply]) -> Fault:
    return later(FAREWELL, name, replies, over_fallback=True)


def lost(name: str, replies: Mapping[str, Reply]) -> Fault:
    return later(LOST, name, replies, over_fallback=True)


def unknown(name: str, replies: Mapping[str, Reply]) -> Fault:
    return Fault(name=name, row=DOUBT, replies=replies, state="deferred", next_try=HOUR)


def final(name: str, replies: Mapping[str, Reply], row: str = FINAL) -> Fault:
    return Fault(name=name, row=row, replies=replies, state="failed")


def too_large(name: str, replies: Mapping[str, Reply]) -> Fault:
    return Fault(name=name, row=LARGE, replies=replies, state="failed", over_fallback=True)


FAULTS = [
    unavailable(BEFORE, "no server", port=1),
    unavailable(BEFORE, "hangs up instead of a greeting", {"": None}),
    unavailable(BEFORE, "silent instead of a greeting", {"": ()}),
    unavailable(BEFORE, "421 as the greeting", {"": CLOSING}),
    unavailable(BEFORE, "554 as the greeting", {"": NEVER}),
    unavailable(BEFORE, "421 to EHLO", {"EHLO": CLOSING}),
    unavailable(TLS, "no STARTTLS", encryption="starttls"),
    unavailable(TLS, "no TLS", encryption="ssl"),
    unavailable(TLS, "an untrusted certificate", encryption="ssl", ca_file="", tls=True),
    unavailable(LOGIN, "no login", username="ann"),
    login_refused({"EHLO": OFFERS_LOGIN, "AUTH": NEVER}),
    unavailable(LOGIN, "login not now", {"EHLO": OFFERS_LOGIN, "AUTH": LATER}, username="ann"),
    unavailable(LOGIN, "421 to AUTH", {"EHLO": OFFERS_LOGIN, "AUTH": CLOSING}, username="ann"),
    unavailable(LOGIN, "wants a login", {"MAIL": (b"530 5.7.0 Authentication required\r\n",)}),
    temporary("4xx to MAIL", {"MAIL": LATER}),
    temporary("4xx to RCPT", {"RCPT": LATER}),
    temporary("4xx to DATA", {"DATA": LATER}),
    temporary("4xx to the final dot", {".": LATER}),
    temporary("421 to RCPT", {"RCPT": CLOSING}),
    farewell("421 to MAIL", {"MAIL": CLOSING}),
    farewell("421 to DATA", {"DATA": CLOSING}),
    farewell("421 to the final dot", {".": CLOSING}),
    lost("hangs up at MAIL", {"MAIL": None}),
    lost("hangs up at RCPT", {"RCPT": None}),
    lost("hangs up at DATA", {"DATA": None}),
    lost("hangs up within the message", {"body": None}),
    lost("silent at MAIL", {"MAIL": ()}),
    lost("silent at DATA", {"DATA": ()}),
    unknown("takes it and hangs up", {".": None}),
    unknown("silent after the final dot", {".": ()}),
    final("5xx to MAIL", {"MAIL": NEVER}),
    final("5xx to RCPT", {"RCPT": NEVER}),
    final("5xx to DATA", {"DATA": NEVER}),
    final("5xx to the final dot", {".": NEVER}),
    final("mailbox limit", {".": (b"552 5.2.3 too large\r\n",)}, LARGE_FOR_MAILBOX),
    too_large("SIZE", {"EHLO": (b"250-odd.test\r\n250 SIZE 10\r\n",)}),
    too_large("5.3.4 to MAIL", {"MAIL": (b"552 5.3.4 too big\r\n",)}),
    too_large("5.3.4 to the final dot", {".": (b"552 5.3.4 too big\r\n",)}),
    Fault(name="slow", row=SLOW, replies={".": (b"250 2.0.0 que", b"ued\r\n")}, state="sent"),
]


def courier(connection: OutgoingConnection) -> SmtpCourier:
    return SmtpCourier(connection, PASSWORD, SettableClock())


def is_at_last(fault: Fault) -> bool:
    """Tells whether an attempt takes most of its claim."""
    return fault.replies.get(".") == ()


@pytest.mark.parametrize("has_fallback", [False, True], ids=["alone", "with a fallback"])
@pytest.mark.parametrize(
    ("faults", "claim_seconds"),
    [
        ([fault for fault in FAULTS if not is_at_last(fault)], 120.0),
        ([fault for fault in FAULTS if is_at_last(fault)], 3.0),
    ],
    ids=["faults", "silence after the dot"],
)
async def test_each_fault_has_its_outcome(
    settings: Settings,
    pool: Pool,
    certificates: Certificates,
    faults: Sequence[Fault],
    claim_seconds: float,
    has_fallback: bool,
) -> None:
    sender = settings.sender.model_copy(update={"claim_seconds": claim_seconds})
    bench = Bench(settings.model_copy(update={"sender": sender}), pool, courier)
    with contextlib.ExitStack() as servers:
        if has_fallback:
            port = servers.enter_context(odd_smtp({}, Visits()))
            await configure(pool, port, name="spare", is_default=False)
        for number, fault in enumerate(faults):
            tls = certificates.server_context() if fault.tls else None
            usual = {
                "name": f"c{number}",
                "port": servers.enter_context(odd_smtp(fault.replies, Visits(), tls)),
                "ca_file": str(certificates.ca_file),
                "timeout_ms": TIMEOUT_MS,
                "is_default": False,
                "fallback": "spare" if has_fallback else "",
            }
            await configure(pool, **{**usual, **fault.settings})
            await bench.take_in(queued_mail(connection=f"c{number}"))
        # The fallback sends a few at a time.
        await bench.rounds(2 + has_fallback * len(faults) // 3)
        await bench.channels.close()
        await bench.close()

    found = await outcomes(bench)
    assert [(fault.name, outcome[:3]) for fault, outcome in zip(faults, found, strict=True)] == [
        (fault.name, fault.outcome(has_fallback=has_fallback)) for fault in faults
    ], found


async def outcomes(bench: Bench) -> list[tuple[str, str, bool, str]]:
    """Returns state, next try, whether it went over the fallback, and reply of each delivery."""
    async with transaction(bench.pool) as connection:
        found = await rows(
            connection,
            "SELECT state, due_at, 'spare' IN (connection, sent_over), reply FROM delivery"
            " ORDER BY sequence",
        )
    return [
        (state, next_try(state, due_at - bench.clock.now()), over_fallback, reply)
        for state, due_at, over_fallback, reply in found
    ]


def next_try(state: str, pause: timedelta) -> str:
    """Returns the time until the next try as the docs have it."""
    if state != "deferred":
        return NONE
    seconds = pause.total_seconds()
    if PROBE_BASE_SECONDS * 0.8 <= seconds <= PROBE_BASE_SECONDS * 1.2:
        return PROBE
    return {60.0: MINUTE, FIRST_SECONDS: LOGIN_PROBE, 3600.0: HOUR}.get(
        seconds, f"{seconds} seconds"
    )


def test_the_docs_have_the_same_table() -> None:
    text = (REPOSITORY / "docs" / "outgoing-mail.md").read_text()
    table = text.partition("### Faults")[2].partition("## Which")[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][2:]
    documented = {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines}

    assert documented == {
        (
            fault.row,
            f"`{fault.state}`",
            fault.next_try,
            "yes" if fault.over_fallback else "no",
        )
        for fault in FAULTS
    }
