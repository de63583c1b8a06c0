"""What failed or is held does not hold up its conversation; what is promised of its order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postrail.configuration.models.mail_handler import MailHandler
from postrail.records import MailParsed
from tests.integration.handler.bench import Bench
from tests.integration.handler.release.publishing import by_id, ordered, published
from tests.makers.records import mail_parsed

CONVERSATIONS = 100
MESSAGES = 10
POISON = 5
# The order in which an issue shows its comments.
SHOWN = "created_at, comment_id"


def conversation(number: int) -> list[MailParsed]:
    """Returns a message and nine answers, with a poison in the middle."""
    first = f"<{number}.0@example.org>"
    return [
        mail_parsed(
            message_id=f"<{number}.{place}@example.org>",
            references=[first, f"<{number}.{place - 1}@example.org>"] if place else [],
            subject=f"Conversation {number}" + (", poison" if place == POISON else ""),
        )
        for place in range(MESSAGES)
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["quarantined", "failed"])
async def test_the_others_go_on_and_what_is_released_stands_at_its_own_time(
    bench: Bench, how: str
) -> None:
    if how == "quarantined":
        poison = {"name": "poison", "order": 1, "when": {"subject contains": "poison"}}
        held = MailHandler.model_validate(poison | {"then": [{"quarantine": "poison"}]})
        await bench.save(held, MailHandler(name="desk"))
    conversations = [conversation(number) for number in range(CONVERSATIONS)]
    # They arrive mixed, as they were sent.
    mails = [mails[place] for place in range(MESSAGES) for mails in conversations]
    poisons = {one[POISON].mail_id for one in conversations}
    fault = "the parser has a fault" if how == "failed" else None
    await bench.take_in(
        *(replace(one, error=fault) if one.mail_id in poisons else one for one in mails)
    )
    while await bench.handler.work_batch():
        bench.clock.move(1)
    assert await bench.rows("SELECT state, count(*) FROM incoming_mail GROUP BY 1 ORDER BY 1") == [
        ("done", CONVERSATIONS * (MESSAGES - 1)),
        (how, CONVERSATIONS),
    ]
    rest = [place for place in range(1, MESSAGES) if place != POISON]
    assert await placed(bench, conversations, "comment_id") == {tuple(rest)}
    assert await placed(bench, conversations, SHOWN) == {tuple(rest)}

    bench.clock.move(3600)
    await ordered(bench, *poisons)
    await published(bench, by_id(*mails))
    await bench.work()
    assert await bench.rows(
        "SELECT state, outcome, count(*) FROM incoming_mail GROUP BY 1, 2 ORDER BY 2"
    ) == [
        ("done", "comment", CONVERSATIONS * (MESSAGES - 1)),
        ("done", "issue", CONVERSATIONS),
    ]
    # Added last, and shown where it would have been.
    assert await placed(bench, conversations, "comment_id") == {(*rest, POISON)}
    assert await placed(bench, conversations, SHOWN) == {tuple(range(1, MESSAGES))}
    late = "SELECT count(*) FROM comment WHERE added_late_at > created_at + interval '1 h'"
    assert await bench.rows(late) == [(CONVERSATIONS,)]


async def placed(
    bench: Bench, conversations: list[list[MailParsed]], order: str
) -> set[tuple[int, ...]]:
    """Returns in which order the issues have the answers as comments, each order once."""
    places = {mail.mail_id: place for mails in conversations for place, mail in enumerate(mails)}
    found = await bench.rows(
        f"SELECT array_agg(mail_id::text ORDER BY {order}) FROM comment GROUP BY issue_key"
    )
    assert len(found) == CONVERSATIONS
    return {tuple(places[mail_id] for mail_id in row[0]) for row in found}
