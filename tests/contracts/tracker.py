"""The promises that every Tracker keeps: a test class to inherit, with a fixture `scene`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from postrail.errors import PermanentError
from postrail.tracker import CapabilityMissing, IssueNotFound, Tracker, TrackerUnavailable
from tests.makers.drafts import attachment, comment_draft, issue_draft

# Where a tracker declares no limit.
LARGE_TEXT_CHARACTERS = 1_000_000
UNICODE = "Grüße, 漢字, שלום, 👩🏽‍🚒 e\u0301 <b>&amp;</b> \"'\\ %s {0}\n\tsecond line"


@dataclass(frozen=True)
class StoredIssue:
    """An issue as the tracker's server holds it."""

    key: str
    summary: str
    description: str


@dataclass(frozen=True)
class StoredFile:
    """A file as the tracker's server holds it."""

    comment_id: str | None
    name: str
    content: bytes


class TrackerScene(Protocol):
    """A tracker with the project HELP, and access to the server behind it."""

    @property
    def tracker(self) -> Tracker:
        """Returns the tracker under test."""

    async def issues(self) -> list[StoredIssue]:
        """Returns all issues, the oldest first."""

    async def comments(self, issue_key: str) -> list[tuple[str, str]]:
        """Returns the ids and bodies of the issue's comments, the oldest first."""

    async def files(self, issue_key: str) -> list[StoredFile]:
        """Returns the files of the issue and of its comments, the oldest first."""

    def lose_next_answer(self) -> None:
        """Makes the server do the next call's work and cut the connection before it answers."""

    def stop(self) -> None:
        """Makes the server unreachable until the end of the test."""


def text_of_greatest_size(tracker: Tracker) -> str:
    """Returns a text of the greatest length that the tracker keeps whole."""
    size = tracker.capabilities.max_text_characters or LARGE_TEXT_CHARACTERS
    return ("0123456789abcdeß" * (size // 16 + 1))[:size]


class TrackerContract:
    """The tests."""

    async def test_an_issue_gets_a_key_and_is_found_by_its_marker(
        self, scene: TrackerScene
    ) -> None:
        key = await scene.tracker.create(issue_draft(), "mail-1")
        assert await scene.issues() == [StoredIssue(key, "Printer on fire", "It burns.")]
        assert await scene.tracker.find_issue("mail-1") == key
        assert await scene.tracker.find_issue("mail-2") is None

    async def test_issues_have_keys_and_markers_of_their_own(self, scene: TrackerScene) -> None:
        keys = [await scene.tracker.create(issue_draft(), f"mail-{n}") for n in range(3)]
        assert len(set(keys)) == 3
        assert [await scene.tracker.find_issue(f"mail-{n}") for n in range(3)] == keys

    async def test_an_issue_whose_answer_is_lost_is_found_and_not_made_twice(
        self, scene: TrackerScene
    ) -> None:
        scene.lose_next_answer()
        with pytest.raises(TrackerUnavailable):
            await scene.tracker.create(issue_draft(), "mail-1")
        (stored,) = await scene.issues()
        # The caller looks before it repeats a call, and then has no reason to repeat it.
        assert await scene.tracker.find_issue("mail-1") == stored.key

    async def test_an_unknown_project_is_refused_for_good(self, scene: TrackerScene) -> None:
        with pytest.raises(PermanentError):
            await scene.tracker.create(issue_draft(project="NONE"), "mail-1")
        assert await scene.issues() == []
        assert await scene.tracker.find_issue("mail-1") is None

    async def test_comments_are_kept_in_order_and_found_by_their_markers(
        self, scene: TrackerScene
    ) -> None:
        key = await scene.tracker.create(issue_draft(), "mail-0")
        ids = [
            await scene.tracker.comment(comment_draft(key, body=f"Comment {n}"), f"mail-{n}")
            for n in (1, 2)
        ]
        assert await scene.comments(key) == [(ids[0], "Comment 1"), (ids[1], "Comment 2")]
        assert await scene.tracker.find_comment(key, "mail-2") == ids[1]
        assert await scene.tracker.find_comment(key, "mail-3") is None

    async def test_a_comment_is_found_on_its_own_issue_only(self, scene: TrackerScene) -> None:
        first, second = [await scene.tracker.create(issue_draft(), f"mail-{n}") for n in (1, 2)]
        await scene.tracker.comment(comment_draft(first), "mail-3")
        assert await scene.tracker.find_comment(second, "mail-3") is None

    async def test_a_comment_whose_answer_is_lost_is_found_and_not_made_twice(
        self, scene: TrackerScene
    ) -> None:
        key = await scene.tracker.create(issue_draft(), "mail-1")
        scene.lose_next_answer()
        with pytest.raises(TrackerUnavailable):
            await scene.tracker.comment(comment_draft(key), "mail-2")
        ((comment_id, _),) = await scene.comments(key)
        assert await scene.tracker.find_comment(key, "mail-2") == comment_id

    async def test_files_arrive_with_names_and_bytes_where_attachments_are_declared(
        self, scene: TrackerScene
    ) -> None:
        tracker = scene.tracker
        key = await tracker.create(issue_draft(), "mail-1")
        comment_id = await tracker.comment(comment_draft(key), "mail-2")
        files = [
            StoredFile(None, "Brände 火.bin", bytes(range(256))),
            StoredFile(comment_id, "empty & odd?#%.txt", b""),
            StoredFile(comment_id, "large", b"\xff\x00" * 500_000),
        ]
        for file in files:
            described = attachment(file.name, file.content)
            if tracker.capabilities.attachments:
                await tracker.attach(key, file.comment_id, described, file.content)
            else:
                with pytest.raises(CapabilityMissing):
                    await tracker.attach(key, file.comment_id, described, file.content)
        assert await scene.files(key) == (files if tracker.capabilities.attachments else [])

    async def test_unicode_is_kept(self, scene: TrackerScene) -> None:
        draft = issue_draft(summary="Grüße 火 👩🏽‍🚒", description=UNICODE)
        key = await scene.tracker.create(draft, "mail-1")
        await scene.tracker.comment(comment_draft(key, body=UNICODE), "mail-2")
        assert await scene.issues() == [StoredIssue(key, draft.summary, UNICODE)]
        assert [body for _, body in await scene.comments(key)] == [UNICODE]

    async def test_texts_of_the_declared_size_are_kept_whole(self, scene: TrackerScene) -> None:
        text = text_of_greatest_size(scene.tracker)
        key = await scene.tracker.create(issue_draft(description=text), "mail-1")
        await scene.tracker.comment(comment_draft(key, body=text), "mail-2")
        assert (await scene.issues())[0].description == text
        assert [body for _, body in await scene.comments(key)] == [text]

    async def test_a_longer_text_is_refused_and_not_cut(self, scene: TrackerScene) -> None:
        text = text_of_greatest_size(scene.tracker) + "!"
        key = await scene.tracker.create(issue_draft(), "mail-1")
        if scene.tracker.capabilities.max_text_characters is None:
            await scene.tracker.comment(comment_draft(key, body=text), "mail-2")
        else:
            with pytest.raises(PermanentError):
                await scene.tracker.comment(comment_draft(key, body=text), "mail-2")
        assert all(body == text for _, body in await scene.comments(key))

    @pytest.mark.parametrize("key", ["HELP-999", "999", "", "no such key"])
    async def test_an_unknown_key_is_a_permanent_error(self, scene: TrackerScene, key: str) -> None:
        with pytest.raises(IssueNotFound):
            await scene.tracker.comment(comment_draft(key), "mail-1")
        refusal = IssueNotFound if scene.tracker.capabilities.attachments else CapabilityMissing
        with pytest.raises(refusal):
            await scene.tracker.attach(key, None, attachment("a", b"a"), b"a")

    async def test_a_server_that_cannot_be_reached_is_unavailable(
        self, scene: TrackerScene
    ) -> None:
        key = await scene.tracker.create(issue_draft(), "mail-1")
        scene.stop()
        tracker = scene.tracker
        with pytest.raises(TrackerUnavailable):
            await tracker.find_issue("mail-1")
        with pytest.raises(TrackerUnavailable):
            await tracker.find_comment(key, "mail-1")
        with pytest.raises(TrackerUnavailable):
            await tracker.create(issue_draft(), "mail-2")
        with pytest.raises(TrackerUnavailable):
            await tracker.comment(comment_draft(key), "mail-3")
        if tracker.capabilities.attachments:
            with pytest.raises(TrackerUnavailable):
                await tracker.attach(key, None, attachment("a", b"a"), b"a")
