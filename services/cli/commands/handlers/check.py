"""`postrail handlers test`: a folder of messages through the handlers, or through a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from postrail.decision.decision import AddComment, CreateIssue, Decision
from postrail.decision.way import differences, taker, way_of
from postrail.errors import ConfigurationError, PermanentError
from postrail.operate.explain import Explained
from services.cli.data_folder import Data
from services.cli.explained import as_json
from services.cli.fixtures import Expectation, messages_in, read_expectation
from services.cli.installation import complete
from services.cli.output import Json, show_json, show_table
from services.cli.trial import Draft, Trial, read_message, trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Tested:
    """A message in a file with what it would become."""

    file: Path
    # None: it could not be decided, for the reason.
    found: Explained | None
    problem: str = ""
    # None without an expectation; otherwise all that differs from it.
    differs: list[str] | None = None

    @property
    def failed(self) -> bool:
        """Tells whether it is not as expected."""
        return bool(self.problem or self.differs)


def check_messages(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Files with one message each, or folders of .eml."),
    ],
    account: Annotated[
        str | None,
        typer.Option(
            "--account",
            help="The mail account at which they would arrive.",
            show_default="the account that the message is addressed to",
        ),
    ] = None,
    config: Draft = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show what a folder of messages would become, and compare it with what is expected.

    A file NAME.expected.json beside NAME.eml says what is expected; postrail mail fixture writes
    both. The exit code is 1 when a message does not become what is expected of it.

    Example: [bold]postrail handlers test messages --config draft.yaml[/bold]
    """
    tested = complete(_tested(messages_in(paths), account, config, data))
    if json:
        show_json([_as_json(one) for one in tested])
    else:
        _show(tested)
    if any(one.failed for one in tested):
        raise typer.Exit(1)


async def _tested(
    files: Sequence[Path], account: str | None, config: Path | None, data: Path | None
) -> list[Tested]:
    async with trial(data, config) as opened:
        return [await _one(opened, file, account) for file in files]


async def _one(opened: Trial, file: Path, account: str | None) -> Tested:
    try:
        expectation = read_expectation(file)
        found = await _explained(opened, read_message(file), expectation, account)
    except (PermanentError, ConfigurationError) as error:
        return Tested(file=file, found=None, problem=error.problem)
    if expectation is None:
        return Tested(file=file, found=found)
    differs = differences(expectation.expected, way_of(found.decision))
    return Tested(file=file, found=found, differs=differs)


async def _explained(
    opened: Trial, raw: bytes, expectation: Expectation | None, account: str | None
) -> Explained:
    if expectation is None:
        return await opened.explain(raw, account or opened.addressed(raw))
    name = account or expectation.account
    if expectation.facts is None:
        return await opened.explain(raw, name)
    return opened.decide(raw, name, expectation.facts, received_at=expectation.received_at)


def _show(tested: Sequence[Tested]) -> None:
    show_table(
        ["File", "Account", "Handler", "Outcome", "Issue", "Why", "Expected"],
        [_line(one) for one in tested],
        empty="No messages.",
    )
    for note, files in _notes(tested).items():
        where = f"{files[0]}: " if len(files) == 1 else ""
        typer.echo(f"Note: {where}{note}.")
    typer.echo(_summary(tested))


def _notes(tested: Sequence[Tested]) -> dict[str, list[Path]]:
    """Returns each note once, with the files that it is about."""
    files: dict[str, list[Path]] = {}
    for one in tested:
        for note in one.found.notes if one.found else ():
            files.setdefault(note, []).append(one.file)
    return files


def _summary(tested: Sequence[Tested]) -> str:
    undecided = sum(bool(one.problem) for one in tested)
    compared = [one for one in tested if one.differs is not None]
    wrong = sum(one.failed for one in compared)
    counts = [
        f"{len(tested)} messages",
        f"{undecided} not decided" if undecided else "",
        f"{len(compared)} with an expectation",
        f"{wrong} not as expected" if compared else "",
    ]
    return f"{', '.join(filter(None, counts))}."


def _line(one: Tested) -> tuple[object, ...]:
    if one.found is None:
        return (one.file, "", "", "", "", one.problem, "")
    decision = one.found.decision
    return (
        one.file,
        one.found.mail.mailbox,
        taker(decision),
        decision.outcome,
        target(decision),
        decision.reason,
        _compared(one.differs),
    )


def _compared(differs: list[str] | None) -> str:
    """Returns what the column says; of several differences the first."""
    if not differs:
        return "" if differs is None else "ok"
    more = f" ({len(differs) - 1} more)" if len(differs) > 1 else ""
    return f"{differs[0]}{more}"


def target(decision: Decision) -> str:
    """Returns the issue that the message is for, or the project of the new one."""
    for effect in decision.effects:
        if isinstance(effect, AddComment):
            return effect.issue.issue_key
        if isinstance(effect, CreateIssue):
            return f"new in {effect.project}"
    return decision.issue.issue_key if decision.issue else ""


def _as_json(one: Tested) -> dict[str, Any]:
    found = as_json(one.found) if one.found else {}
    return {"file": str(one.file), **found, "problem": one.problem, "differs": one.differs}
