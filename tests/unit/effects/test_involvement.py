"""The people and the address that a message brings to its issue."""

from __future__ import annotations

from typing import Any

import pytest

from postrail.decision.decision import Brings
from postrail.effects.involvement import involvement
from postrail.message_parts import Address
from postrail.tracker.issues import Watcher
from tests.makers.configuration import snapshot
from tests.makers.records import mail_parsed

SNAPSHOT = snapshot()
ADA = Watcher(address="ada@example.org", name="Ada")


@pytest.mark.parametrize(
    ("changes", "muted", "watcher"),
    [
        ({}, False, ADA),
        # automatic mail
        ({}, True, None),
        ({"sender": Address(name="Ada", address="Ada@Example.org")}, False, ADA),
        # one of our own addresses, watched or sending
        ({"sender": Address(name="", address="Info@example.com")}, False, None),
        ({"sender": Address(name="", address="desk@example.com")}, False, None),
        ({"sender": None}, False, None),
    ],
)
def test_only_a_person_watches(
    changes: dict[str, Any], muted: bool, watcher: Watcher | None
) -> None:
    found = involvement(mail_parsed(**changes), 1, SNAPSHOT, muted=muted)
    assert found.watchers == ((watcher,) if watcher else ())
    assert found.arrived_at == "support@example.com"


def test_everyone_addressed_takes_part_once_and_our_own_addresses_do_not() -> None:
    mail = mail_parsed(
        to=[Address(name="", address="support@example.com"), Address(name="", address="B@x.org")],
        cc=[Address(name="", address="b@x.org"), Address(name="", address="c@x.org")],
    )
    found = involvement(mail, 1, SNAPSHOT, muted=True)
    assert found.participants == ("ada@example.org", "b@x.org", "c@x.org")


@pytest.mark.parametrize(
    ("brings", "watchers", "participants"),
    [
        (Brings.ALL, (ADA,), ("ada@example.org", "c@x.org")),
        (Brings.AUTHOR, (ADA,), ("ada@example.org",)),
        (Brings.NOBODY, (), ()),
    ],
)
def test_a_message_brings_whom_the_decision_says(
    brings: Brings, watchers: tuple[Watcher, ...], participants: tuple[str, ...]
) -> None:
    mail = mail_parsed(cc=[Address(name="", address="c@x.org")])
    found = involvement(mail, 1, SNAPSHOT, muted=False, brings=brings)
    assert (found.watchers, found.participants) == (watchers, participants)
    assert found.arrived_at == "support@example.com"
