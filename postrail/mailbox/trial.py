"""Tries a mail account out before it is saved: each step with its time, and what to mend.

Nothing is stored, and no mailbox is changed. Each protocol brings one function, in `TRIALS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postrail.accounts.models import MailAccount
from postrail.mailbox.imap_trial import try_imap
from postrail.mailbox.steps import ReadSoFar, Step

# Called when it is the login's turn, as it may itself have something to tell.
Secret = Callable[[], str]
Trial = Callable[[MailAccount, Secret, ReadSoFar | None], Iterator[Step]]

TRIALS: dict[str, Trial] = {"imap": try_imap}


def try_account(
    account: MailAccount, secret: Secret, so_far: ReadSoFar | None = None
) -> Iterator[Step]:
    """The steps as they are done, up to the first that fails. Blocking: for a thread."""
    trial = TRIALS.get(account.protocol)
    if trial is None:
        yield Step("protocol", False, f"{account.protocol} cannot be tried out yet", "", 0.0)
        return
    # Who looks at the steps has no log to look at.
    yield from trial(account.model_copy(update={"debug": False}), secret, so_far)
