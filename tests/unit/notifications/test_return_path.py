"""A return path names its delivery, and survives what servers do to it."""

from __future__ import annotations

import uuid

import pytest

from postrail.configuration.connections.checks import BOUNCE_LOCAL_CHARACTERS
from postrail.notifications.issue_token import token_for
from postrail.notifications.mime.message_ids import is_form_of_ours, message_id_for
from postrail.notifications.return_path import return_path, returned_to

OURS = "bounces@desk.example"
ID = message_id_for(b"key", str(uuid.uuid5(uuid.NAMESPACE_DNS, "a")), "desk.example")
OF_ISSUE = message_id_for(
    b"key",
    str(uuid.uuid5(uuid.NAMESPACE_DNS, "b")),
    "desk.example",
    token_for(b"key", 12, "conversation", internal=True),
)


@pytest.mark.parametrize("message_id", [ID, OF_ISSUE])
def test_a_return_path_names_its_message(message_id: str) -> None:
    path = return_path(OURS, message_id)
    local, _, domain = path.partition("@")
    assert (local.partition("+")[0], domain) == ("bounces", "desk.example")
    for changed in (path, path.upper(), f" {path} "):
        (beginning,) = returned_to([changed], [OURS])
        assert message_id.startswith(beginning)
        assert message_id[len(beginning)] in ".@"
    assert is_form_of_ours(message_id)


def test_each_message_has_its_own() -> None:
    assert return_path(OURS, ID) != return_path(OURS, OF_ISSUE)
    assert len(returned_to([return_path(OURS, ID), return_path(OURS, OF_ISSUE)], [OURS])) == 2


@pytest.mark.parametrize(
    "address",
    [
        OURS,
        "bounces+x@desk.example",
        return_path("others@desk.example", ID),
        return_path("bounces@other.example", ID),
        return_path(OURS, ID).replace("+", "-"),
        "",
    ],
)
def test_other_addresses_name_nothing(address: str) -> None:
    assert returned_to([address], [OURS]) == []


def test_a_message_of_an_early_release_goes_back_to_the_address_itself() -> None:
    assert return_path(OURS, "<3f2b6a0e@desk.example>") == OURS


def test_the_longest_address_that_may_be_configured_fits() -> None:
    longest = "b" * BOUNCE_LOCAL_CHARACTERS + "@desk.example"
    assert len(return_path(longest, ID).partition("@")[0]) == 64
