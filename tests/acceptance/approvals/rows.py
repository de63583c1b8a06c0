"""Tables of requests: what happens to each by real mail, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.acceptance.approvals.mail_programs import Program, thunderbird
from tests.acceptance.approvals.office import ADA, Office

# What a row does to the request with this key; after each `yield` all that it sent is handled.
Acts = Callable[[Office, str], Iterator[None]]
APPROVED, REJECTED, OPEN = ("decided", "approve"), ("decided", "reject"), ("open", "")


@dataclass(frozen=True)
class Row:
    """What happens to a request, and what has to come of it."""

    acts: Acts
    state: tuple[str, str]
    # Why answers are refused, each with whether its author is told.
    refused: tuple[tuple[str, bool], ...] = ()
    approvers: tuple[str, ...] = (ADA,)
    # Of the command that makes the request.
    options: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


def replies(text: str, program: Program = thunderbird, by: str = ADA) -> Acts:
    """Answers the request that the approver was sent."""

    def act(office: Office, key: str) -> Iterator[None]:
        office.answer(by, key, text, program)
        yield

    return act


def run(office: Office, rows: Mapping[str, Row]) -> dict[str, str]:
    """Makes the request of each row, and lets all rows act at once; returns their keys."""
    asked = {
        name: office.ask(f"Release: {name}", *row.approvers, **row.options).key
        for name, row in rows.items()
    }
    office.pipeline.start()
    running = [row.acts(office, asked[name]) for name, row in rows.items()]
    while running:
        running = [acts for acts in running if _goes_on(acts)]
        office.settle()
    return asked


def _goes_on(acts: Iterator[None]) -> bool:
    """Lets a row act until it waits; tells whether it has not ended."""
    return next(acts, acts) is None


def require_as_told(office: Office, rows: Mapping[str, Row], asked: Mapping[str, str]) -> None:
    """Checks what came of each request, and why answers were refused."""
    found = {name: (office.state(key), tuple(office.refused(key))) for name, key in asked.items()}
    assert found == {name: (row.state, row.refused) for name, row in rows.items()}
    office.require_whole_ledger()
