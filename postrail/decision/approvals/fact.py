"""The fact about the approval request that a message answers; to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from postrail.approvals.request import AssignmentState, Choice, Meaning, State

# What the ledger has of the message itself.
ANSWERED, REFUSED = "answered", "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalFact:
    """An approver's part in a request, which a token of the message names, as it was found."""

    # False: we did not make the token; the other fields say what it names, if that exists.
    genuine: bool
    request_id: str = ""
    number: int = 0
    # The name of the approval setup.
    setup: str = ""
    state: State = State.OPEN
    choices: tuple[Choice, ...] = ()
    # Of a rejection.
    comment_required: bool = False
    deadline: datetime | None = None
    assignment_id: int = 0
    assignment_state: AssignmentState = AssignmentState.PLANNED
    closed_because: str = ""
    # All addresses of the approver, who is a delegate where `answers_for` names another person.
    addresses: tuple[str, ...] = ()
    # False: the approver is a person whom the operator has made inactive.
    active: bool = True
    # The approver's; "": not known.
    language: str = ""
    answers_for: str = ""
    # When the delegation begins and ends.
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    # The message has genuine tokens of other requests, too.
    other_requests: bool = False
    # What the message has done when it was handled before: answered, refused, or "".
    before: str = ""
    # The message that has answered has the same content.
    repeated: bool = False
    # The sender has been told before why an answer does not count.
    told: bool = False

    @property
    def key(self) -> str:
        """Returns the name by which people know the request."""
        return f"A-{self.number}"

    def __str__(self) -> str:
        """Returns it for people who ask why a message was decided so."""
        if not self.request_id:
            return "a token that names nothing"
        token = "the token" if self.genuine else "a forged token"
        approver = self.addresses[0] if self.addresses else "nobody"
        part = f"{self.assignment_state} {self.closed_because}".strip()
        told = [f"{token} of {approver}, {part}"]
        told += [f"who answers for {self.answers_for}"] if self.answers_for else []
        told += [f"{self.key} of setup {self.setup}, {self.state}"]
        told += [f"until {self.deadline:%Y-%m-%d %H:%M %Z}"] if self.deadline else []
        told += ["tokens of other requests"] if self.other_requests else []
        told += [f"{self.before} before"] if self.before else []
        return "; ".join(told)


DEFAULTS = ApprovalFact(genuine=True)
TIMES = ("deadline", "begins_at", "ends_at")


def to_json(fact: ApprovalFact) -> dict[str, Any]:
    """Returns the fact in the form that is stored in a trace; values by default are left out."""
    values = {one.name: getattr(fact, one.name) for one in fields(fact)}
    changed = {name: value for name, value in values.items() if value != getattr(DEFAULTS, name)}
    return {name: _plain(value) for name, value in changed.items()}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return [_plain(one) for one in value]
        case Choice():
            return [value.name, value.label, str(value.meaning)]
    return value


def from_json(stored: Mapping[str, Any]) -> ApprovalFact:
    """Returns the fact that `to_json` stored."""
    given = {"genuine": True, **stored}
    times = {name: datetime.fromisoformat(given[name]) for name in TIMES if name in given}
    choices = (
        Choice(name=name, label=label, meaning=Meaning(meaning))
        for name, label, meaning in given.get("choices", ())
    )
    return ApprovalFact(
        **{
            **given,
            **times,
            "choices": tuple(choices),
            "addresses": tuple(given.get("addresses", ())),
            "state": State(given.get("state", DEFAULTS.state)),
            "assignment_state": AssignmentState(
                given.get("assignment_state", DEFAULTS.assignment_state)
            ),
        }
    )
