"""The mail handlers of the chaos test, and what they must have made of the plan's messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from postrail.configuration.configured import Configured
from postrail.configuration.models.limit import Limit
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.person import Person
from tests.chaos.plan import Plan, PlannedMail
from tests.processes.pipeline import Pipeline

LEAD, ARCHIVE = "lead@desk.test", "archive@elsewhere.test"
# Handlers answer each message of a conversation, and tell one person of hundreds.
UNREACHED = ("address_answers", "address_answers_daily", "forwards")
# Which conversations a handler takes, by the end of their number; "": all that others leave.
ENDINGS = {
    "forwards": "11",
    "persons": "0",
    "replies": "2",
    "notices": "3",
    "fields": "4",
    "watchers": "5",
    "reopens": "6",
    "plain": "7",
    "texts": "8",
    "rest": "",
}


def things() -> list[Configured]:
    """Returns ten handlers, the person whom some of them tell, and limits beyond their traffic."""
    more: dict[str, dict[str, object]] = {
        "forwards": {"then": [{"forward": ARCHIVE}]},
        "persons": {"create_users": True},
        # A reply to a new message would replace the confirmation of its issue.
        "replies": {
            "when": {"subject matches": r"^Re: .*conversation \d*2$"},
            "then": [{"reply": "We thank you."}],
        },
        "notices": {"then": [{"notify": LEAD}]},
        "fields": {"priority": "High", "then": [{"labels": ["more"]}]},
        "watchers": {"then": [{"watchers": [LEAD]}]},
        "reopens": {"closed_issues": "reopen"},
        "plain": {"attachments": {"keep": False}, "strip_quotations": False},
        "texts": {"when": [{"subject matches": "8$"}, {"text starts": "This is mail"}]},
    }
    handlers = []
    for order, (name, ending) in enumerate(ENDINGS.items()):
        when = {"when": {"subject matches": f"conversation \\d*{ending}$"}} if ending else {}
        values = {"name": name, "order": order, "labels": [name], **when, **more.get(name, {})}
        handlers.append(MailHandler.model_validate(values))
    limits = [Limit.model_validate({"name": name, "value": 10_000}) for name in UNREACHED]
    return [Person(address=LEAD, name="Lead"), *limits, *handlers]


def handler_of(mail: PlannedMail) -> str:
    """Returns the name of the handler that takes a message."""
    if mail.proof == "key":
        # Its subject names the key only.
        return "rest"
    number = str(mail.conversation)
    name = next(name for name, ending in ENDINGS.items() if number.endswith(ending))
    return "rest" if name == "replies" and mail.proof == "new" else name


def watchers(mails: list[PlannedMail]) -> set[str]:
    """Returns who watches the issue of a conversation beside those who write."""
    return {LEAD} if handler_of(mails[0]) == "watchers" else set()


def rule_faults(pipeline: Pipeline, plan: Plan) -> Iterator[str]:
    """Each issue has its handler's fields, each person is there, and each mail is sent once."""
    rows = pipeline.rows("SELECT summary, labels, priority FROM issue")
    found = {summary: (labels, priority) for summary, labels, priority in rows}
    for first in (mails[0] for mails in plan.conversations):
        name = handler_of(first)
        wanted = (["fields", "more"], 2) if name == "fields" else ([name], 3)
        if first.summary in found and found[first.summary] != wanted:
            yield f"{first.summary} has {found[first.summary]}, wanted {wanted}"
    people = {address for (address,) in pipeline.rows("SELECT address FROM person")}
    if people != (wanted_people := persons(plan) | {LEAD}):
        yield f"persons {people ^ wanted_people} are too many or missing"
    sent = Counter(
        pipeline.rows(
            "SELECT purpose, recipient FROM outgoing_mail JOIN delivery USING (outgoing_id)"
            " WHERE purpose <> '' AND state = 'sent'"
        )
    )
    if sent != (wanted_mails := letters(plan)):
        missing, extra = wanted_mails - sent, sent - wanted_mails
        yield f"mails about no issue missing: {dict(missing)}, unplanned: {dict(extra)}"


def persons(plan: Plan) -> set[str]:
    """Returns the senders of whom a handler makes persons."""
    return {mail.author for mail in plan.mails if handler_of(mail) == "persons"}


def letters(plan: Plan) -> Counter[tuple[str, str]]:
    """Returns what handlers send about messages, beside notifications: kinds and recipients."""
    # Whose message makes an issue gets its confirmation only.
    reporters = {mails[0].author for mails in plan.conversations}
    found = Counter(("account", address) for address in persons(plan) - reporters)
    for mail in plan.mails:
        match handler_of(mail):
            case "forwards":
                found["forward", ARCHIVE] += 1
            case "replies":
                found["reply", mail.author] += 1
            case "notices":
                found["notice", LEAD] += 1
    return found
