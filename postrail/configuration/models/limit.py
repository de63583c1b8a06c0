"""The limits of what messages may do, each with its default; operators may change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from postrail.configuration.configured import Configured, LowerCase, faulty
from postrail.configuration.kind import Kind
from postrail.message_parts import ADDRESS_CHARACTERS

# PostgreSQL's integer holds the minutes; nobody counts longer than a month.
MOST_MINUTES = 31 * 24 * 60
MOST_VALUE = 1_000_000
Sender = Annotated[
    str,
    Field(
        pattern=r"^([^\s@<>*]+@)?[^\s@<>*]+$",
        max_length=ADDRESS_CHARACTERS,
        description="an address such as alarm@example.org, or a domain such as example.org",
    ),
    LowerCase,
]


class LimitName(StrEnum):
    """The name of a limit, as files, reasons and traces have it."""

    SENDER_MESSAGES = "sender_messages"
    PROVEN_MESSAGES = "proven_messages"
    MACHINE_MESSAGES = "machine_messages"
    CONVERSATION_MESSAGES = "conversation_messages"
    CONVERSATION_MACHINES = "conversation_machines"
    SENDER_ISSUES = "sender_issues"
    SENDER_COMMENTS = "sender_comments"
    ISSUE_NOTIFICATIONS = "issue_notifications"
    ADDRESS_ANSWERS = "address_answers"
    ADDRESS_ANSWERS_DAILY = "address_answers_daily"
    ISSUE_WATCHERS = "issue_watchers"
    FORWARDS = "forwards"


@dataclass(frozen=True, slots=True)
class Description:
    """A limit as the documentation has it: default, unit, what it counts, and what happens then."""

    value: int
    # The time in which it counts; 0: at any time.
    minutes: int
    # What one of it is.
    unit: str
    counted: str
    above: str
    released: str


BRAKED = "the message is quarantined, without any effect"
BY_MAIL = "`postrail mail release`"

DESCRIPTIONS: dict[LimitName, Description] = {
    LimitName.SENDER_MESSAGES: Description(
        20,
        120,
        "messages",
        "messages of one sender that made an issue or a comment, without those that programs mark"
        " as automatic; those whose sender is proven count apart from those that anybody may have"
        " forged; the part of an address from a plus sign on does not count",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.PROVEN_MESSAGES: Description(
        200,
        120,
        "messages",
        "the same, for persons that an operator configured, where the mail server proves the"
        " sender (`authserv_ids`)",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.MACHINE_MESSAGES: Description(
        1000,
        120,
        "messages",
        "messages of one sender that made an issue or a comment, where the message is marked as"
        " automatic, or the limit's `senders` (addresses or domains) or the account's"
        " `reply_to_senders` name the sender",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.CONVERSATION_MESSAGES: Description(
        20,
        120,
        "messages",
        "messages that made one issue or became comments on it, from all senders together, without"
        " those of people who take part that are marked as automatic: these cause no mail; proven"
        " senders, others who take part, and those who do not count apart",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.CONVERSATION_MACHINES: Description(
        1000,
        120,
        "messages",
        "messages marked as automatic that made one issue or became comments on it, from all"
        " senders together who take part; those of proven senders count apart",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.SENDER_ISSUES: Description(
        500, 60, "issues", "issues that messages of one sender made, of any kind", BRAKED, BY_MAIL
    ),
    LimitName.SENDER_COMMENTS: Description(
        500,
        60,
        "comments",
        "comments that messages of one sender made, of any kind",
        BRAKED,
        BY_MAIL,
    ),
    LimitName.ISSUE_NOTIFICATIONS: Description(
        500,
        60,
        "notifications",
        "messages about one issue, one for each recipient; what begins below the limit goes to all"
        " of its recipients",
        "the deliveries are `held`",
        "`postrail outgoing release`",
    ),
    LimitName.ADDRESS_ANSWERS: Description(
        1,
        10,
        "answers",
        "automatic answers to one address: confirmations of new issues, answers that a handler or a"
        " sender filter gives, and what new persons are told; those to a proven sender count apart"
        " from those that anybody may have caused",
        "the answer is dropped; the reason of the message says so",
        "is not sent later",
    ),
    LimitName.ADDRESS_ANSWERS_DAILY: Description(
        20,
        24 * 60,
        "answers",
        "the same",
        "the same",
        "is not sent later",
    ),
    LimitName.ISSUE_WATCHERS: Description(
        200,
        0,
        "watchers",
        "people who watch one issue, when a message would add further ones",
        "nobody is added; the reason of the message says so",
        "`postrail issues watch`",
    ),
    LimitName.FORWARDS: Description(
        100,
        60,
        "messages",
        "messages that mail handlers send on to one address, and notices to it, without held ones",
        "the deliveries are `held`, and one notice an hour says so",
        "`postrail outgoing release`",
    ),
}


class Limit(Configured):
    """A limit whose value, time or exceptions an operator sets; the value 0 switches it off."""

    # Plain texts, as files and the database hold them.
    model_config = ConfigDict(use_enum_values=True)

    name: LimitName
    value: Annotated[int, Field(ge=0, le=MOST_VALUE)] = -1
    minutes: Annotated[int, Field(ge=0, le=MOST_MINUTES)] = -1
    # Of machine_messages: addresses or domains whose messages count as those of machines.
    senders: list[Sender] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, given: object) -> object:
        """Fills in the defaults of the limit with this name."""
        if not isinstance(given, dict) or given.get("name") not in set(LimitName):
            return given
        default = DESCRIPTIONS[LimitName(given["name"])]
        return {"value": default.value, "minutes": default.minutes} | given

    @model_validator(mode="after")
    def _checked(self) -> Limit:
        if faults := list(_faults(self)):
            raise faulty(faults)
        return self

    @property
    def unit(self) -> str:
        """Returns the unit of the value, such as messages in 120 minutes."""
        unit = DESCRIPTIONS[self.name].unit
        unit = unit.removesuffix("s") if self.value == 1 else unit
        return f"{unit} in {self.minutes} minutes" if self.minutes else unit

    @property
    def shown(self) -> str:
        """Returns name, value and unit in one phrase, for reasons."""
        return f"limit {self.name}: {self.value} {self.unit}"

    def names_sender(self, address: str) -> bool:
        """Tells whether the sender, in lower case, is one of its machines."""
        return address in self.senders or address.rpartition("@")[2] in self.senders


def _faults(limit: Limit) -> Iterator[tuple[str, str]]:
    timed = DESCRIPTIONS[limit.name].minutes > 0
    if timed and not limit.minutes:
        yield "minutes", "must be at least 1; to switch the limit off, set value: 0"
    if not timed and limit.minutes:
        yield "minutes", f"is not used by {limit.name}, which counts at any time: leave it out"
    if limit.senders and limit.name != LimitName.MACHINE_MESSAGES:
        yield "senders", f"belongs to {LimitName.MACHINE_MESSAGES} only: move it there"


LIMIT = Kind(
    model=Limit,
    word="limit",
    section="limits",
    title="What messages may do in a time; what is above it is held. docs/limits.md has them all.",
    table="limit_setting",
)
