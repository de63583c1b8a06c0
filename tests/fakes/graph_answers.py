"""Answers the requests to the fake of Microsoft Graph for which no fault is set."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from tests.fakes.graph_mailboxes import GraphFolder, GraphMail, GraphMailbox

# Message: PidTagMessageSize, MS-OXPROPS 2.796.
SIZE_PROPERTY = "Long 0x0E08"
DEFAULT_PAGE = 10
GREATEST_PAGE = 1000
WHEN = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Request:
    """A request to a mailbox; `path` is the part after /users/{id} or /me."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    prefer: dict[str, str]
    body: bytes
    # The address without the query.
    url: str

    @property
    def immutable(self) -> bool:
        return self.prefer.get("IdType", "").strip('"') == "ImmutableId"

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass(frozen=True)
class Answer:
    """An answer; the connection breaks off at byte `cut_at` of the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    # A gateway's, about which Graph's description says nothing.
    is_gateways: bool = False


def told(status: int, value: dict[str, Any]) -> Answer:
    """Returns an answer in JSON."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def refused(status: int, code: str, message: str, **headers: str) -> Answer:
    """Returns an error in Graph's form."""
    answer = told(status, {"error": {"code": code, "message": message}})
    return replace(answer, headers=answer.headers | headers)


NOT_FOUND = refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")


@dataclass(frozen=True)
class Round:
    """The state behind a delta or skip token: the rest of a round, or the start of the next."""

    folder: GraphFolder
    # The first request's parameters, which apply to all that follow.
    query: dict[str, str]
    immutable: bool
    since: int
    # Once the round has begun: the items left, and the change after which the next one begins.
    entries: Sequence[tuple[str, GraphMail | None]] | None = None
    until: int = 0


class Answers:
    """Answers for one mailbox."""

    _tokens: ClassVar[itertools.count[int]] = itertools.count(1)

    def __init__(self, mailbox: GraphMailbox) -> None:
        self.mailbox = mailbox
        self.rounds: dict[str, Round] = {}
        self.expired_code = "syncStateNotFound"
        # Makes the reported size from the message's bytes.
        self.size_factor = 1.0

    def answer(self, request: Request) -> Answer:
        """Calls the method that answers the request."""
        match request.method, request.path:
            case "GET", ("mailFolders",):
                return self._folders(request, self.mailbox.root)
            case "POST", ("mailFolders",):
                return self._make_folder(request, self.mailbox.root)
            case _, ("mailFolders", name, *rest):
                folder = self.mailbox.folder(name)
                return self._in_folder(request, folder, tuple(rest)) if folder else NOT_FOUND
            case _, ("messages", name, *rest):
                mail = self.mailbox.mail(name, immutable=request.immutable)
                return self._with_mail(request, mail, tuple(rest)) if mail else NOT_FOUND
        return refused(400, "BadRequest", "Resource not found for the segment.")

    def _in_folder(self, request: Request, folder: GraphFolder, rest: tuple[str, ...]) -> Answer:
        handlers: dict[tuple[str, tuple[str, ...]], Callable[..., Answer]] = {
            ("GET", ()): lambda *_: told(200, self._folder_resource(folder)),
            ("GET", ("childFolders",)): self._folders,
            ("POST", ("childFolders",)): self._make_folder,
            ("GET", ("messages",)): self._list,
            ("GET", ("messages", "delta")): self._delta,
        }
        return handlers[request.method, rest](request, folder)

    def _with_mail(self, request: Request, mail: GraphMail, rest: tuple[str, ...]) -> Answer:
        resource = functools.partial(self._resource, mail, request.query, request.immutable)
        match request.method, rest:
            case "GET", ():
                return told(200, resource())
            case "GET", ("$value",):
                return Answer(200, mail.content, {"Content-Type": "text/plain"})
            case "PATCH", ():
                self.mailbox.mark(mail, is_read=request.json["isRead"])
                return told(200, resource())
            case "DELETE", ():
                self.mailbox.delete(mail)
                return Answer(204)
            case "POST", ("move",):
                target = self.mailbox.folder(request.json["DestinationId"])
                if target is None:
                    return NOT_FOUND
                self.mailbox.move(mail, target)
                return told(201, resource())
        return refused(405, "BadRequest", "The method is not allowed.")

    def _folders(self, request: Request, parent: GraphFolder) -> Answer:
        found = [self._folder_resource(folder) for folder in self.mailbox.children(parent)]
        return self._page(request, found)

    def _make_folder(self, request: Request, parent: GraphFolder) -> Answer:
        name = request.json["displayName"]
        if any(folder.name == name for folder in self.mailbox.children(parent)):
            return refused(409, "ErrorFolderExists", "A folder with that name exists already.")
        return told(201, self._folder_resource(self.mailbox.add_folder(name, parent)))

    def _list(self, request: Request, folder: GraphFolder) -> Answer:
        mails = [mail for mail in self.mailbox.mails_in(folder) if _wanted(mail, request.query)]
        descending = request.query.get("$orderby", "receivedDateTime desc").endswith("desc")
        mails.sort(key=lambda mail: mail.received_at, reverse=descending)
        return self._page(
            request, [self._resource(mail, request.query, request.immutable) for mail in mails]
        )

    def _page(self, request: Request, items: Sequence[dict[str, Any]]) -> Answer:
        first = int(request.query.get("$skip", 0))
        size = min(int(request.query.get("$top", DEFAULT_PAGE)), GREATEST_PAGE)
        value: dict[str, Any] = {"value": items[first : first + size]}
        if first + size < len(items):
            query = request.query | {"$skip": str(first + size)}
            value["@odata.nextLink"] = f"{request.url}?{urlencode(query)}"
        return told(200, value)

    def _delta(self, request: Request, folder: GraphFolder) -> Answer:
        token = request.query.get("$deltatoken") or request.query.get("$skiptoken")
        if token is None:
            here = [mail for mail in self.mailbox.mails_in(folder) if _wanted(mail, request.query)]
            entries = [(mail.id(immutable=request.immutable), mail) for mail in here]
            now = len(folder.changes)
            current = Round(folder, request.query, request.immutable, 0, entries, now)
        elif token not in self.rounds:
            return refused(410, self.expired_code, "The sync state generation is not found.")
        else:
            current = self.rounds[token]
        return self._delta_page(request, current)

    def _delta_page(self, request: Request, current: Round) -> Answer:
        current = current if current.entries is not None else self._begun(current)
        entries = current.entries or ()
        size = int(request.prefer.get("odata.maxpagesize", DEFAULT_PAGE))
        value: dict[str, Any] = {
            "value": [
                self._resource(mail, current.query, current.immutable)
                if mail
                else {"id": name, "@removed": {"reason": "deleted"}}
                for name, mail in entries[:size]
            ]
        }
        if rest := entries[size:]:
            following = replace(current, entries=rest)
            value["@odata.nextLink"] = self._link(request, "$skiptoken", following)
        else:
            following = replace(current, entries=None, since=current.until)
            value["@odata.deltaLink"] = self._link(request, "$deltatoken", following)
        return told(200, value)

    def _begun(self, current: Round) -> Round:
        changes = self.mailbox.changes_since(
            current.folder, current.since, immutable=current.immutable
        )
        entries = [
            (name, mail) for name, mail in changes if not mail or _wanted(mail, current.query)
        ]
        return replace(current, entries=entries, until=len(current.folder.changes))

    def _link(self, request: Request, name: str, following: Round) -> str:
        token = f"token-{next(self._tokens)}"
        self.rounds[token] = following
        return f"{request.url}?{urlencode({name: token})}"

    def _folder_resource(self, folder: GraphFolder) -> dict[str, Any]:
        assert folder.parent is not None
        mails = self.mailbox.mails_in(folder)
        return {
            "id": folder.id,
            "displayName": folder.name,
            "parentFolderId": folder.parent.id,
            "totalItemCount": len(mails),
            "unreadItemCount": sum(not mail.is_read for mail in mails),
        }

    def _resource(self, mail: GraphMail, query: dict[str, str], immutable: bool) -> dict[str, Any]:
        whole: dict[str, Any] = {
            "receivedDateTime": mail.received_at.strftime(WHEN),
            "isRead": mail.is_read,
            "parentFolderId": mail.folder.id,
            "isDraft": mail.is_draft,
            "subject": "Printer",
            "from": {"emailAddress": {"name": "Ada", "address": "ada@example.net"}},
            "internetMessageId": mail.message_id,
            "toRecipients": [{"emailAddress": {"address": one}} for one in mail.to],
        }
        chosen = query.get("$select", ",".join(whole)).split(",")
        made = {name: value for name, value in whole.items() if name in chosen}
        if SIZE_PROPERTY in query.get("$expand", ""):
            size = str(round(len(mail.content) * self.size_factor))
            made["singleValueExtendedProperties"] = [{"id": "Long 0xe08", "value": size}]
        return made | {"id": mail.id(immutable=immutable), "@odata.etag": 'W/"CQAAABYAAA"'}


def _wanted(mail: GraphMail, query: dict[str, str]) -> bool:
    """Parses the only filter that delta allows, and the one that finds a message by its id."""
    if "$filter" not in query:
        return True
    name, comparison, value = query["$filter"].split(" ")
    if (name, comparison) == ("internetMessageId", "eq"):
        return mail.message_id == value.strip("'")
    assert (name, comparison) == ("receivedDateTime", "ge")
    return mail.received_at >= datetime.strptime(value, WHEN).replace(tzinfo=UTC)
