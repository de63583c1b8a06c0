"""Names and values of fields, and results of acts, as people read them."""

from __future__ import annotations

from typing import Any

import typer

from postrail.operate.issues.act import Told
from postrail.outgoing.suppressions import SUPPRESSED
from postrail.records import CUSTOM_PREFIX
from services.cli.output import as_json
from services.cli.visible import clean

# A longer value, such as a description, is shown by its beginning.
VALUE_MAX_CHARACTERS = 60
RELEASE_ADDRESS = "postrail outgoing suppressed release ADDRESS --send-held"


def shown_field(name: str) -> str:
    """Returns the name of a field in history as people write it."""
    return name.removeprefix(CUSTOM_PREFIX)


def shown_value(value: Any) -> str:
    """Returns a value of JSON as people read it, and of a long one the beginning."""
    if value is None or value == [] or value == "":
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if isinstance(value, dict):
        # The recipients of a letter, a file or comment, or the blob of a large text.
        named = ", ".join([*value.get("to", ()), *value.get("cc", ())])
        text = str(named or value.get("name") or value.get("id") or as_json(value))
        text += " (internal)" if value.get("internal") else ""
    line = " ".join(text.split())
    return line if len(line) <= VALUE_MAX_CHARACTERS else line[:VALUE_MAX_CHARACTERS] + "…"


def local_part(address: str) -> str:
    """Returns the part of an address before the @, which lists have room for."""
    return address.partition("@")[0]


def print_result(text: str, told: Told, *, nobody: str = "") -> None:
    """Prints what an act did, whom it notifies, and whose messages are held, with the reason.

    `nobody` stands for no addresses, if given.
    """
    by_email = ", ".join(told.notified) or ("nobody" if told.held else nobody)
    typer.echo(clean(f"{text} Notified by email: {by_email}." if by_email else text))
    for reason in dict.fromkeys(one.reason for one in told.held):
        addresses = ", ".join(one.recipient for one in told.held if one.reason == reason)
        typer.echo(clean(f"Held for {addresses}: {reason[:1].lower()}{reason[1:]}."))
    by_address = {one.reason.startswith(SUPPRESSED) for one in told.held}
    if True in by_address:
        typer.echo(f"To write to an address again: {RELEASE_ADDRESS}")
    if False in by_address:
        typer.echo(
            f"To send what is held: postrail outgoing release --all --issue {told.issue_key}"
        )
