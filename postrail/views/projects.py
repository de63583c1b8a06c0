"""Reads projects of the built-in tracker: lists of them, and one in detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from postrail.configuration import load
from postrail.configuration.models.mail_account import MailAccount
from postrail.configuration.models.project import (
    ROLE_FIELDS,
    CustomField,
    IssueType,
    Project,
)
from postrail.database import Connection, rows
from postrail.workflow.roles import Role
from postrail.workflow.transitions import next_statuses
from postrail.workflow.values import project_with


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRow:
    """A project as lists show it; merged issues do not count."""

    key: str
    name: str
    lead: str
    # Where its messages arrive: its own address, and those of its mail accounts for issues.
    addresses: Sequence[str]
    issues: int
    # The number of issues whose status is not of the category done.
    unresolved: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRow:
    """A status with the number of issues that have it."""

    name: str
    category: str
    needs_approval: bool
    # With a setup others ask the approvers by mail; none: the leads and administrators.
    approval_setup: str
    approvers: Sequence[str]
    approval_rule: str
    # All that may follow, also where any may.
    next_statuses: Sequence[str]
    issues: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleRow:
    """The members of a role: addresses of persons, and group: with the name of a group."""

    role: str
    members: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectDetail:
    """A project with its workflow, fields and roles."""

    project: ProjectRow
    description: str
    language: str
    connection: str
    # How the people who work on it are told of events: at_once or digest.
    messages: str
    # How long events of an issue are bundled; None: as the settings say.
    bundle_seconds: int | None
    # Notifications of comments quote the last comments before.
    quote_history: bool
    # The address of the person whom new issues are assigned to; None: nobody.
    default_assignee: str | None
    default_issue_type: str
    issue_types: Sequence[IssueType]
    statuses: Sequence[StatusRow]
    components: Sequence[str]
    fields: Sequence[CustomField]
    # The names of the priorities, which hold for all projects, by level.
    priorities: dict[int, str]
    roles: Sequence[RoleRow]
    # The role of persons whom no role names.
    known_people: str


async def projects(connection: Connection) -> list[ProjectRow]:
    """Returns all projects, by key."""
    accounts, counts = await load.mail_accounts(connection), await _counts(connection)
    return [_row(one, accounts, counts) for one in await load.projects(connection)]


async def project(connection: Connection, key: str) -> ProjectDetail:
    """Returns the project with this key; raises ProjectNotFound."""
    snapshot = await load.load_snapshot(connection)
    found = project_with(key, snapshot.projects)
    counts = await _counts(connection)
    sending = snapshot.connection_for(key)
    return ProjectDetail(
        project=_row(found, list(snapshot.accounts.values()), counts),
        description=found.description,
        language=found.language,
        connection=sending.name if sending else "",
        messages=found.messages,
        bundle_seconds=found.bundle_seconds,
        quote_history=found.quote_history,
        default_assignee=found.own_assignee,
        default_issue_type=found.default_issue_type,
        issue_types=found.issue_types,
        statuses=_statuses(found, counts.get(key, {})),
        components=found.components,
        fields=found.fields,
        priorities=snapshot.priorities,
        roles=_roles(found),
        known_people=found.known_people,
    )


# The first count reads an index alone, which the condition on merged issues would not allow.
_COUNTS: LiteralString = """
SELECT project_key, status, sum(issues)::bigint FROM (
    SELECT project_key, status, count(*) AS issues FROM issue GROUP BY 1, 2
    UNION ALL
    SELECT project_key, status, -count(*) FROM issue WHERE merged_into IS NOT NULL GROUP BY 1, 2
) AS counted GROUP BY 1, 2"""


async def _counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Returns the numbers of issues by project and status, without merged ones."""
    counts: dict[str, dict[str, int]] = {}
    for key, status, count in await rows(connection, _COUNTS):
        counts.setdefault(key, {})[status] = count
    return counts


def _row(
    one: Project, accounts: Sequence[MailAccount], counts: dict[str, dict[str, int]]
) -> ProjectRow:
    own = counts.get(one.key, {})
    watched = (
        account.address
        for account in accounts
        if account.project == one.key and account.purpose == "issues"
    )
    return ProjectRow(
        key=one.key,
        name=one.name,
        lead=one.lead,
        addresses=list(dict.fromkeys(filter(None, [one.address, *watched]))),
        issues=sum(own.values()),
        unresolved=sum(own.get(s.name, 0) for s in one.statuses if s.category != "done"),
    )


def _statuses(one: Project, counts: dict[str, int]) -> list[StatusRow]:
    return [
        StatusRow(
            name=status.name,
            category=status.category,
            needs_approval=status.needs_approval,
            approval_setup=status.approval_setup,
            approvers=status.approvers,
            approval_rule=status.approval_rule,
            next_statuses=[following.name for following in next_statuses(one, status.name)],
            issues=counts.get(status.name, 0),
        )
        for status in one.statuses
    ]


def _roles(one: Project) -> list[RoleRow]:
    leads = list(dict.fromkeys(filter(None, [one.lead, *one.leads])))
    members = {role: getattr(one, field) for field, role in ROLE_FIELDS.items()}
    members[Role.LEAD] = leads
    return [RoleRow(role=role, members=names) for role, names in members.items() if names]
