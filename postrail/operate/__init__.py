"""Operations that the command and the console share: one function each, with a typed result."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from postrail.database import Connection

# Opens a transaction: on a connection of its own, or on one of a pool.
Transactions = Callable[[], AbstractAsyncContextManager[Connection]]
