"""Checks what the approval actions of handlers name: setups, statuses, leads, hosts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postrail.configuration.approvals.action import LEAD, ApprovalAction
from postrail.configuration.approvals.setup import ApprovalSetup
from postrail.configuration.configured import folded
from postrail.configuration.entry import unknown_name
from postrail.configuration.models.project import Project


def faults_of_setup(action: ApprovalAction, setups: Mapping[str, ApprovalSetup]) -> Iterator[str]:
    """Yields that the setup does not exist, or does not allow the callback address."""
    setup = setups.get(action.setup)
    if setup is None:
        yield f"approval: {unknown_name('approval setup', action.setup, setups)}"
        return
    host = action.callback_host
    if action.callback_url.startswith("http:") and host not in setup.callback_hosts:
        yield (
            f"approval: callback_url must begin with https://; or name {host} in the callback_hosts"
            f" of approval setup {setup.name!r}"
        )


def faults_in_project(action: ApprovalAction, project: Project) -> Iterator[str]:
    """Yields the statuses that the project does not have, and that it has no lead who is asked."""
    names = [one.name for one in project.statuses]
    for field in ("approved_status", "rejected_status"):
        wanted = getattr(action, field)
        if wanted and folded(wanted) not in map(folded, names):
            yield (
                f"approval: {field}: project {project.key} has no status {wanted!r}; it has:"
                f" {', '.join(names)}"
            )
    if LEAD in (*action.approvers, *action.escalate_to) and not project.lead:
        yield f"approval: project {project.key} has no {LEAD} to ask; name somebody else"
