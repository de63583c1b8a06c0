"""Tests a mail account before it is saved: reports each step, its time, and what to fix.

Nothing is stored, and no mailbox is changed. Each protocol has one function, in `TRIALS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postrail.configuration.models.mail_account import MailAccount
from postrail.mailbox.folder.trial import try_folder
from postrail.mailbox.graph.trial import try_graph
from postrail.mailbox.imap.trial import try_imap
from postrail.mailbox.pop3.trial import try_pop3
from postrail.wire.login import LoginOf
from postrail.wire.timed_steps import ReadSoFar, Step

Trial = Callable[[MailAccount, LoginOf, ReadSoFar | None], Iterator[Step]]

# By the protocol that is spoken with the server.
TRIALS: dict[str, Trial] = {
    "imap": try_imap,
    "pop3": try_pop3,
    "microsoft_graph": try_graph,
    "folder": try_folder,
}


def try_account(
    account: MailAccount, login: LoginOf, so_far: ReadSoFar | None = None
) -> Iterator[Step]:
    """Yields the steps as they are run, up to the first that fails. Blocking: for a thread."""
    trial = TRIALS[account.wire_protocol]
    # The steps are shown to a person; the log of this process is not.
    yield from trial(account.model_copy(update={"debug": False}), login, so_far)
