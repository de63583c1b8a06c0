"""An account of Microsoft Graph is tested, and its dialogue shown; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from postrail.mailbox.trial import try_account
from postrail.wire.timed_steps import Step
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_scene import ADDRESS, GraphScene
from tests.servers.certificates import Certificates

MAIL = b"Subject: Confidential\r\n\r\nThe code is 1234.\r\n"


@pytest.fixture
def scene(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphScene]:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    with FakeGraph(certificates) as graph:
        found = GraphScene(graph, certificates)
        yield found
        found.close()


def tried(scene: GraphScene, **changes: Any) -> dict[str, Step]:
    account = scene.account.model_copy(update=changes)
    return {step.name: step for step in try_account(account, lambda: scene.token)}


def test_all_steps_succeed_and_change_nothing(scene: GraphScene) -> None:
    for _ in range(3):
        scene.server.deliver(MAIL)
    steps = tried(scene, after_download="move", move_to="Done")
    assert all(step.ok for step in steps.values()), steps
    assert list(steps) == [
        *("name resolution", "connection", "TLS", "login", "folder", "messages"),
        *("to be fetched", "new mail", "after download"),
    ]
    assert "certificate for localhost" in steps["TLS"].detail
    assert steps["login"].detail == f"a token for {ADDRESS}"
    assert steps["messages"].detail == "3 messages, 3 of them unread"
    assert "created with the first one" in steps["after download"].detail
    assert all(request.startswith("GET ") for request in scene.graph.requests)
    assert scene.graph.asked("$value") == 0


def test_behind_a_proxy_the_connection_is_not_checked(
    scene: GraphScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://localhost:1")
    monkeypatch.setenv("no_proxy", "")
    steps = tried(scene)
    assert list(steps) == ["login", "folder"]
    assert not steps["folder"].ok
    assert "HTTPS_PROXY" in steps["folder"].remedy


# What is wrong, the step that fails, and its words.
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"host": "graph.invalid"}, "name resolution", "is unknown"),
    ({"ca_file": ""}, "TLS", "not trusted"),
    ({"folder": "Suport"}, "folder", "no folder 'Suport'"),
    ({"username": "nobody@example.org"}, "folder", "does not know the mailbox nobody@example.org"),
]


@pytest.mark.parametrize(("changes", "name", "words"), WRONG)
def test_the_first_failure_ends_it_with_a_remedy(
    scene: GraphScene, changes: dict[str, Any], name: str, words: str
) -> None:
    steps = tried(scene, **changes)
    (*_, last) = steps.values()
    assert (last.name, last.ok) == (name, False)
    assert words in last.detail
    assert last.remedy
    assert last.setting.startswith("mail account support: ")


def test_the_dialogue_shows_requests_without_tokens_and_bodies(scene: GraphScene) -> None:
    scene.server.deliver(MAIL)
    with capture_logs() as logs:
        mailbox = scene.opened(debug=True)
        (listed,) = mailbox.list_after(0)
        mailbox.read([listed.uid])
        mailbox.finish([listed.uid])
        mailbox.list_after(listed.uid)
    lines = [
        str(line.get("sent") or line.get("received"))
        for line in logs
        if "dialogue" in line["event"]
    ]
    assert any(line.startswith("GET https://localhost") and "$value" in line for line in lines)
    assert f"200 {{{len(MAIL)} bytes}}" in lines
    assert any(line.startswith("PATCH ") and "{15 bytes}" in line for line in lines)
    everything = "\n".join(lines)
    assert scene.tokens[-1] not in everything
    assert "1234" not in everything
    assert "deltatoken=token" not in everything
    assert "deltatoken=***" in everything
