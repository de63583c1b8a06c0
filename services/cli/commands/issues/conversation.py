"""Writes an issue's comments, files and changes in the order of time, as a conversation."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.rule import Rule
from rich.text import Text

from postrail.notifications.events import accepting
from postrail.views.history import HistoryRow
from postrail.views.issue_detail import (
    AttachmentRow,
    CommentEditRow,
    CommentRow,
    IssueDetail,
)
from postrail.workflow.rights import Act
from services.cli.commands.issues.values import shown_field, shown_value
from services.cli.output import SHORT_ID, console, moment, show_body, show_texts
from services.cli.visible import clean

# The places of pictures in a plain text: [cid:…] by Outlook, [image: name] by Gmail.
PICTURE = re.compile(r"\[(?:cid:(?P<content_id>[^\]\s]{1,250})|image: ?(?P<name>[^\]\n]{1,250}))\]")
OUTSIDE = "(The author takes no part in this issue. Accept the comment with: {command})"
LATE = "(It arrived then, and was added {when}: its message was held, or had failed, until then.)"
# The comments stand in the conversation themselves.
SHOWN_ELSEWHERE = {"comment"}


def print_conversation(found: IssueDetail, *, full: bool) -> None:
    """Prints the description, and then comments and changes from the oldest to the newest."""
    files = [one for one in found.attachments if one.comment_id is None]
    follows = bool(found.description or files)
    if follows:
        _print_text(found.description, files)
    for part in in_order_of_time(found):
        if isinstance(part, CommentRow):
            if follows:
                console().print()
            _print_comment(found, part, full)
        else:
            _print_changes(part)
        follows = True


def in_order_of_time(found: IssueDetail) -> list[CommentRow | list[HistoryRow]]:
    """Returns the comments, and together the changes of each act, except the first values.

    Of these, the reporter is left in when another person opened the issue. That the author of a
    comment watches the issue from then on goes without saying.
    """
    shown = [
        one
        for one in found.changes
        if one.field not in SHOWN_ELSEWHERE
        and (one.act != Act.CREATE or _for_another(one))
        and not _by_commenting(one)
    ]
    acts = [list(group) for _, group in itertools.groupby(shown, key=lambda one: one.act_id)]
    # Acts stay in the order in which they held the issue, even where their times run backwards.
    times = itertools.accumulate((act[0].changed_at for act in acts), max)
    parts: list[tuple[datetime, CommentRow | list[HistoryRow]]] = [
        *((one.created_at, one) for one in found.comments),
        *zip(times, acts, strict=True),
    ]
    return [part for _, part in sorted(parts, key=lambda one: one[0])]


def _by_commenting(one: HistoryRow) -> bool:
    by_comment = one.act in (Act.COMMENT, Act.COMMENT_INTERNALLY)
    return by_comment and one.field == "watcher" and one.after == one.actor_address


def _for_another(one: HistoryRow) -> bool:
    return one.field == "reporter" and one.after != one.actor_address


def _print_comment(found: IssueDetail, row: CommentRow, full: bool) -> None:
    author = f"{row.author_name} <{row.author_address}>".strip()
    kind = "internal comment" if row.internal else "comment"
    title = f"{kind} {row.comment_id}, {author}, {moment(row.created_at)}"
    if row.mail_id:
        title += f", mail {row.mail_id[:SHORT_ID]}"
    edits = [one for one in found.edits if one.comment_id == row.comment_id]
    if edits:
        title += f", edited {moment(row.edited_at)} by {_who(edits[-1])}"
    out = console()
    out.print(Rule(Text(clean(title)), align="left"))
    if row.added_late_at:
        out.print(Text(LATE.format(when=moment(row.added_late_at))), style="yellow")
    if row.outsider and row.accepted_at is None:
        command = accepting(found.issue.key, row.comment_id)
        out.print(Text(OUTSIDE.format(command=command)), style="yellow")
    files = [one for one in found.attachments if one.comment_id == row.comment_id]
    _print_text(row.body, files)
    _print_folded(row, full)
    if full:
        show_texts([(f"Before the edit of {moment(one.edited_at)}", one.body) for one in edits])


def _print_folded(row: CommentRow, full: bool) -> None:
    """Prints the quoted text and the signature of a comment, or a hint that they are hidden."""
    if full:
        show_texts([("Quoted", row.quoted_text), ("Signature", row.signature)])
    elif row.quoted_text or row.signature:
        what = "quoted text" if row.quoted_text else "signature"
        console().print(f"({what} hidden: --full shows it)", style="dim")


def _print_text(text: str, files: Sequence[AttachmentRow]) -> None:
    """Prints a text with its pictures named in their places, and its other files below it."""
    text, rest = with_pictures(text, files)
    show_body(text)
    for one in rest:
        console().print(Text(f"[attached: {clean(described(one))}]"))


def with_pictures(text: str, files: Sequence[AttachmentRow]) -> tuple[str, list[AttachmentRow]]:
    """Returns the text with files described where it shows them, and the files that it does not."""
    placed: list[AttachmentRow] = []

    def place(found: re.Match[str]) -> str:
        one = _shown_by(found, files)
        # Once only: a hostile text would grow without end.
        if one is None or one in placed:
            return found[0]
        placed.append(one)
        return f"[image: {described(one)}]"

    text = PICTURE.sub(place, text)
    return text, [one for one in files if one not in placed]


def _shown_by(found: re.Match[str], files: Iterable[AttachmentRow]) -> AttachmentRow | None:
    if found["content_id"]:
        return next((one for one in files if one.content_id == found["content_id"]), None)
    names = {found["name"], found["name"].strip()}
    return next((one for one in files if {one.name, one.original_name} & names), None)


def described(one: AttachmentRow) -> str:
    """Returns what a person wants to know of a file, on one line."""
    name = one.name
    if one.original_name:
        name += f" (sent as {one.original_name!r})"
    return f"{name}, {one.content_type}, {one.size} bytes"


def _print_changes(changes: Sequence[HistoryRow]) -> None:
    first = changes[0]
    by_mail = " by mail" if first.channel == "mail" else ""
    what = "; ".join(_change(one) for one in changes)
    line = f"· {moment(first.changed_at)}  {_who(first)}{by_mail}: {what}"
    console().print(Text(clean(line), style="dim"))


def _who(row: HistoryRow | CommentEditRow) -> str:
    if isinstance(row, HistoryRow):
        name, address = row.actor_name, row.actor_address
    else:
        name, address = row.editor_name, row.editor_address
    # Without an address it is the operator, whose name is that of the login.
    return name or address or "the operator"


def _change(one: HistoryRow) -> str:
    name = shown_field(one.field)
    if one.act == Act.CREATE:
        return f"opened for {shown_value(one.after)}"
    if one.before in (None, "", []):
        return f"{name}: {shown_value(one.after)}"
    if one.after in (None, "", []):
        return f"{name}: {shown_value(one.before)} removed"
    return f"{name}: {shown_value(one.before)} → {shown_value(one.after)}"
