"""Mail ids: always the same for one message, different for two messages."""

from __future__ import annotations

from dataclasses import replace

from postrail.mailbox_state.sync_state import SyncState
from services.fetcher.reading.identity import mail_id_of, source_of


def state(mailbox: str = "support", folder: str = "INBOX", uid_validity: int = 7) -> SyncState:
    return SyncState(mailbox=mailbox, folder=folder, uid_validity=uid_validity)


def test_the_id_never_changes_between_releases() -> None:
    assert mail_id_of(state(), 12) == "c642f054-dee6-5a43-9d36-7a00b81128e4"


def test_each_part_changes_the_id() -> None:
    ids = {
        mail_id_of(state(), 12),
        mail_id_of(state(), 13),
        mail_id_of(state(uid_validity=8), 12),
        mail_id_of(state(uid_validity=71), 2),
        mail_id_of(state(folder="INBOX2"), 12),
        mail_id_of(state(mailbox="suppor", folder="tINBOX"), 12),
    }
    assert len(ids) == 6


def test_a_uid_that_is_given_again_has_another_id_and_source() -> None:
    again = replace(state(), generation=1)
    ids = {
        mail_id_of(state(), 12),
        mail_id_of(again, 12),
        mail_id_of(replace(state(), generation=2), 12),
        mail_id_of(state(uid_validity=71), 2),
    }
    assert len(ids) == 4
    # Up to the UID it names the listing, by which the decision knows that all was listed again.
    assert source_of(again, 12) == "INBOX;uidvalidity=7;generation=1;uid=12"
    # Keys are given for good, whatever the numbers are.
    assert mail_id_of(again, 1, "uidl=a") == mail_id_of(state(), 1, "uidl=a")


def test_the_progress_of_the_mailbox_does_not_change_the_id() -> None:
    later = SyncState(
        mailbox="support", folder="INBOX", uid_validity=7, last_uid=99, finished_uid=98
    )
    assert mail_id_of(later, 12) == mail_id_of(state(), 12)


def test_the_source_is_readable() -> None:
    assert source_of(state(folder="Büro"), 12) == "Büro;uidvalidity=7;uid=12"


def test_with_a_key_the_number_does_not_change_the_id() -> None:
    assert mail_id_of(state(), 1, "uidl=a") == mail_id_of(state(uid_validity=8), 2, "uidl=a")
    assert mail_id_of(state(), 1, "uidl=a") != mail_id_of(state(), 1, "uidl=b")
    assert source_of(state(), 1, "uidl=a") == "INBOX;uidl=a"
