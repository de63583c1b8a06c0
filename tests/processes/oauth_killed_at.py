"""A process that asks for a token and dies: `python -m tests.processes.oauth_killed_at WHEN`.

WHEN is `after-answer` (the provider has answered, and the tokens are not stored) or `after-commit`
(the tokens are stored, and the access token is unused). Reads DATABASE_URL and
KEY from the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import NoReturn

from pydantic import SecretStr

from postrail.clock import SystemClock
from postrail.configuration.load import mail_accounts
from postrail.database import one_connection
from postrail.oauth import token_table as table
from postrail.oauth import tokens
from postrail.secrets import Secrets
from postrail.settings import DatabaseSettings, SecretSettings

KILLED = 9


def die(*_: object) -> NoReturn:
    """Ends at once, as SIGKILL does, without closing or flushing."""
    os._exit(KILLED)


async def main(when: str) -> None:
    settings = DatabaseSettings(url=SecretStr(os.environ["DATABASE_URL"]))
    secrets = Secrets(SecretSettings(keys=SecretStr(os.environ["KEY"])))
    asked = tokens.AccessTokens(lambda: one_connection(settings), secrets, SystemClock())
    async with one_connection(settings) as connection:
        [account] = await mail_accounts(connection)
    if when == "after-answer":
        table.save = die  # type: ignore[assignment]
    await asked.token(account)
    die()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
