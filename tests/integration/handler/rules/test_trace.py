"""A trace names the keys by which the issue was looked for, the misses with the hits."""

from __future__ import annotations

from tests.integration.handler.bench import Bench
from tests.makers.records import mail_parsed


async def test_a_trace_names_each_key_with_what_it_found(bench: Bench) -> None:
    first = mail_parsed()
    await bench.handle(first)
    answer = mail_parsed(
        subject="Re: [TICKET-9] HELP-1 and HELP-77",
        in_reply_to=["<lost@example.net>"],
        references=[str(first.message_id), "<lost@example.net>"],
    )
    await bench.handle(answer)
    [(tried,)] = await bench.rows(
        f"SELECT trace -> 'facts' -> 'tried' FROM incoming_mail WHERE mail_id = '{answer.mail_id}'"
    )
    assert tried == [
        ["id", "<lost@example.net>", ""],
        ["id", first.message_id, "HELP-1"],
        ["key", "TICKET-9", ""],
        ["key", "HELP-1", "HELP-1"],
        ["key", "HELP-77", ""],
    ]
