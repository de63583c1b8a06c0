"""Checks where mail handlers send to: never to ourselves, and if we can send at all. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postrail.configuration.entry import Fault, Proposal
from postrail.configuration.models.handler_parts import Action
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.configuration.models.project import GROUP, Project
from postrail.configuration.snapshot import ConfigurationSnapshot, snapshot_of

OWN = "{} is an address of ours, so the message would come back: name another one"
NO_CONNECTION = "needs an outgoing connection: add one under connections"


def messages_go_elsewhere(proposal: Proposal) -> Iterator[Fault]:
    """Refuses handlers that send messages to an address of ours, or have no way to send them."""
    proposed = _proposed(proposal)
    for entry in proposal.entries_of(MailHandler).values():
        assert isinstance(entry.thing, MailHandler)
        for field, address in _addresses(entry.thing):
            if proposed.is_own(address):
                yield entry.fault(field, OWN.format(address))
            elif not proposed.connections:
                yield entry.fault(field, NO_CONNECTION)


def _addresses(handler: MailHandler) -> Iterator[tuple[str, str]]:
    """Yields the fields that send messages, and where to."""
    if handler.forward_address:
        yield "forward_address", handler.forward_address
    for action in handler.then:
        for address in (action.forward, action.notify, *_asked(action)):
            if address:
                yield "then", address.lower()


def _asked(action: Action) -> Iterator[str]:
    """Yields the addresses that an approval asks; those of groups and leads are persons'."""
    if action.approval:
        named = (*action.approval.approvers, *action.approval.escalate_to)
        yield from (one for one in named if "@" in one and not one.startswith(GROUP))


def _proposed(proposal: Proposal) -> ConfigurationSnapshot:
    """Returns our addresses and connections as they will be once the file is applied."""
    kinds = (MailAccount, OutgoingConnection, Project)
    return snapshot_of(0, [one for kind in kinds for one in proposal.all_of(kind).values()])
