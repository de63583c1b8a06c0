"""The role Ledger: assigns numbers to messages that their server identifies by keys.

POP3 has UIDL, a folder has file names, Graph has immutable ids; the fetcher needs numbers that only
grow. A key keeps its number for as long as it is listed, and for a while after. The number says how
far the mailbox was read. The key identifies the message for good, and the mail_id is made from it:
after the loss of the database, numbers start again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

# The UIDVALIDITY of mailboxes that we number; servers never use 0 (RFC 3501, 2.3.1.1).
OUR_NUMBERS = 0


class Ledger(Protocol):
    """The keys of one folder of one mailbox. Blocking: called from the mailbox's thread."""

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """Returns the number of each key; new keys get the next numbers, in the order given.

        A key is new when it was never listed, or was gone when its message was to be read (a
        person moved the message away and back). With `whole` the keys are all that the folder
        holds, and the others are forgotten some time later.

        Raises TransientError while PostgreSQL is unavailable.
        """


class PassingLedger:
    """Numbers for one listing, which are not stored."""

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """Returns the position of each key among `keys`, from 1 on."""
        return {key: number for number, key in enumerate(keys, 1)}
