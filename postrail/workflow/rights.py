"""The one table of acts on issues: which role may do what by mail, by command and by page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from postrail.errors import PermanentError
from postrail.workflow.roles import Role

# How an act reaches us.
Channel = Literal["mail", "command", "page"]


class NotAllowed(PermanentError):
    """The person's role in the project does not allow the act."""


class Act(StrEnum):
    """An act on an issue; history rows and records hold these spellings."""

    CREATE = "create"
    COMMENT = "comment"
    COMMENT_INTERNALLY = "comment internally"
    EDIT_COMMENT = "edit comment"
    ACCEPT = "accept"
    EDIT = "edit"
    ASSIGN = "assign"
    TRANSITION = "transition"
    APPROVE = "approve"
    ATTACH = "attach"
    MAIL = "mail"
    LINK = "link"
    WATCH = "watch"
    ADD_WATCHER = "add watcher"
    MENTION = "mention"
    MOVE = "move"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class Right:
    """The least role for an act by channel; None: not in this way."""

    mail: Role | None
    command: Role
    page: Role

    def least(self, channel: Channel) -> Role | None:
        """Returns the least role for the act in this way."""
        return {"mail": self.mail, "command": self.command, "page": self.page}[channel]


OUTSIDER, AGENT, LEAD = Role.OUTSIDER, Role.AGENT, Role.LEAD
RIGHTS: dict[Act, Right] = {
    Act.CREATE: Right(OUTSIDER, OUTSIDER, OUTSIDER),
    Act.COMMENT: Right(OUTSIDER, OUTSIDER, OUTSIDER),
    Act.COMMENT_INTERNALLY: Right(AGENT, AGENT, AGENT),
    Act.EDIT_COMMENT: Right(None, AGENT, AGENT),
    Act.ACCEPT: Right(None, AGENT, AGENT),
    Act.EDIT: Right(AGENT, AGENT, AGENT),
    Act.ASSIGN: Right(AGENT, AGENT, AGENT),
    Act.TRANSITION: Right(AGENT, AGENT, AGENT),
    Act.APPROVE: Right(None, LEAD, LEAD),
    Act.ATTACH: Right(OUTSIDER, OUTSIDER, OUTSIDER),
    Act.MAIL: Right(None, AGENT, AGENT),
    Act.LINK: Right(None, AGENT, AGENT),
    Act.WATCH: Right(OUTSIDER, OUTSIDER, OUTSIDER),
    Act.ADD_WATCHER: Right(None, AGENT, AGENT),
    Act.MENTION: Right(AGENT, AGENT, AGENT),
    Act.MOVE: Right(None, AGENT, AGENT),
    Act.MERGE: Right(None, AGENT, AGENT),
}


def may(role: Role, act: Act, channel: Channel) -> bool:
    """Returns whether the role allows the act in this way."""
    least = RIGHTS[act].least(channel)
    return least is not None and role.rank >= least.rank


def require(role: Role, act: Act, channel: Channel, *, who: str, project: str) -> None:
    """Raises NotAllowed, with the role that it takes, unless the role allows the act."""
    if may(role, act, channel):
        return
    least = RIGHTS[act].least(channel)
    problem = f"{who} is {role} in project {project}, and may not {act} by {channel}"
    if least is None:
        raise NotAllowed(problem, remedy="Nobody may: use a command or a page")
    raise NotAllowed(
        problem, remedy=f"{least} is the least role that may; roles are settings of the project"
    )
