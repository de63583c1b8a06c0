"""Files what a verified agent forwards for the person who wrote it."""

from __future__ import annotations

import re
from dataclasses import replace

from postrail import patterns
from postrail.configuration.models.mail_handler import MailHandler
from postrail.decision.decision import CreateIssue, Decision, Effect
from postrail.decision.message_values import first_text
from postrail.decision.question import Question
from postrail.message_parts import Address, is_address

# As mail programs begin the subject of a forward, in their languages.
PREFIX = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|doorst|vb|pd|tov|vl|i)\s*:", re.I)
# The sender's line of the header block that a forward has; Markdown's and quotations' marks around.
# Strangers write the text, so RE2 searches it: in linear time. \pZ: blanks beyond ASCII.
SENDER = (
    r"(?m)^[>*\s\pZ]*(?:from|von|de|da|van|från|fra|od|lähettäjä|kimden|feladó)[\s\pZ]*:[*\s\pZ]*"
    r"([^<\n@]*?)[<\[(\s\pZ]*(?:mailto:)?([^\s\pZ<>\[\]()]+@[^\s\pZ<>\[\]()]+)"
)
SEARCHED_CHARACTERS = 100_000
NAME_CHARACTERS = 200


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
    """Returns whom the first header block names, or else the sender of an attached message.

    It is neither one of ours nor the agent. A program that forwards a message keeps what was
    attached to it, so the header block goes first; beside words of the agent's, without a sign of a
    forward, an attached message is only shown.
    """
    mail = question.mail
    # What comes to an address for forwards needs no prefix.
    forwards = bool(handler.catch_address or PREFIX.match(mail.subject))
    text = first_text(mail)
    named = _in_header_block(text) if forwards else None
    if named:
        return named if _is_other(named, question) else None
    if not forwards and text.strip():
        return None
    attached = (one.sender for one in mail.attached_messages)
    return next((one for one in attached if one and _is_other(one, question)), None)


def _in_header_block(text: str) -> Address | None:
    found = patterns.find(SENDER, text[:SEARCHED_CHARACTERS])
    if found is None:
        return None
    name, address = found.groups
    return Address(name=name.strip(" \"'*")[:NAME_CHARACTERS], address=address)


def _is_other(one: Address, question: Question) -> bool:
    address = one.address.lower()
    own = question.snapshot.is_own(address)
    return is_address(address) and not own and address != question.sender_address
