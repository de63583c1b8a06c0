"""Decides messages in files by the stored configuration or a draft of it, without any effect."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from postrail.clock import SystemClock
from postrail.clock_sync.postgres_time import time_of
from postrail.configuration import store
from postrail.configuration.change import account_named
from postrail.configuration.configured import Configured
from postrail.configuration.entry import ConfigurationFileError, Existing
from postrail.configuration.load import load_snapshot
from postrail.configuration.models.priority import PRIORITY, STANDARD
from postrail.configuration.plan import drafted
from postrail.configuration.snapshot import ConfigurationSnapshot, snapshot_of
from postrail.configuration.yaml_read import parse_file
from postrail.database import Connection
from postrail.database.faults import DatabaseUnavailable
from postrail.decision.decide import decide
from postrail.decision.facts import Facts
from postrail.errors import ConfigurationError, PermanentError
from postrail.message_parts import without_extension
from postrail.operate.explain import Explained, explain, explain_alone
from postrail.records import MailParsed
from postrail.secrets import Secrets
from postrail.settings import ParserSettings, Settings
from services.cli.installation import connected_to_read, load
from services.cli.options import name_of, read_text
from services.parser.record.from_bytes import record_of

Draft = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Decide as if this file were applied; nothing is written.",
    ),
]
COMPLETE_FILE = (
    "No installation was found, so the file has to be complete: add what is missing, or name the"
    " installation with --data"
)
WITHOUT_KEYS = "the tokens of our own messages prove nothing here, because the keys are not known"
# The namespace of the ids of messages that are only tried.
TRIED = uuid.UUID("0c1f7c26-6f37-5d0e-9a43-3d9a1a2b7c11")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A configuration to decide messages by, and the installation that has the facts."""

    snapshot: ConfigurationSnapshot
    # None without an installation.
    connection: Connection | None
    now: datetime
    inline_max_bytes: int
    message_id_key: bytes

    async def explain(self, raw: bytes, account: str) -> Explained:
        """Decides a message as if it arrived at the account now; raises PermanentError."""
        mail = self.parsed(raw, account)
        if self.connection is None:
            return explain_alone(mail, self.snapshot)
        found = await explain(self.connection, mail, self.snapshot, self.message_id_key, self.now)
        if self.message_id_key:
            return found
        return replace(found, notes=(*found.notes, WITHOUT_KEYS))

    def decide(
        self, raw: bytes, account: str, facts: Facts, *, received_at: datetime | None
    ) -> Explained:
        """Decides a message by these facts."""
        mail = self.parsed(raw, account, received_at=received_at)
        return Explained(mail=mail, decision=decide(mail, self.snapshot, facts))

    def addressed(self, raw: bytes) -> str:
        """Returns the account that a message is addressed to; raises PermanentError for none."""
        accounts = self.snapshot.accounts
        # Parsed for any account, as this changes no address.
        mail = self.parsed(raw, next(iter(accounts), ""))
        written = [one.address for one in mail.recipients]
        addresses = [one.lower() for one in [*mail.delivered_to, *written]]
        for address in addresses:
            named = {address, without_extension(address)}
            for account in accounts.values():
                if named & {account.address.lower(), self._shared(account.project)}:
                    return account.name
        raise PermanentError(
            f"it is addressed to no mail account: {', '.join(addresses) or 'it names nobody'}",
            remedy="Name the account with --account",
        )

    def _shared(self, project: str) -> str:
        """Returns the own address of a project, whose messages arrive at its accounts."""
        found = self.snapshot.projects.get(project)
        return found.address if found else ""

    def parsed(
        self, raw: bytes, account: str, *, received_at: datetime | None = None
    ) -> MailParsed:
        """Parses a message for the account; raises PermanentError for an unknown account."""
        account_named(account, list(self.snapshot.accounts.values()))
        return record_of(
            raw,
            mail_id=str(uuid.uuid5(TRIED, hashlib.sha256(raw).hexdigest())),
            mailbox=account,
            source="a file",
            now=self.now,
            received_at=received_at,
            inline_max_bytes=self.inline_max_bytes,
        )


@contextlib.asynccontextmanager
async def trial(data: Path | None, config: Path | None) -> AsyncIterator[Trial]:
    """Opens what messages are decided by; without an installation, a draft suffices.

    Raises ConfigurationFileError for faults of the draft, by line and field.
    """
    async with contextlib.AsyncExitStack() as stack:
        connection, key = None, b""
        inline_max_bytes = ParserSettings().inline_max_bytes
        try:
            settings = load(data)
            inline_max_bytes = settings.parser.inline_max_bytes
            key = _message_id_key(settings)
            connection = await stack.enter_async_context(connected_to_read(settings))
        except (ConfigurationError, DatabaseUnavailable) as error:
            if config is None or not _means_none(error):
                raise
        yield Trial(
            snapshot=await _snapshot(connection, config),
            connection=connection,
            now=await time_of(connection) if connection else SystemClock().now(),
            inline_max_bytes=inline_max_bytes,
            message_id_key=key,
        )


def _message_id_key(settings: Settings) -> bytes:
    """Returns the key of our tokens, or b"" where the keys are not known, as in an observer."""
    try:
        return Secrets(settings.secrets).message_id_key()
    except ConfigurationError:
        return b""


def _means_none(error: ConfigurationError | DatabaseUnavailable) -> bool:
    """Tells whether there is no installation, and not one that is set up wrongly."""
    return isinstance(error, DatabaseUnavailable) or error.setting == "POSTRAIL_DATABASE__URL"


async def _snapshot(connection: Connection | None, config: Path | None) -> ConfigurationSnapshot:
    if config is None:
        assert connection is not None
        return await load_snapshot(connection)
    change_id = await store.latest_change_id(connection) if connection else 0
    existing: Existing = {(type(one), PRIORITY.identity_of(one)): one for one in STANDARD}
    if connection:
        existing = await store.read_all(connection)
    entries = parse_file(read_text(config), name_of(config))
    try:
        things: list[Configured] = drafted(entries, existing, file=name_of(config))
    except ConfigurationFileError as error:
        if connection:
            raise
        raise ConfigurationError(error.problem, remedy=COMPLETE_FILE) from error
    return snapshot_of(change_id, things)


def read_message(file: Path) -> bytes:
    """Returns the bytes of a file with one message; raises PermanentError."""
    try:
        return file.read_bytes()
    except OSError as error:
        problem = f"{file} cannot be read: {error.strerror}"
        raise PermanentError(problem, remedy="Name a file that holds one message") from error
