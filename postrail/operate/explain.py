"""Decides a message without any effect: as if it arrived now, or again as it was decided.

Every statement reads: both work in a transaction that is read-only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from postrail.configuration.load import snapshot_at
from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.database import Connection
from postrail.decision import trace as traces
from postrail.decision.decide import decide
from postrail.decision.decision import Decision
from postrail.decision.facts import Facts
from postrail.effects.facts.named_ids import named_ids
from postrail.effects.gather import gather
from postrail.errors import PermanentError
from postrail.incoming import conversations, copies
from postrail.incoming.copies import HandledMail
from postrail.incoming.message_ids import Named
from postrail.incoming.queue import DueMail
from postrail.records import MailParsed
from postrail.views.contents import parsed_mail
from postrail.views.incoming import IncomingDetail

WITHOUT_INSTALLATION = (
    "decided without an installation: it knows no people, no issues and no earlier messages"
)
HANDLED_BEFORE = (
    "it was handled as message {} before, and would be a duplicate in that mailbox: this is what a"
    " new message like it would become"
)
DECIDED_OTHERWISE = (
    "this release decides otherwise than the one that handled the message: its outcome was {}"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Explained:
    """A decision without its effects, and remarks on how it was made."""

    mail: MailParsed
    decision: Decision
    # What the stored decision has made, as in `Trace.effects`.
    made: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


def explain_alone(mail: MailParsed, snapshot: ConfigurationSnapshot) -> Explained:
    """Decides a message by the configuration alone."""
    decision = decide(mail, snapshot, Facts())
    return Explained(mail=mail, decision=decision, notes=(WITHOUT_INSTALLATION,))


async def explain(
    connection: Connection,
    mail: MailParsed,
    snapshot: ConfigurationSnapshot,
    message_id_key: bytes,
    now: datetime,
) -> Explained:
    """Decides a message as if it arrived now, with the facts of the installation."""
    repeated = await copies.earlier_mails(connection, [mail.fingerprint], [mail.mail_id])
    here = [one for one in repeated if one.mailbox == mail.mailbox]
    [named] = await named_ids(connection, [mail], snapshot, message_id_key)
    due = await _due(connection, mail, named, snapshot, here)
    gathered = await gather(connection, [due], snapshot, message_id_key, now, read_only=True)
    facts = gathered.facts_of(due)
    notes: tuple[str, ...] = ()
    if here:
        others = tuple(one for one in facts.earlier if one.mailbox != mail.mailbox)
        facts = replace(facts, earlier=others)
        notes = (HANDLED_BEFORE.format(here[0].mail_id),)
    return Explained(mail=mail, decision=decide(mail, snapshot, facts), notes=notes)


async def _due(
    connection: Connection,
    mail: MailParsed,
    named: Named,
    snapshot: ConfigurationSnapshot,
    here: list[HandledMail],
) -> DueMail:
    """Returns the message with the conversation that it would join.

    The own id of one that was handled before would lead to what became of it.
    """
    if here and named.own:
        others = tuple(digest for digest in named.hashes if digest != named.own)
        named = replace(named, own=None, hashes=others)
    place = await conversations.look_up(connection, named, snapshot.own_addresses)
    return DueMail(
        mail=mail,
        conversation=place.conversation,
        queue=place.queue,
        attempts=0,
        revision=0,
        claimed_by=place.claimed_by,
    )


async def decide_again(connection: Connection, found: IncomingDetail) -> Explained:
    """Decides a handled message again: by its stored facts, and the configuration of that time.

    Raises PermanentError for a message that was not decided, or by release 0.1.0.
    """
    trace = traces.from_json(found.trace or {})
    mail = await parsed_mail(connection, found)
    if trace is None or mail is None:
        raise PermanentError(
            f"message {found.mail_id} has no trace: {found.reason or 'it is not decided yet'}",
            remedy="Try it with the present configuration: save it with postrail mail show --raw,"
            " then run postrail explain",
        )
    snapshot = await snapshot_at(connection, trace.change_id)
    decision = decide(mail, snapshot, trace.facts)
    same = decision.outcome == found.outcome and _same_trace(decision, trace)
    notes = () if same else (DECIDED_OTHERWISE.format(found.outcome),)
    return Explained(mail=mail, decision=decision, made=trace.effects, notes=notes)


def _same_trace(decision: Decision, stored: traces.Trace) -> bool:
    assert decision.trace is not None
    trace = replace(decision.trace, effects=stored.effects)
    found = traces.from_json(traces.to_json(trace))
    assert found is not None
    # What is stored is cut, the list of its effects too: so is what it is compared with.
    return replace(found, left_out=()) == replace(stored, left_out=())
