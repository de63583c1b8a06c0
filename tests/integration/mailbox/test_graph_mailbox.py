"""GraphMailbox on the fake of Microsoft Graph: the contract, delta, and faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from postrail.errors import ConfigurationError
from postrail.mailbox import ListedMail, MailboxUnavailable, MailUnreadable
from postrail.mailbox.graph.faults import NotThere
from postrail.mailbox.graph.mailbox import LISTED_AT_ONCE, GraphMailbox
from postrail.mailbox.spool import Spool
from tests.contracts.mailbox import MailboxContract
from tests.fakes.graph import AT_ONCE, FakeGraph
from tests.fakes.graph_mailboxes import GraphMail
from tests.fakes.graph_scene import ADDRESS, GraphScene
from tests.servers.certificates import Certificates, make_certificates

MAIL = b"Subject: Printer\r\nMessage-ID: <1@example.org>\r\n\r\nIt smokes.\r\n"


@pytest.fixture
def graph(certificates: Certificates) -> Iterator[FakeGraph]:
    with FakeGraph(certificates) as graph:
        yield graph


@pytest.fixture
def scene(graph: FakeGraph, certificates: Certificates) -> Iterator[GraphScene]:
    found = GraphScene(graph, certificates)
    yield found
    found.close()


class TestGraphMailbox(MailboxContract):
    """The contract of every Mailbox."""


def numbers(listed: list[ListedMail]) -> list[int]:
    return [mail.uid for mail in listed]


def read_all(mailbox: GraphMailbox, after: int) -> list[int]:
    """Lists and reads until nothing is new, as the fetcher does; returns the numbers."""
    found: list[int] = []
    while listed := mailbox.list_after(after):
        mails = mailbox.read(numbers(listed))
        mailbox.finish([mail.uid for mail in mails])
        found += [mail.uid for mail in mails]
        after = listed[-1].uid
    return found


def test_a_message_is_identified_by_its_immutable_id(scene: GraphScene) -> None:
    mail = scene.server.deliver(MAIL)
    mailbox = scene.opened()
    (listed,) = mailbox.list_after(0)
    assert listed.key == f"graph={mail.immutable_id}"
    (read,) = mailbox.read([listed.uid])
    assert (read.key, read.received_at) == (listed.key, mail.received_at)


def test_each_request_asks_for_immutable_ids(scene: GraphScene, graph: FakeGraph) -> None:
    mail = scene.server.deliver(MAIL)
    mailbox = scene.opened(after_download="move", move_to="Done")
    scene.server.move(mail, scene.server.add_folder("Elsewhere"))
    scene.server.move(mail, scene.server.inbox)
    # By its other id, which has changed, none of these requests would find the message.
    (listed,) = mailbox.list_after(0)
    assert [found.content for found in mailbox.read([listed.uid])] == [MAIL]
    mailbox.finish([listed.uid])
    assert mail.folder.name == "Done"
    assert graph.asked("POST /users/support@example.org/messages/") == 1


def test_older_messages_come_first(scene: GraphScene) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    late = scene.server.deliver(b"late", received_at=early + timedelta(days=1))
    first = scene.server.deliver(b"early", received_at=early)
    mailbox = scene.opened()
    listed = numbers(mailbox.list_after(0))
    assert listed == [scene.number_of(first), scene.number_of(late)]


# The folder as the account names it, and the folder that is found.
FOLDERS = [
    ("", "Posteingang"),
    # In a mailbox of any language.
    ("INBOX", "Posteingang"),
    ("junkemail", "Junk-E-Mail"),
    ("Rechnungen", "Rechnungen"),
    ("rechnungen", "Rechnungen"),
    ("Inbox/Support/Привет", "Привет"),
    ("Posteingang/Support", "Support"),
]


@pytest.mark.parametrize(("path", "name"), FOLDERS)
def test_finds_the_folder(scene: GraphScene, path: str, name: str) -> None:
    server = scene.server
    server.add_folder("Rechnungen")
    server.add_folder("Привет", server.add_folder("Support", server.inbox))
    for number in range(120):
        server.add_folder(f"Kunde {number}")
    server.deliver(b"there", folder=server.folder_named(name))
    server.deliver(b"elsewhere", folder=server.well_known["archive"])
    mailbox = scene.opened(folder=path or "INBOX")
    assert [mail.content for mail in mailbox.read(numbers(mailbox.list_after(0)))] == [b"there"]


# After the download of the first of two messages: the inbox, and where the first one is.
AFTER = [
    ("seen", "", 2, "Posteingang"),
    ("leave", "", 2, "Posteingang"),
    ("remove", "", 1, "Gelöschte Elemente"),
    ("move", "archive", 1, "Archiv"),
    # Created, with the missing parts of its path.
    ("move", "Inbox/Erledigt/2026", 1, "2026"),
]


@pytest.mark.parametrize(("wanted", "target", "left", "folder"), AFTER)
def test_marks_removes_or_moves_after_the_download(
    scene: GraphScene, wanted: str, target: str, left: int, folder: str
) -> None:
    mails = [scene.server.deliver(MAIL) for _ in range(2)]
    mailbox = scene.opened(after_download=wanted, move_to=target)
    first, _ = numbers(mailbox.list_after(0))
    assert mailbox.finish([first])
    assert mailbox.finish([first]), "a second time nothing happens"
    assert len(scene.server.mails_in(scene.server.inbox)) == left
    assert mails[0].folder.name == folder
    assert [mail.is_read for mail in mails] == [wanted == "seen", False]


def test_uses_a_folder_that_another_client_creates(scene: GraphScene, graph: FakeGraph) -> None:
    scene.server.deliver(MAIL)
    mailbox = scene.opened(after_download="move", move_to="Done")
    listed = mailbox.list_after(0)
    graph.refuse(409, "ErrorFolderExists", part="POST mailFolders")
    children = scene.server.children
    made: list[object] = []

    def children_after_the_first_call(parent: Any) -> Any:
        found = children(parent)
        if not made:
            made.append(scene.server.add_folder("Done"))
        return found

    scene.server.children = children_after_the_first_call  # type: ignore[method-assign]
    mailbox.finish(numbers(listed))
    assert [mail.folder.name for mail in scene.server.mails.values()] == ["Done"]


def test_a_message_that_a_person_moves_while_it_is_read_stays_there(scene: GraphScene) -> None:
    mail = scene.server.deliver(MAIL)
    mailbox = scene.opened(after_download="move", move_to="Done")
    listed = numbers(mailbox.list_after(0))
    scene.server.move(mail, scene.server.add_folder("Mine"))
    # It was listed here, so it is read, but it stays where the person has moved it.
    assert len(mailbox.read(listed)) == 1
    mailbox.finish(listed)
    assert mail.folder.name == "Mine"


def test_a_message_that_a_person_moved_before_is_not_listed(scene: GraphScene) -> None:
    mail = scene.server.deliver(MAIL)
    mailbox = scene.opened()
    assert len(mailbox.list_after(0)) == 1
    scene.server.move(mail, scene.server.well_known["archive"])
    assert scene.opened().list_after(0) == []


def test_a_message_that_a_person_moves_in_is_listed(scene: GraphScene) -> None:
    mailbox = scene.opened()
    assert mailbox.list_after(0) == []
    mail = scene.server.deliver(MAIL, folder=scene.server.well_known["archive"])
    assert mailbox.list_after(0) == []
    scene.server.move(mail, scene.server.inbox)
    assert numbers(mailbox.list_after(0)) == [scene.number_of(mail)]


def test_lists_only_messages_after_the_day(scene: GraphScene, graph: FakeGraph) -> None:
    days = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 15, 28)]
    mails = [scene.server.deliver(MAIL, received_at=day) for day in days]
    scene.account = scene.account.model_copy(update={"only_after": days[1].date()})
    mailbox = scene.opened()
    assert numbers(mailbox.list_after(0)) == [scene.number_of(mail) for mail in mails[1:]]
    scene.clock.move(4000)
    assert mailbox.list_after(scene.number_of(mails[2])) == []
    assert graph.asked("mailFolders/") > 2
    # With another day delta starts again: the old link is not valid for it.
    scene.account = scene.account.model_copy(update={"only_after": None})
    assert numbers(scene.opened().list_after(scene.number_of(mails[2])))[-1] > 2


def test_follows_pages_and_lists_few_messages_at_once(scene: GraphScene) -> None:
    uids = [scene.add(b"%d" % number) for number in range(1100)]
    mailbox = scene.opened(after_download="leave")
    assert numbers(mailbox.list_after(0)) == uids[:LISTED_AT_ONCE]
    assert read_all(mailbox, 0) == uids


def test_the_size_is_exchanges_own(scene: GraphScene, graph: FakeGraph) -> None:
    scene.server.deliver(b"x" * 1000)
    graph.mailboxes[ADDRESS].size_factor = 0.75
    (listed,) = scene.opened().list_after(0)
    assert listed.size == 750


def test_lists_messages_whose_sizes_graph_refuses(scene: GraphScene, graph: FakeGraph) -> None:
    uid = scene.add(MAIL)
    mailbox = scene.opened()
    graph.refuse(400, "ErrorInvalidUrlQuery", "Cannot expand.", part="delta")
    (listed,) = mailbox.list_after(0)
    assert (listed.uid, listed.size) == (uid, None)
    graph.refuse(400, "ErrorInvalidUrlQuery", part="delta", times=2)
    with pytest.raises(MailboxUnavailable, match="ErrorInvalidUrlQuery"):
        scene.opened(after_download="leave").list_after(0)


def test_a_full_disk_is_not_the_servers_fault(
    scene: GraphScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.server.deliver(MAIL)
    mailbox = scene.opened()
    (listed,) = mailbox.list_after(0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(OSError, match="No space left"):
        mailbox.read_to_spool(listed)


def test_messages_that_delta_has_not_reported_yet_are_not_lost(scene: GraphScene) -> None:
    uids = [scene.add(b"%d" % number) for number in range(1100)]
    mailbox = scene.opened()
    scene.clock.move(86400 * 365)
    assert numbers(mailbox.list_after(0)) == uids[:LISTED_AT_ONCE]
    # With max_mails_per_poll the other messages wait for the next polls.
    assert numbers(mailbox.held(uids[5])) == uids[:6]
    # A session without the filter finds the messages before the day of an account with one.
    assert numbers(scene.opened().held(uids[5])) == uids


def test_a_message_that_delta_lost_is_held(scene: GraphScene) -> None:
    known = scene.add(MAIL)
    mailbox = scene.opened()
    assert read_all(mailbox, 0) == [known]
    scene.server.lose = 1
    lost = scene.add(MAIL)
    scene.clock.move(86400 * 365)
    assert numbers(mailbox.held(known)) == [known, lost]


def test_a_download_far_beyond_the_limit_ends(scene: GraphScene, graph: FakeGraph) -> None:
    scene.server.deliver(b"Subject: x\r\n\r\n" + b"x" * 300_000)
    graph.mailboxes[ADDRESS].size_factor = 0.1
    mailbox = scene.opened(max_message_bytes=100_000)
    (listed,) = mailbox.list_after(0)
    with pytest.raises(MailUnreadable, match="larger than 200000 bytes") as told:
        mailbox.read([listed.uid])
    assert told.value.setting == "mail account support: max_message_bytes"


def test_a_cut_download_is_an_error(scene: GraphScene, graph: FakeGraph) -> None:
    content = b"Subject: x\r\n\r\n" + b"x" * 300_000
    scene.server.deliver(content)
    mailbox = scene.opened()
    (listed,) = mailbox.list_after(0)
    for at in (0, 1, 13, 150_000, 300_000):
        graph.cut("$value", at)
        with pytest.raises(MailboxUnavailable, match="broke off"):
            mailbox.read([listed.uid])
    assert [mail.content for mail in mailbox.read([listed.uid])] == [content]


def test_a_message_that_graph_cannot_convert_to_mime_is_unreadable(
    scene: GraphScene, graph: FakeGraph
) -> None:
    scene.server.deliver(MAIL)
    mailbox = scene.opened()
    (listed,) = mailbox.list_after(0)
    graph.refuse(400, "ErrorInvalidOperation", "Cannot convert.", part="$value")
    with pytest.raises(MailUnreadable, match="Cannot convert"):
        mailbox.read([listed.uid])
    # A server fault makes the mailbox unavailable; whether it is one message's, the fetcher
    # finds out.
    graph.refuse(500, "ErrorInternalServerError", part="$value")
    with pytest.raises(MailboxUnavailable, match="ErrorInternalServerError"):
        mailbox.read([listed.uid])


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("how", ["read", "read_to_spool", "read_header"])
def test_a_message_without_mime_content_is_unreadable_by_its_code_and_its_fields_are_kept(
    scene: GraphScene, graph: FakeGraph, told: bool, how: str
) -> None:
    """Exchange says so by status 500, each time (OpenArchiver#487: S/MIME)."""
    mail = scene.server.deliver(MAIL)
    scene.server.deliver(MAIL)
    mailbox = scene.opened()
    first, second = mailbox.list_after(0)
    graph.refuse(
        500, "ErrorMimeContentConversionFailed", part=f"{mail.immutable_id}/$value", times=3
    )
    if not told:
        graph.refuse(500, "ErrorInternalServerError", part=mail.immutable_id, times=3)
    for _ in range(3):
        with pytest.raises(MailUnreadable, match="ErrorMimeContentConversionFailed") as unreadable:
            getattr(mailbox, how)([first.uid] if how == "read" else first)
        known = unreadable.value.known
        assert known.subject == "Printer" * told
        assert known.sender == "ada@example.net" * told
        assert known.message_id == ("<1@example.org>" if told else None)
        assert known.received_at == mail.received_at
    assert graph.asked("/$value") == 3
    # What is known of it was asked for once.
    assert graph.asked(mail.immutable_id) == 4
    assert [found.uid for found in mailbox.read([second.uid])] == [second.uid]


def test_delta_is_saved_after_messages_are_recorded(scene: GraphScene, graph: FakeGraph) -> None:
    uids = [scene.add(b"%d" % number) for number in range(3)]
    mailbox = scene.opened()
    assert numbers(mailbox.list_after(0)) == uids
    mailbox.read(uids)
    # The fetcher asks whether a missing message is still there, before any is recorded.
    mailbox.list_after(uids[1])
    assert scene.deltas.saved == []
    # After a kill the next process gets all three again.
    assert numbers(scene.opened().list_after(0)) == uids
    assert scene.mailbox.list_after(uids[2]) == []
    assert len(scene.deltas.saved) == 1
    asked = graph.asked("/messages/delta")
    assert scene.opened().list_after(uids[2]) == []
    assert graph.asked("/messages/delta") == asked + 1
    assert "deltatoken" in graph.urls[-1]


def test_the_next_process_finishes_recorded_messages(scene: GraphScene) -> None:
    uids = [scene.add(b"%d" % number) for number in range(4)]
    mailbox = scene.opened()
    mailbox.list_after(0)
    mailbox.finish(uids[:1])
    scene.server.move(scene.mail(uids[1]), scene.server.well_known["archive"])
    successor = scene.opened()
    assert numbers(successor.unfinished_between(uids[0], uids[2])) == [uids[2]]
    assert numbers(successor.list_after(uids[2])) == [uids[3]]


def test_delta_without_changes_is_saved_once_an_hour(scene: GraphScene) -> None:
    mailbox = scene.opened()
    for _ in range(5):
        assert mailbox.list_after(0) == []
        scene.clock.move(60)
    assert scene.deltas.saved == []
    scene.clock.move(3600)
    mailbox.list_after(0)
    mailbox.list_after(0)
    assert len(scene.deltas.saved) == 1


@pytest.mark.parametrize("code", ["syncStateNotFound", "resyncRequired", "SyncStateInvalid"])
def test_an_expired_delta_lists_again_and_recognizes_the_messages(
    scene: GraphScene, graph: FakeGraph, code: str
) -> None:
    uids = [scene.add(b"%d" % number) for number in range(3)]
    mailbox = scene.opened()
    assert read_all(mailbox, 0) == uids
    graph.expire_delta_tokens(ADDRESS, code)
    new = scene.add(b"new")
    assert numbers(mailbox.list_after(uids[2])) == [new]
    # The same happens in a process that starts with the expired link.
    graph.expire_delta_tokens(ADDRESS, code)
    assert numbers(scene.opened().list_after(uids[2])) == [new]


def test_an_expiry_between_two_pages_starts_again(scene: GraphScene, graph: FakeGraph) -> None:
    uids = [scene.add(b"%d" % number) for number in range(700)]
    mailbox = scene.opened(after_download="leave")
    assert numbers(mailbox.list_after(0)) == uids[:LISTED_AT_ONCE]
    graph.expire_delta_tokens(ADDRESS)
    assert read_all(mailbox, uids[0]) == uids[1:]


def test_a_delta_that_cannot_start_does_not_loop(scene: GraphScene, graph: FakeGraph) -> None:
    mailbox = scene.opened()
    graph.refuse(410, "resyncRequired", part="delta", times=3)
    with pytest.raises(MailboxUnavailable, match="resyncRequired"):
        mailbox.list_after(0)


def test_the_whole_listing_finds_what_delta_has_lost(scene: GraphScene, graph: FakeGraph) -> None:
    known = scene.add(b"known")
    mailbox = scene.opened()
    assert read_all(mailbox, 0) == [known]
    scene.server.lose = 1
    lost = scene.server.deliver(b"lost")
    scene.clock.move(3599)
    assert mailbox.list_after(known) == []
    scene.clock.move(1)
    (listed,) = mailbox.list_after(known)
    assert listed.key == f"graph={lost.immutable_id}"
    assert scene.ledger.whole == [[f"graph={scene.mail(known).immutable_id}", listed.key]]
    # The time of the listing is saved after its messages are recorded: after a kill it is repeated.
    assert scene.deltas.saved[-1].listed_at == scene.clock.now() - timedelta(seconds=3600)
    assert numbers(scene.opened().list_after(known)) == [listed.uid]
    assert scene.mailbox.list_after(listed.uid) == []
    listings = graph.asked("GET /users/support@example.org/mailFolders/") - graph.asked("delta")
    assert scene.deltas.saved[-1].listed_at == scene.clock.now()
    assert scene.opened().list_after(listed.uid) == []
    after = graph.asked("GET /users/support@example.org/mailFolders/") - graph.asked("delta")
    assert after == listings + 1, "only the folder was asked for"


def test_a_message_moved_away_and_back_keeps_its_number(scene: GraphScene) -> None:
    mail = scene.server.deliver(MAIL)
    mailbox = scene.opened()
    (uid,) = read_all(mailbox, 0)
    scene.server.move(mail, scene.server.well_known["archive"])
    assert mailbox.list_after(uid) == []
    scene.server.move(mail, scene.server.inbox)
    # Delta reports it as removed, and never again; the whole listing finds it under its number.
    scene.clock.move(3600)
    assert mailbox.list_after(uid) == []
    assert scene.ledger.numbers == {f"graph={mail.immutable_id}": uid}


@pytest.mark.parametrize(("status", "seconds", "expected"), [(429, 7, 7), (503, 30, 30)])
def test_a_pause_is_passed_on(
    scene: GraphScene, graph: FakeGraph, status: int, seconds: int, expected: float
) -> None:
    uid = scene.add(MAIL)
    mailbox = scene.opened()
    graph.throttle(status=status, seconds=seconds)
    with pytest.raises(MailboxUnavailable, match="asks for a pause") as told:
        mailbox.list_after(0)
    assert told.value.after_seconds == expected
    assert numbers(mailbox.list_after(0)) == [uid]


def test_the_fake_allows_four_requests_at_once(scene: GraphScene, graph: FakeGraph) -> None:
    uid = scene.add(MAIL)
    sessions = [scene.opened() for _ in range(AT_ONCE + 1)]
    for session in sessions:
        session.list_after(0)
    asked = len(graph.requests)
    graph.open_gate.clear()
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        reads = [pool.submit(session.read, [uid]) for session in sessions]
        while len(graph.requests) < asked + AT_ONCE + 1 or graph.most_at_once <= AT_ONCE:
            threading.Event().wait(0.01)
        graph.open_gate.set()
        faults = [read.exception() for read in reads]
    (refused,) = filter(None, faults)
    assert isinstance(refused, MailboxUnavailable)
    assert "MailboxConcurrency" in str(refused)
    assert refused.after_seconds == 1


def test_a_mailbox_sends_one_request_at_a_time(scene: GraphScene, graph: FakeGraph) -> None:
    for _ in range(30):
        scene.server.deliver(MAIL)
    read_all(scene.opened(), 0)
    assert graph.most_at_once == 1


def test_interrupt_ends_a_call_in_another_thread(scene: GraphScene, graph: FakeGraph) -> None:
    uid = scene.add(MAIL)
    mailbox = scene.opened()
    mailbox.list_after(0)
    asked = len(graph.requests)
    graph.open_gate.clear()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(mailbox.read, [uid])
        while len(graph.requests) == asked:
            threading.Event().wait(0.01)
        mailbox.interrupt()
        assert isinstance(reading.exception(timeout=3), MailboxUnavailable)
    mailbox.close()


def test_a_token_that_expired_is_replaced_at_once(scene: GraphScene, graph: FakeGraph) -> None:
    uid = scene.add(MAIL)
    mailbox = scene.opened()
    old = scene.tokens[-1]
    graph.expire(old)
    scene.tokens.append(graph.grant("Mail.ReadWrite"))

    def token(refused: str) -> str:
        return scene.tokens[-1] if refused == old else old

    mailbox._client._token = token
    assert numbers(mailbox.list_after(0)) == [uid]
    assert len(mailbox.read([uid])) == 1


# What is wrong, and the words, setting and remedy of the error.
CHANGES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "folder missing": (
        {"folder": "Inbox/Suport"},
        "no folder 'Inbox/Suport'",
        "folder",
        "there are: Inbox/Support",
    ),
    "folder missing at the top": (
        {"folder": "Suport"},
        "no folder 'Suport'",
        "folder",
        "Posteingang, Entwürfe",
    ),
    "mailbox unknown": (
        {"username": "nobody@example.org"},
        "does not know the mailbox nobody@example.org",
        "username, address",
        "user principal name",
    ),
    "me without a user": (
        {"username": "me"},
        "no mailbox of its own",
        "username",
        "instead of me",
    ),
    "certificate not trusted": (
        {"ca_file": ""},
        "is not trusted",
        "ca_file, host, verify_certificate",
        "Set ca_file",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_fault_of_the_account_names_setting_and_remedy(scene: GraphScene, case: str) -> None:
    changes, words, setting, remedy = CHANGES[case]
    scene.server.add_folder("Support", scene.server.inbox)
    with pytest.raises(ConfigurationError, match=words) as told:
        scene.opened(**changes)
    assert told.value.setting == f"mail account support: {setting}"
    assert remedy in told.value.remedy


# The permissions, the request, and the words of the error.
GRANTS: list[tuple[tuple[str, ...], dict[str, Any], str, str]] = [
    ((), {}, "Access is denied", "Mail.ReadWrite"),
    (("Mail.Send",), {}, "Access is denied", "Mail.ReadWrite"),
    # An access policy without this mailbox.
    (
        ("Mail.ReadWrite",),
        {"only": frozenset({"sales@example.org"})},
        "AccessPolicy",
        "application access policy",
    ),
    # A user's token, for a shared mailbox.
    (("Mail.ReadWrite",), {"user": "ada@example.org"}, "Access is denied", ".Shared"),
]


@pytest.mark.parametrize(("scopes", "limits", "words", "remedy"), GRANTS)
def test_the_error_names_a_missing_permission(
    scene: GraphScene,
    graph: FakeGraph,
    scopes: tuple[str, ...],
    limits: dict[str, Any],
    words: str,
    remedy: str,
) -> None:
    scene.tokens.append(graph.grant(*scopes, **limits))
    with pytest.raises(ConfigurationError, match=words) as told:
        scene.opened()
    assert told.value.setting == "mail account support: username, credential"
    assert remedy in told.value.remedy


def test_a_token_that_may_only_read_leaves_messages_as_they_are(
    scene: GraphScene, graph: FakeGraph
) -> None:
    uid = scene.add(MAIL)
    scene.tokens.append(graph.grant("Mail.Read"))
    mailbox = scene.opened()
    mailbox.list_after(0)
    assert len(mailbox.read([uid])) == 1
    with pytest.raises(MailUnreadable) as told:
        mailbox.finish([uid])
    assert "Mail.ReadWrite" in told.value.remedy


# A user's own mailbox and a shared one, by a user's or an application's token.
OWNERS: list[tuple[str, str, tuple[str, ...]]] = [
    ("", "", ("Mail.ReadWrite",)),
    ("", ADDRESS, ("Mail.ReadWrite",)),
    ("me", ADDRESS, ("Mail.ReadWrite",)),
    (ADDRESS, "ada@example.org", ("Mail.ReadWrite.Shared",)),
]


@pytest.mark.parametrize(("username", "user", "scopes"), OWNERS)
def test_own_and_shared_mailboxes(
    scene: GraphScene, graph: FakeGraph, username: str, user: str, scopes: tuple[str, ...]
) -> None:
    scene.tokens.append(graph.grant(*scopes, user=user))
    uid = scene.add(MAIL)
    mailbox = scene.opened(username=username)
    assert read_all(mailbox, 0) == [uid]
    assert scene.seen() == {uid}
    path = "/me/" if username == "me" else f"/users/{ADDRESS}/"
    assert all(path in request for request in graph.requests)


def test_a_refused_token_needs_authorization(scene: GraphScene, graph: FakeGraph) -> None:
    graph.expire(scene.tokens[-1])
    with pytest.raises(ConfigurationError, match="needs authorization") as told:
        scene.opened()
    assert told.value.setting == "mail account support: credential"
    assert "postrail accounts authorize support" in told.value.remedy
    assert scene.refused == [scene.tokens[-1]], "it asked once for a newer one"


def test_network_faults_name_setting_and_remedy(
    scene: GraphScene, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = make_certificates(tmp_path_factory.mktemp("other"))
    with FakeGraph(others) as other, pytest.raises(ConfigurationError, match="not trusted"):
        scene.opened(port=other.port)
    # A port without a listener.
    with pytest.raises(MailboxUnavailable, match="refused the connection"):
        scene.opened(port=other.port)
    with pytest.raises(MailboxUnavailable, match="is unknown"):
        scene.opened(host="graph.invalid")


def test_ids_are_case_sensitive(scene: GraphScene) -> None:
    mails = [scene.server.deliver(b"%d" % number) for number in range(60)]
    folded = {mail.immutable_id.lower() for mail in mails}
    assert len(folded) < len(mails), "the fake makes ids that differ in case only"
    mailbox = scene.opened(after_download="leave")
    uids = read_all(mailbox, 0)
    assert [read.content for read in mailbox.read(uids)] == [mail.content for mail in mails]


def test_the_fake_checks_requests(scene: GraphScene, graph: FakeGraph) -> None:
    mailbox = scene.opened()
    with pytest.raises(MailboxUnavailable, match="ContractBroken"):
        mailbox._client.get("mailFolders/inbox/messages", {"$select": "size"})
    with pytest.raises(MailboxUnavailable, match="ContractBroken"):
        mailbox._client.send("PATCH", "messages/x", {"read": True})
    with pytest.raises(MailboxUnavailable, match="ContractBroken"):
        mailbox._client.get("messages/x/raw")
    assert len(graph.violations) == 3
    graph.violations.clear()


def test_an_id_of_the_other_kind_changes_with_a_move(
    scene: GraphScene, graph: FakeGraph, certificates: Certificates
) -> None:
    mail: GraphMail = scene.server.deliver(MAIL)
    before = mail.id(immutable=False)
    base = f"https://localhost:{graph.port}/v1.0/users/{ADDRESS}/messages/"
    headers = {"Authorization": f"Bearer {scene.tokens[-1]}"}
    with httpx.Client(verify=certificates.client_context(), headers=headers) as client:
        assert client.get(base + before).status_code == 200
        scene.server.move(mail, scene.server.well_known["archive"])
        assert client.get(base + before).status_code == 404
        assert client.get(base + mail.id(immutable=False)).status_code == 200


def test_removed_messages_are_left_out_everywhere(scene: GraphScene) -> None:
    uid = scene.add(MAIL)
    mailbox = scene.opened()
    mailbox.list_after(0)
    scene.remove(uid)
    assert mailbox.read([uid]) == []
    # The fetcher asks whether it is still listed, and counts it as removed.
    assert mailbox.list_after(uid - 1) == []
    with pytest.raises(NotThere):
        mailbox._client.get("messages/AAkA")
