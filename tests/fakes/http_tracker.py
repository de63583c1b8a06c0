"""A tracker over HTTP, as real ones will be: the client of `http_tracker_server`."""

from __future__ import annotations

from typing import Any

import httpx

from postrail.errors import PermanentError
from postrail.message_parts import Attachment
from postrail.tracker import (
    Capabilities,
    CapabilityMissing,
    CommentDraft,
    IssueDraft,
    IssueNotFound,
    TrackerUnavailable,
)


class HttpTracker:
    """The Tracker; each of its calls is one request."""

    def __init__(
        self,
        url: str,
        *,
        attachments: bool = True,
        max_text_characters: int | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        self.capabilities = Capabilities(
            attachments=attachments, max_text_characters=max_text_characters
        )
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout_seconds, trust_env=False)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def find_issue(self, marker: str) -> str | None:
        """Returns the key of the issue that was made with this marker."""
        found = await self._request("GET", "/issues", params={"marker": marker})
        return str(found[0]["number"]) if found else None

    async def find_comment(self, issue_key: str, marker: str) -> str | None:
        """Returns the id of the issue's comment that was made with this marker."""
        path = f"{_path(issue_key)}/comments"
        found = await self._request("GET", path, params={"marker": marker})
        return str(found[0]["id"]) if found else None

    async def create(self, draft: IssueDraft, marker: str) -> str:
        """Makes the issue and returns its number."""
        fields = {
            "project": draft.project,
            "summary": draft.summary,
            "description": draft.description,
            "reporter": draft.reporter_address,
            "marker": marker,
        }
        made = await self._request("POST", "/issues", json=fields)
        return str(made["number"])

    async def comment(self, draft: CommentDraft, marker: str) -> str:
        """Adds the comment and returns its id."""
        fields = {"body": draft.body, "author": draft.author_address, "marker": marker}
        path = f"{_path(draft.issue_key)}/comments"
        made = await self._request("POST", path, json=fields)
        return str(made["id"])

    async def attach(
        self, issue_key: str, comment_id: str | None, attachment: Attachment, content: bytes
    ) -> None:
        """Adds a file to an issue, or to one of its comments."""
        if not self.capabilities.attachments:
            raise CapabilityMissing("the tracker takes no attachments")
        params = {"name": attachment.name, **({"comment": comment_id} if comment_id else {})}
        path = f"{_path(issue_key)}/files"
        await self._request("POST", path, params=params, content=content)

    async def _request(self, method: str, path: str, **parts: Any) -> Any:
        try:
            response = await self._client.request(method, path, **parts)
        except httpx.TransportError as error:
            raise TrackerUnavailable(f"the tracker does not answer: {error!r}") from error
        _require_success(response)
        try:
            return response.json()
        except ValueError as error:
            # Often a proxy's page, which says nothing about the request.
            raise TrackerUnavailable("the tracker's answer is not JSON") from error


def _path(issue_key: str) -> str:
    """Returns the path of an issue; raises IssueNotFound for a key that is not a number."""
    if not (issue_key.isascii() and issue_key.isdecimal()):
        raise IssueNotFound(f"there is no issue {issue_key!r}: keys are numbers")
    return f"/issues/{issue_key}"


def _require_success(response: httpx.Response) -> None:
    if response.is_success:
        return
    problem = f"the tracker answered {response.status_code} {response.reason_phrase}"
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise TrackerUnavailable(problem)
    if response.status_code == httpx.codes.NOT_FOUND:
        raise IssueNotFound(problem)
    raise PermanentError(problem)
