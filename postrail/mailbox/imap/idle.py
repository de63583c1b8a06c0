"""Waits for new messages by IDLE (RFC 2177)."""

from __future__ import annotations

from postrail.mailbox.imap.faults import connection_fault
from postrail.mailbox.imap.session import ImapSession


def can_idle(session: ImapSession) -> bool:
    """Returns whether the server offers IDLE."""
    return bool(session.client.has_capability("IDLE"))


def start_idle(session: ImapSession) -> bool:
    """Sends IDLE; returns False when new mail was announced since the last listing.

    A server announces a message once: with the answer to our last command, before it agrees to
    idle, or right after that. All three are checked, so that no announcement is missed.
    """
    client = session.client
    with connection_fault(session.account):
        if client.new_mail_announced:
            return False
        client.idle()
        if not client.new_mail_announced and not client.idle_check(timeout=0):
            return True
    stop_idle(session)
    return False


def stop_idle(session: ImapSession) -> None:
    """Sends DONE and waits for the answer."""
    with connection_fault(session.account):
        session.client.idle_done()
