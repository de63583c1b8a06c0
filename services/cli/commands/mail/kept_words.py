"""The words of a message that are ours, and not of a person: an anonymised message keeps them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from postrail.configuration.snapshot import ConfigurationSnapshot
from postrail.decision.facts import Facts

WORD = re.compile(r"[^\W\d_]+|\d+")
# The ids of our own messages; their tokens prove an issue.
OWN_IDS = r"<postrail\.[^<>\s]*>"
# The parts of the configuration that ask about messages.
ASKING = {"name", "description", "accounts", "enabled", "order", "jira_parameters"}


def literals_of(snapshot: ConfigurationSnapshot, facts: Facts) -> list[str]:
    """Returns patterns of what stays wherever it stands: our addresses, servers, and issue keys."""
    accounts = snapshot.accounts.values()
    servers = {name for one in accounts for name in (*one.authserv_ids, *one.trusted_hosts)}
    addresses = [_with_extension(address) for address in sorted(snapshot.own_addresses)]
    keys = {named.former_key or named.issue.issue_key for named in facts.named_issues}
    numbers = {named.number for named in facts.named_issues if named.number}
    return [
        OWN_IDS,
        *addresses,
        *(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" for name in sorted(servers)),
        *(rf"\b{re.escape(key)}-\d+\b" for key in sorted(snapshot.projects)),
        *(rf"\b{re.escape(text)}\b" for text in sorted(keys | numbers)),
    ]


def _with_extension(address: str) -> str:
    """Returns the pattern of an address and its plus-addresses."""
    local, _, domain = address.rpartition("@")
    return rf"(?<![\w.+-]){re.escape(local)}(?:\+[\w.-]+)?@{re.escape(domain)}(?![\w-])"


def words_of(snapshot: ConfigurationSnapshot) -> frozenset[str]:
    """Returns all words of the conditions, patterns, addresses and commands of handlers."""
    things = [*snapshot.handlers, *snapshot.sender_filters]
    asked = [one.model_dump(mode="json", exclude=ASKING) for one in things]
    forms = [account.reply_to_senders for account in snapshot.accounts.values()]
    obeyed = any(handler.field_commands for handler in snapshot.handlers)
    values = list(_values_of_commands(snapshot)) if obeyed else []
    return frozenset(WORD.findall(json.dumps([asked, forms, values], ensure_ascii=False)))


def _values_of_commands(snapshot: ConfigurationSnapshot) -> Iterator[str]:
    """Yields the names of fields that lines of a message may set, and of the values they take."""
    yield from snapshot.priorities.values()
    for project in snapshot.projects.values():
        yield from project.components
        yield from (one.name for one in project.issue_types)
        yield from (one.name for one in project.statuses)
        yield from (text for one in project.fields for text in (one.name, *one.choices))
