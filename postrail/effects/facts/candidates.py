"""Finds the issues that a message may belong to, as they are once they are locked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from postrail.decision.facts import IssueRef, NamedIssue
from postrail.effects.facts.clues import Clues, Keys
from postrail.effects.facts.tokens import issues_of
from postrail.incoming.message_ids import all_answered_ids
from postrail.incoming.queue import DueMail


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The issues that a message may belong to, by what leads to each (see `Facts`)."""

    by_token: tuple[IssueRef, ...]
    conversation: tuple[IssueRef, ...]
    named: tuple[NamedIssue, ...]
    internal: IssueRef | None

    @property
    def issues(self) -> tuple[IssueRef, ...]:
        """Returns all of them, each once."""
        internal = (self.internal,) if self.internal else ()
        named = (one.issue for one in self.named)
        return _distinct((*self.by_token, *self.conversation, *named, *internal))


def candidates_of(
    due: DueMail,
    clues: Clues,
    refs: Mapping[int, IssueRef],
    internal: Mapping[str, IssueRef],
) -> Candidates:
    """Returns the issues that a message may belong to.

    `refs` are the issues as they are now, by the ids that clues have; `internal` are the issues of
    answered messages that are internal, by Message-ID.
    """
    return Candidates(
        by_token=issues_of(clues.tokens[due.mail.mail_id], refs),
        conversation=of_conversation(due.conversation, clues, refs),
        named=tuple(_named(clues.keys[due.mail.mail_id], clues, refs)),
        internal=_internal_issue(due, clues, refs, internal),
    )


def of_conversation(
    conversation: str | None, clues: Clues, refs: Mapping[int, IssueRef]
) -> tuple[IssueRef, ...]:
    """Returns the issues of a conversation, oldest first."""
    return _distinct(refs[one] for one in clues.by_conversation.get(conversation or "", ()))


def _distinct(found: Iterable[IssueRef]) -> tuple[IssueRef, ...]:
    """Returns each issue once: two of them may have been merged just now."""
    return tuple(dict.fromkeys(found))


def _named(keys: Keys, clues: Clues, refs: Mapping[int, IssueRef]) -> Iterable[NamedIssue]:
    for key, number in keys:
        if key in clues.by_key:
            issue = refs[clues.by_key[key]]
            former = key if not number and key != issue.issue_key else ""
            yield NamedIssue(issue=issue, former_key=former, number=number)


def _internal_issue(
    due: DueMail,
    clues: Clues,
    refs: Mapping[int, IssueRef],
    internal: Mapping[str, IssueRef],
) -> IssueRef | None:
    """Returns the issue of the nearest internal message that the message answers.

    A database that was restored may not know that message: then its token says what it was.
    """
    known = (internal[one] for one in all_answered_ids(due.mail) if one in internal)
    tokens = [one for one in clues.tokens[due.mail.mail_id] if one[0].internal]
    return next(known, next(iter(issues_of(tokens, refs)), None))
