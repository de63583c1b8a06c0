"""Says which messages take their own ids along into the conversations of their effects. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.decision import AddComment, CreateIssue
from postrail.decision.senders import is_proven
from postrail.effects.batch import Decided
from postrail.incoming.queue import DueMail
from postrail.incoming.splits.own_ids import Move


def moved_ids(batch: Sequence[Decided], snapshot: ConfigurationSnapshot) -> list[Move]:
    """Returns the ids that go with what was made of their messages.

    They are those of messages whose issues begin conversations of their own, and those that were
    taken from proven messages before. What has no effect, such as a duplicate, moves nothing.
    """
    return [move for one in batch for move in _moves(one, snapshot)]


def _moves(decided: Decided, snapshot: ConfigurationSnapshot) -> Iterator[Move]:
    due = decided.due
    for effect in decided.decision.effects:
        if not isinstance(effect, CreateIssue | AddComment):
            continue
        after = conversation_of(due, effect)
        if after == due.conversation and not due.claimed_by:
            # Nearly all messages: their senders need not be judged once more.
            continue
        proven = is_proven(due.mail, snapshot.accounts.get(due.mail.mailbox))
        if after != due.conversation:
            yield Move(mail=due.mail, proven=proven, before=due.conversation, after=after)
        if due.claimed_by and proven:
            yield Move(mail=due.mail, proven=proven, before=due.claimed_by, after=after)


def conversation_of(due: DueMail, effect: CreateIssue | AddComment) -> str:
    """Returns the conversation in which a message has its effect.

    A message that opens a conversation gives it its id.
    """
    own = isinstance(effect, CreateIssue) and effect.own_conversation
    return due.mail.mail_id if own else due.conversation
