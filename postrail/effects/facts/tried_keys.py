"""Lists the keys by which the issue of a message was looked for, with what each found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from postrail.decision.facts import IssueRef, MatchTried, NamedIssue
from postrail.effects.facts.clues import Clues
from postrail.effects.facts.tokens import TokensOfMail
from postrail.incoming.message_ids import all_answered_ids, keys_in
from postrail.records import MailParsed


def tried_keys(
    mail: MailParsed, clues: Clues, named: Sequence[NamedIssue], refs: Mapping[int, IssueRef]
) -> tuple[MatchTried, ...]:
    """Returns the tokens, the ids that are answered, the nearest first, and what the subject names.

    `named` are the issues that it names, and `refs` all issues by the ids that clues have.
    """
    return (
        *_tokens(clues.tokens[mail.mail_id], refs),
        *_ids(mail, clues.by_message, refs),
        *_keys(mail, named),
        *_numbers(named),
    )


def _tokens(tokens: TokensOfMail, refs: Mapping[int, IssueRef]) -> Iterator[MatchTried]:
    """Yields each token; a forged one, and one of an issue that is gone, hits nothing."""
    for token, genuine in tokens:
        hit = refs.get(token.issue_id) if genuine else None
        yield MatchTried("token", str(token), hit.issue_key if hit else "")


def _ids(
    mail: MailParsed, by_message: Mapping[str, Collection[int]], refs: Mapping[int, IssueRef]
) -> Iterator[MatchTried]:
    for message_id in dict.fromkeys(all_answered_ids(mail)):
        found = [refs[one].issue_key for one in by_message.get(message_id, ()) if one in refs]
        yield MatchTried("id", message_id, found[-1] if found else "")


def _keys(mail: MailParsed, named: Sequence[NamedIssue]) -> Iterator[MatchTried]:
    hits = {one.former_key or one.issue.issue_key: one.issue for one in named if not one.number}
    for key in keys_in(mail.subject):
        yield MatchTried("key", key, hits[key].issue_key if key in hits else "")


def _numbers(named: Sequence[NamedIssue]) -> Iterator[MatchTried]:
    for one in named:
        if one.number:
            yield MatchTried("number", one.number, one.issue.issue_key)
