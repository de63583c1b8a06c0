"""Reads times, rules and choices that commands are given, and prints whom acts write to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from postrail.approvals.request import Choice, Meaning, Rule
from postrail.configuration.approvals.durations import seconds_of
from postrail.errors import ConfigurationError
from postrail.operate.approvals.act import Asked
from postrail.outgoing.held import HeldDelivery
from postrail.outgoing.suppressions import SUPPRESSED
from services.cli.commands.issues.values import RELEASE_ADDRESS
from services.cli.visible import clean

# A longer time than the ten years that a deadline may be ahead.
LONGEST_SECONDS = 10**9

Approver = Annotated[
    str | None,
    typer.Option("--approver", metavar="ADDRESS", help="Any address of an approver."),
]


def length_of(text: str, option: str) -> timedelta:
    """Returns a length of time such as 30m, 4h or 2d; raises ConfigurationError."""
    try:
        seconds = seconds_of(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{option} {text!r} is no length of time", remedy="Give one such as 30m, 4h or 2d"
        ) from error
    return timedelta(seconds=min(seconds, LONGEST_SECONDS))


def moment_or_length(text: str, option: str) -> datetime | timedelta:
    """Returns a time, by default of the local time zone, or a length of time from now.

    Raises ConfigurationError.
    """
    if moment := _moment(text):
        return moment
    try:
        return length_of(text, option)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{option} {text!r} is no time", remedy="Give one such as 2d or 2027-01-31T18:00"
        ) from error


def moment_of(text: str, option: str, now: datetime) -> datetime:
    """Returns a time, of which a length is counted from now; raises ConfigurationError."""
    found = moment_or_length(text, option)
    return now + found if isinstance(found, timedelta) else found


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip()).astimezone() if "-" in text else None
    except (ValueError, OverflowError):
        return None


def rule_of(text: str) -> tuple[Rule, int]:
    """Returns the rule, and how many must approve; raises ConfigurationError."""
    word = text.strip().lower()
    if word.isdecimal() and 0 < int(word) < LONGEST_SECONDS:
        return Rule.COUNT, int(word)
    if word in (Rule.ANY, Rule.ALL, Rule.ORDER):
        return Rule(word), 1
    raise ConfigurationError(
        f"{text!r} is no rule",
        remedy="Give --rule any, all, order, or the number of people who must approve",
    )


def choice_of(text: str) -> Choice:
    """Returns the choice of NAME[=LABEL][:approve|reject]; raises ConfigurationError."""
    name, colon, meaning = text.rpartition(":")
    if not colon or meaning.strip().lower() not in set(Meaning):
        name, meaning = text, "reject" if text.strip().lower() == "reject" else "approve"
    name, _, label = name.partition("=")
    if not name.strip():
        raise ConfigurationError(
            f"{text!r} is no choice", remedy="Give it as NAME, NAME=LABEL or NAME=LABEL:reject"
        )
    return Choice(name=name.strip(), label=label.strip(), meaning=Meaning(meaning.strip().lower()))


def print_told(text: str, done: Asked, *, nobody: str = "") -> None:
    """Prints what an act did, whom it writes to, and whose messages are held, with the reason."""
    by_email = ", ".join(done.notified) or nobody
    typer.echo(clean(f"{text} Told by email: {by_email}." if by_email else text))
    print_held(done.held)


def print_held(held: tuple[HeldDelivery, ...]) -> None:
    """Prints whose messages are held, and how to send them."""
    for reason in dict.fromkeys(one.reason for one in held):
        addresses = ", ".join(one.recipient for one in held if one.reason == reason)
        typer.echo(clean(f"Held for {addresses}: {reason[:1].lower()}{reason[1:]}."))
    if any(one.reason.startswith(SUPPRESSED) for one in held):
        typer.echo(f"To write to an address again: {RELEASE_ADDRESS}")
