"""Three attacks by mail whose sender takes no part: nobody outside hears of what they wrote."""

from __future__ import annotations

from postrail.blobs import BlobStore
from postrail.message_parts import Address
from postrail.operate.issues.accept import accept
from postrail.operate.issues.act import Actor
from postrail.operate.issues.watch import watch
from postrail.records import OutgoingQueued
from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed, verified

ISSUES = 20
AGENT = Actor(address="agent@example.com", name="Agent")
AS_AGENT = Address(name="Agent", address="agent@example.com")
MALLORY = Address(name="Mallory", address="mallory@example.net")
ADA = Address(name="Ada", address="ada@example.org")
POISON = "Pay to my new account."


def customer(number: int) -> Address:
    return Address(name=f"Customer {number}", address=f"customer{number}@example.org")


def sent_to(bench: Bench, words: str) -> set[str]:
    """Returns the addresses that got a message with these words."""
    return {
        one.recipient
        for mail in bench.sent(OutgoingQueued)
        for one in mail.deliveries
        if words in f"{mail.subject} {mail.text}"
    }


async def watchers(bench: Bench, key: str) -> set[str]:
    found = await bench.rows(
        f"SELECT address FROM watcher JOIN issue_index USING (issue_id) WHERE issue_key = '{key}'"
    )
    return {address for (address,) in found}


async def test_an_agent_in_from_reaches_no_customer_of_twenty_guessed_issues(
    bench: Bench,
) -> None:
    """It put a comment on each of the twenty, and the desk mailed them to twenty customers."""
    await bench.handle(*(mail_parsed(sender=customer(number)) for number in range(ISSUES)))
    guessed = [
        mail_parsed(subject=f"Re: [HELP-{number}] invoice", sender=AS_AGENT, text=POISON)
        for number in range(1, ISSUES + 1)
    ]
    await bench.handle(*guessed)
    outcomes = (await bench.outcomes())[ISSUES:]
    assert [outcome for _, outcome, _ in outcomes] == ["issue"] * ISSUES
    assert await bench.rows("SELECT count(*) FROM comment") == [(0,)]
    assert await bench.rows("SELECT count(*) FROM issue_link") == [(ISSUES,)]
    assert sent_to(bench, POISON) == set()
    # Nor does a later message of the desk bring them the words, or a place in the issues.
    for number in range(1, ISSUES + 1):
        assert AS_AGENT.address not in await watchers(bench, f"HELP-{number}")


async def test_a_known_message_id_makes_a_stranger_no_watcher(bench: Bench) -> None:
    """The stranger watched from then on, and got the victim's next message."""
    first = mail_parsed(sender=ADA)
    await bench.handle(first)
    await watch(bench.desk, AGENT, "HELP-1")
    attack = mail_parsed(
        sender=MALLORY,
        subject="Re: Printer on fire",
        in_reply_to=[str(first.message_id)],
        cc=[Address(name="", address="accomplice@example.net")],
        text=POISON,
    )
    await bench.handle(attack)
    assert await bench.rows("SELECT body, outsider, accepted_at FROM comment") == [
        (POISON, True, None)
    ]
    assert await watchers(bench, "HELP-1") == {ADA.address, AGENT.address}
    assert sent_to(bench, POISON) == {AGENT.address}
    await bench.handle(
        mail_parsed(sender=ADA, in_reply_to=[str(first.message_id)], text="My PIN is 1234.")
    )
    assert sent_to(bench, "My PIN is 1234.") == {AGENT.address}
    # What answers the stranger's own message is still of no outsider.
    again = mail_parsed(sender=MALLORY, in_reply_to=[str(attack.message_id)], text=POISON)
    await bench.handle(again)
    assert sent_to(bench, POISON) == {AGENT.address}


async def test_the_people_of_the_project_are_told_how_to_accept_it(bench: Bench) -> None:
    first = mail_parsed(sender=ADA)
    await bench.handle(first)
    await watch(bench.desk, AGENT, "HELP-1")
    by_message_id = {"in_reply_to": [str(first.message_id)], "subject": "Re: x"}
    await bench.handle(mail_parsed(sender=MALLORY, text="I know more.", **by_message_id))
    ((number,),) = await bench.rows("SELECT comment_id FROM comment")
    told = bench.sent(OutgoingQueued)[-1].text
    assert "mallory@example.net (Mallory) takes no part in HELP-1, so only people of" in told
    assert f"run: postrail issues accept HELP-1 {number}\n" in told
    done = await accept(bench.desk, AGENT, "HELP-1", number, BlobStore("memory://"))
    assert done.notified == (ADA.address,)
    # From now on the author is as anyone who takes part.
    await bench.handle(mail_parsed(sender=MALLORY, text="And this.", **by_message_id))
    assert sent_to(bench, "And this.") == {ADA.address, AGENT.address}
    await bench.handle(mail_parsed(sender=ADA, text="Thank you.", **by_message_id))
    assert sent_to(bench, "Thank you.") == {MALLORY.address, AGENT.address}


async def test_a_confirmation_to_an_unproven_sender_repeats_no_word(bench: Bench) -> None:
    """Else anybody could let the desk write to anybody."""
    victim = Address(name="Win at evil.example", address="victim@example.org")
    words = {"subject": "Win at evil.example", "text": "Win at evil.example"}
    await bench.handle(mail_parsed(sender=victim, **words))
    (queued,) = bench.sent(OutgoingQueued)
    assert queued.subject == "[HELP-1] We received your message"
    assert [(one.recipient, one.name) for one in queued.deliveries] == [("victim@example.org", "")]
    assert "its number is HELP-1." in queued.text
    assert "evil" not in f"{queued.subject}{queued.text}{queued.deliveries}"
    # A proven sender knows the words; one who takes part in the issue has them already.
    await bench.handle(verified(mail_parsed(sender=victim, **words)))
    queued = bench.sent(OutgoingQueued)[-1]
    assert queued.subject == "[HELP-2] Win at evil.example"
    assert "> Win at evil.example" in queued.text


async def test_an_accepted_machine_takes_part_and_gets_no_mail(bench: Bench) -> None:
    first = mail_parsed(sender=ADA)
    await bench.handle(first)
    answer = mail_parsed(
        kind="auto_reply", sender=MALLORY, in_reply_to=[str(first.message_id)], text="Away."
    )
    await bench.handle(answer)
    ((number, outsider),) = await bench.rows("SELECT comment_id, outsider FROM comment")
    assert outsider
    await accept(bench.desk, AGENT, "HELP-1", number, BlobStore("memory://"))
    assert await watchers(bench, "HELP-1") == {ADA.address}


async def test_ids_that_are_yet_to_come_pull_nobody_into_an_outsider_s_issue(
    bench: Bench,
) -> None:
    """References to guessed ids pulled a later message of somebody else into that issue."""
    coming = [f"<{number}@victim.example>" for number in range(ISSUES)]
    await bench.handle(
        mail_parsed(sender=MALLORY, subject="bait", references=coming[:10]),
        mail_parsed(sender=MALLORY, subject="bait", references=coming[10:]),
    )
    originals = [
        mail_parsed(sender=customer(number), message_id=message_id, text=f"Secret {number}")
        for number, message_id in enumerate(coming)
    ]
    await bench.handle(*originals)
    made = (await bench.outcomes())[2:]
    assert [outcome for _, outcome, _ in made] == ["issue"] * ISSUES
    assert len({key for _, _, key in made}) == ISSUES
    assert not {one for one in sent_to(bench, "Secret") if one.startswith("mallory")}
    # Each is linked to the issue of the one who named it, for people to see.
    linked = await bench.rows("SELECT linked_key, count(*) FROM issue_link GROUP BY 1 ORDER BY 1")
    assert linked == [("HELP-1", 10), ("HELP-2", 10)]
    # The ids went with their originals: answers stay with these.
    answers = [
        mail_parsed(sender=customer(number), in_reply_to=[message_id], text="More")
        for number, message_id in enumerate(coming)
    ]
    await bench.handle(*answers)
    keys = [key for _, _, key in (await bench.outcomes())[2 + ISSUES :]]
    assert keys == [key for _, _, key in made]
