"""Runs a process that kills itself by SIGKILL when it first reaches a point of its work.

    python -m tests.processes.faulty.killed_at POINT [ARGUMENT…]

The code that runs is the real one; only the one method is followed, or preceded, by the kill.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from postrail.stream.outbox import Added
from postrail.stream.producer import Entry

Method = Callable[..., Any]
Coroutine = Callable[..., Awaitable[Any]]
Appliers = dict[type[Any], Coroutine]


def die() -> None:
    """Ends the process without any handler, `finally` or flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(method: Method) -> Method:
    """Makes the method kill the process when it has returned."""

    def call(*arguments: Any, **named: Any) -> Any:
        found = method(*arguments, **named)
        die()
        return found

    return call


def after_async(method: Coroutine) -> Coroutine:
    """Makes the coroutine kill the process when it has returned."""

    async def call(*arguments: Any, **named: Any) -> Any:
        found = await method(*arguments, **named)
        die()
        return found

    return call


def after_with_result(method: Coroutine) -> Coroutine:
    """Makes the coroutine kill the process when it has returned something."""

    async def call(*arguments: Any, **named: Any) -> Any:
        found = await method(*arguments, **named)
        if found:
            die()
        return found

    return call


def before_sending_rows(flush: Coroutine) -> Coroutine:
    """Kills the process when the rows of the outbox are committed and about to be sent."""

    async def call(pool: Any, producer: Any, added: Added) -> None:
        if added.entries:
            die()
        await flush(pool, producer, added)

    return call


def after_acknowledgement_in(topic: str) -> Callable[[Coroutine], Coroutine]:
    """Kills the process when Kafka has acknowledged records with one of this topic."""

    def wrap(send: Coroutine) -> Coroutine:
        async def call(producer: Any, entries: Sequence[Entry]) -> Any:
            placed = await send(producer, entries)
            if any(entry.topic.name == topic for entry in entries):
                die()
            return placed

        return call

    return wrap


def after_effect(name: str) -> Callable[[Appliers], Appliers]:
    """Kills the process when the effects of this class have been applied, before the commit."""

    def wrap(appliers: Appliers) -> Appliers:
        found = {
            kind: after_async(apply) if kind.__name__ == name else apply
            for kind, apply in appliers.items()
        }
        assert found != appliers, f"there is no effect {name}"
        return found

    return wrap


@dataclass(frozen=True)
class Point:
    """The process, the method, and the wrapper of the method."""

    program: str
    module: str
    method: str
    wrap: Callable[[Any], Any]


IMAP = ("services.fetcher", "postrail.mailbox.imap.mailbox")
POP3 = ("services.fetcher", "postrail.mailbox.pop3.mailbox")
SEND = ("postrail.stream.producer", "Producer.send")
REFETCH = ("services.fetcher", "services.fetcher.refetch.queue")
CLI = "services.cli"
HANDLER = "services.handler"
SENDER = "services.sender"
APPROVALS = (HANDLER, "postrail.approvals.store")
COMMANDS = (HANDLER, "postrail.effects.fields.commands")
APPLIERS = (HANDLER, "postrail.effects.apply", "APPLIERS")
LAST_APPLIERS = (HANDLER, "postrail.effects.apply", "LAST_APPLIERS")
TIMED = "postrail.operate.approvals.timed"
MAILERS = (HANDLER, "postrail.effects.apply", "MAILERS")
POINTS = {
    "fetched": Point(
        "services.fetcher", "postrail.mailbox.imap.mailbox", "ImapMailbox.read", after
    ),
    "blob": Point("services.fetcher", "postrail.blobs", "BlobStore.put_chunks", after_async),
    "acknowledged": Point("services.fetcher", *SEND, after_acknowledgement_in("mail.fetched")),
    "recorded": Point(
        "services.fetcher", "services.fetcher.store", "PostgresStore.record", after_async
    ),
    "seen": Point(*IMAP, "ImapMailbox.finish", after),
    # A request to publish a message again: before its record, and after its row is saved.
    "refetch begun": Point(*REFETCH, "RefetchQueue._begin", after_async),
    "refetch saved": Point(*REFETCH, "report_fetched", after),
    # The steps of removing and moving by IMAP, with MOVE and without.
    "flagged": Point("services.fetcher", "imapclient", "IMAPClient.add_flags", after),
    "expunged": Point("services.fetcher", "imapclient", "IMAPClient.uid_expunge", after),
    "copied": Point("services.fetcher", "imapclient", "IMAPClient.copy", after),
    "moved": Point("services.fetcher", "imapclient", "IMAPClient.move", after),
    "pop3 fetched": Point(
        "services.fetcher", "postrail.mailbox.pop3.mailbox", "Pop3Mailbox.read", after
    ),
    # DELE has no effect before QUIT.
    "pop3 marked": Point(
        "services.fetcher", "postrail.mailbox.pop3.mailbox", "Pop3Mailbox.finish", after
    ),
    "pop3 quit": Point(
        "services.fetcher", "postrail.mailbox.pop3.mailbox", "Pop3Mailbox.rest", after
    ),
    # Folders of this machine: after reading and finishing, and within moves and rewrites.
    "file read": Point(
        "services.fetcher", "postrail.mailbox.folder.mailbox", "FolderMailbox.read", after
    ),
    "file finished": Point(
        "services.fetcher", "postrail.mailbox.folder.mailbox", "FolderMailbox.finish", after
    ),
    "file in both places": Point(
        "services.fetcher", "postrail.mailbox.folder.directory", "Directory._link", after
    ),
    "file removed": Point(
        "services.fetcher", "postrail.mailbox.folder.directory", "Directory.remove", after
    ),
    "mbox copied": Point("services.fetcher", "postrail.mailbox.folder.mbox", "append", after),
    "mbox to be replaced": Point(
        "services.fetcher", "postrail.mailbox.folder.mbox_late", "LateMail.keep", after
    ),
    "mbox replaced": Point("services.fetcher", "postrail.mailbox.folder.mbox", "sync", after),
    "parsed": Point("services.parser", *SEND, after_acknowledgement_in("mail.parsed")),
    "taken in": Point("services.handler", "services.handler.step", "Handler.take_in", after_async),
    "stored": Point("services.handler", "postrail.outgoing.intake", "store", after_async),
    "handled": Point("services.handler", "postrail.stream.outbox", "flush", before_sending_rows),
    "queued": Point("services.handler", *SEND, after_acknowledgement_in("outgoing.queued")),
    "commented": Point("services.cli", "postrail.operate.issues.comment", "comment", after_async),
    # The steps of an act by a command, and after its commit.
    "act: locked": Point(CLI, "postrail.operate.issues.act", "load_snapshot", after_async),
    "act: changed": Point(CLI, "postrail.effects.fields.write", "write_fields", after_async),
    "act: recorded": Point(CLI, "postrail.operate.issues.act", "insert_changes", after_async),
    "act: notified": Point(CLI, "postrail.operate.issues.act", "notify", after_async),
    "act: published": Point(CLI, "postrail.stream.outbox", "add", after_async),
    "act: committed": Point(CLI, "postrail.operate.issues.transition", "transition", after_async),
    "move: changed": Point(CLI, "postrail.operate.issues.move", "move_issue", after_async),
    "move: committed": Point(CLI, "postrail.operate.issues.move", "move", after_async),
    "merge: changed": Point(CLI, "postrail.operate.issues.merge", "merge_issue", after_async),
    "merge: committed": Point(CLI, "postrail.operate.issues.merge", "merge", after_async),
    # The steps of a message in the handler, and each kind of effect.
    "handler: marked": Point(HANDLER, "services.handler.batch", "Batch._taken", after_async),
    "handler: locked": Point(HANDLER, "postrail.incoming.queue", "lock_work", after_async),
    "handler: gathered": Point(HANDLER, "services.handler.batch", "gather", after_async),
    "handler: decided": Point(HANDLER, "services.handler.batch", "decide", after),
    "handler: notified": Point(HANDLER, "postrail.effects.apply", "notify", after_async),
    "handler: finished": Point(HANDLER, "postrail.incoming.queue", "finish", after_async),
    "handler: published": Point(HANDLER, "postrail.stream.outbox", "add", after_async),
    "commands: checked": Point(*COMMANDS, "check_commands", after_async),
    "commands: written": Point(*COMMANDS, "write_values", after_async),
    "commands: recorded": Point(*COMMANDS, "insert_changes", after_async),
    "effect: CreatePerson": Point(*APPLIERS, after_effect("CreatePerson")),
    "effect: CreateIssue": Point(*APPLIERS, after_effect("CreateIssue")),
    "effect: AddComment": Point(*APPLIERS, after_effect("AddComment")),
    "effect: DeleteBody": Point(*APPLIERS, after_effect("DeleteBody")),
    "effect: MarkDelivery": Point(*APPLIERS, after_effect("MarkDelivery")),
    "effect: Suppress": Point(*APPLIERS, after_effect("Suppress")),
    "effect: Forward": Point(*MAILERS, after_effect("Forward")),
    "effect: Reply": Point(*MAILERS, after_effect("Reply")),
    "effect: Notify": Point(*MAILERS, after_effect("Notify")),
    # The steps of an answer to an approval request, and of what follows from the decision.
    "approval: answered": Point(*APPROVALS, "answered", after_async),
    "approval: closed": Point(*APPROVALS, "close_request", after_async),
    "approval: in the ledger": Point(HANDLER, "postrail.approvals.ledger", "append", after_async),
    "effect: AnswerRequest": Point(*LAST_APPLIERS, after_effect("AnswerRequest")),
    "approval: followed": Point(HANDLER, "services.handler.timed_work", "follow", after_async),
    "webhook: claimed": Point(SENDER, "postrail.webhooks.claims", "claim_due", after_with_result),
    "webhook: posted": Point(SENDER, "postrail.webhooks.post", "Poster.post", after_async),
    # A bundle or digest, whose timer is removed last before the commit.
    "timer: removed": Point(HANDLER, "postrail.timers.queue", "remove", after_async),
    # The timers of an approval request: its deadline, and what its issue does.
    "deadline: ended": Point(HANDLER, f"{TIMED}.deadline", "end", after_async),
    "follow: moved": Point(HANDLER, f"{TIMED}.follow", "transition", after_async),
    "follow: commented": Point(HANDLER, f"{TIMED}.follow", "comment", after_async),
    "outgoing taken in": Point(
        "services.sender", "services.sender.step", "Sender.take_in", after_async
    ),
    "final dot": Point(
        "services.sender", "postrail.courier.smtp_dialogue", "Dialogue._hand_over", after_async
    ),
}


def main() -> None:
    """Runs the program of the point with its method wrapped."""
    point = POINTS[sys.argv[1]]
    *owners, name = point.method.split(".")
    place: Any = import_module(point.module)
    for owner in owners:
        place = getattr(place, owner)
    setattr(place, name, point.wrap(getattr(place, name)))
    sys.argv = [point.program, *sys.argv[2:]]
    runpy.run_module(point.program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
