"""Files what a verified agent forwards for the person who wrote it."""

from __future__ import annotations

import re
from dataclasses import replace

from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import CreateIssue, Decision, Effect
from postrail.decision.question import Question
from postrail.message_parts import Address, is_address

# As mail programs begin the subject of a forward, in their languages.
PREFIX = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|doorst|vb|pd|tov|vl|i)\s*:", re.I)
# The sender's line of the header block that a forward has; Markdown's and quotations' marks around.
SENDER = re.compile(
    r"^[>*\s]*(?:from|von|de|da|van|från|fra|od|lähettäjä|kimden|feladó)\s*:[*\s]*"
    r"(?P<name>[^<\n@]{0,200}?)[<\[(\s]*(?:mailto:)?(?P<address>[^\s<>\[\]()]{1,250}@[^\s<>\[\]()]{1,250})",
    re.I | re.M,
)
SEARCHED_CHARACTERS = 100_000


def filed_for_sender(handler: MailHandler, question: Question, decision: Decision) -> Decision:
    """Makes the original sender of a forwarded message the reporter of its issue, who watches it.

    The agent who forwards it watches it, too. Anyone else may only claim to have got a message.
    """
    if handler.forwards == "as_sent":
        return decision
    effects = tuple(_filed(handler, question, one) for one in decision.effects)
    if effects == decision.effects:
        return decision
    reporter = next(one.reporter for one in effects if isinstance(one, CreateIssue))
    reason = f"{decision.reason}; {question.sender_address} forwards it for {reporter}"
    return replace(decision, reason=reason, effects=effects)


def _filed(handler: MailHandler, question: Question, effect: Effect) -> Effect:
    if not isinstance(effect, CreateIssue) or not question.is_agent_of(effect.project):
        return effect
    original = _original_sender(handler, question)
    if original is None:
        return effect
    address = original.address.lower()
    return replace(
        effect,
        reporter=address,
        reporter_name=original.name,
        watchers=tuple(dict.fromkeys((*effect.watchers, address))),
    )


def _original_sender(handler: MailHandler, question: Question) -> Address | None:
    """Returns the sender of an attached message, or the one that the first header block names.

    Neither is one of ours, nor the agent.
    """
    for attached in question.mail.attached_messages:
        if attached.sender and _is_other(attached.sender.address, question):
            return attached.sender
    # What comes to an address for forwards needs no prefix.
    if not (handler.catch_address or PREFIX.match(question.mail.subject)):
        return None
    found = SENDER.search(question.mail.text[:SEARCHED_CHARACTERS])
    if found is None or not _is_other(found["address"], question):
        return None
    return Address(name=found["name"].strip(" \"'*"), address=found["address"])


def _is_other(address: str, question: Question) -> bool:
    own = question.snapshot.is_own(address.lower())
    return is_address(address) and not own and address.lower() != question.sender_address
