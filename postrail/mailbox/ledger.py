"""The role Ledger: numbers for mails that their server names by keys.

POP3 has UIDL, a folder has file names, Graph has immutable ids; the fetcher wants numbers that only
grow. A key keeps its number for as long as it is listed, and for a while after. The number says how
far the mailbox was read; what names the mail for good, and makes its mail_id, is the key: in a
database that was lost, numbers begin anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

# The UIDVALIDITY of mailboxes that are numbered here; servers have none of 0 (RFC 3501, 2.3.1.1).
OUR_NUMBERS = 0


class Ledger(Protocol):
    """The keys of one folder of one mailbox. Blocking: for threads."""

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """The number of each key; a new one, in the order given, for each key that needs one.

        New is what was never listed, and what was listed once and gone when its turn came (a
        person moved it away, and back again). With `whole` the keys are all that the folder holds:
        the others are forgotten some time later.

        Raises TransientError while PostgreSQL is away.
        """


class PassingLedger:
    """Numbers for one look that keeps nothing."""

    def number(self, keys: Sequence[str], *, whole: bool = True) -> dict[str, int]:
        """The place of each key among them."""
        return {key: number for number, key in enumerate(keys, 1)}
