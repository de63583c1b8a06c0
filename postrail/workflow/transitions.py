"""The way of an issue through the statuses of its project. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postrail.configuration.models.project import Project, Status
from postrail.errors import PermanentError
from postrail.workflow.rights import Act
from postrail.workflow.values import InvalidValue, listed, name_among, same

DEFAULT_RESOLUTION = "Done"


class TransitionNotAllowed(PermanentError):
    """The project does not let this status follow the issue's present one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far an issue is; resolution and time are set exactly in a status of the category done."""

    status: str
    resolution: str | None = None
    resolved_at: datetime | None = None


def status_named(project: Project, name: str) -> Status:
    """Returns the project's status with this name, whatever its case; raises InvalidValue."""
    statuses = {status.name: status for status in project.statuses}
    return statuses[name_among(f"project {project.key} has no status", name, statuses)]


def next_statuses(project: Project, current: str) -> list[Status]:
    """Returns the statuses that may follow the current one, in the project's order."""
    following = status_named(project, current).next_statuses
    others = [status for status in project.statuses if status.name != current]
    if following is None:
        return others
    return [one for one in others if any(same(one.name, name) for name in following)]


def act_of(status: Status) -> Act:
    """Returns the act whose right it takes to move an issue to the status."""
    return Act.APPROVE if status.needs_approval else Act.TRANSITION


def transition(
    project: Project, before: Progress, wanted: str, *, resolution: str = "", now: datetime
) -> Progress:
    """Returns the progress of an issue that is moved to the wanted status.

    `resolution` is for statuses of the category done; the present status may be given to change the
    resolution alone. Raises InvalidValue for an unknown status or a resolution that does not fit,
    and TransitionNotAllowed with the statuses that may follow.
    """
    status = status_named(project, wanted)
    if resolution and status.category != "done":
        done = [one.name for one in project.statuses if one.category == "done"]
        raise InvalidValue(
            f"{status.name!r} takes no resolution, because its category is {status.category}",
            remedy=f"Give it with one of: {listed(done)}",
        )
    following = next_statuses(project, before.status)
    if status.name != before.status and status not in following:
        names = listed(one.name for one in following)
        raise TransitionNotAllowed(
            f"{status.name!r} may not follow {before.status!r} in project {project.key}",
            remedy=f"Use one of: {names}" if names else f"No status may follow {before.status!r}",
        )
    return _arrived(status, before, resolution, now)


def progress_in(
    target: Project, source: Project, before: Progress, *, now: datetime, wanted: str = ""
) -> Progress:
    """Returns the progress of an issue that comes from another project.

    It keeps a status of the same name, and otherwise takes the first one of the same category, or
    else the status of new issues; `wanted` names another one. Raises InvalidValue for an unknown
    name.
    """
    if wanted:
        return _arrived(status_named(target, wanted), before, "", now)
    category = status_named(source, before.status).category
    named = [one for one in target.statuses if same(one.name, before.status)]
    similar = [one for one in target.statuses if one.category == category]
    return _arrived([*named, *similar, target.statuses[0]][0], before, "", now)


def _arrived(status: Status, before: Progress, resolution: str, now: datetime) -> Progress:
    """Returns the progress in the status; an issue that was done before keeps its resolution."""
    if status.category != "done":
        return Progress(status=status.name)
    return Progress(
        status=status.name,
        resolution=resolution or before.resolution or DEFAULT_RESOLUTION,
        resolved_at=before.resolved_at or now,
    )
