"""The words by which the search finds issues: of new and changed ones, and of hostile texts."""

from __future__ import annotations

import time
import uuid

import pytest

from postrail.database import Pool, one, transaction
from postrail.query.sql import plain_words
from postrail.tracker.builtin.fields import write_fields
from postrail.tracker.builtin.merges import merge_issue
from postrail.tracker.builtin.search_text import write_comment_words, write_issue_words
from postrail.tracker.builtin.tracker import BuiltinTracker
from tests.makers.drafts import attachment, comment_draft, issue_draft
from tests.makers.records import NOON

# For a text of 50,000 characters; it takes some tens of milliseconds on a machine without load.
SECONDS = 10.0


async def found_by(pool: Pool, words: str, language: str = "english") -> bool:
    """Tells whether the search finds a row of HELP-1 by these words."""
    async with transaction(pool) as connection:
        found = await one(
            connection,
            "SELECT EXISTS (SELECT 1 FROM issue_text WHERE issue_key = 'HELP-1' AND words @@"
            " (websearch_to_tsquery('simple', %s) || websearch_to_tsquery(%s::regconfig, %s)))",
            [plain_words(words), language, plain_words(words)],
        )
    return bool(found and found[0])


async def made(pool: Pool, **fields: object) -> None:
    async with transaction(pool) as connection:
        (key,) = await BuiltinTracker().create_issues(connection, [issue_draft(**fields)], NOON)
    assert key == "HELP-1"


@pytest.mark.parametrize(
    "words",
    [
        # Of the summary, the description and the name of a file; in any form and case.
        *("printer", "PRINTERS", "burning", "scan", "scan_2026-01.pdf", "2026", "pdf"),
        # Words that a sign joins, as a phrase.
        *("e-mail", "ada@example.org", "example.org", '"ada example"', "https://example.org/x"),
        *("fire -water", "water or fire", "größe", "打印机"),
    ],
)
async def test_words_of_an_issue_are_found(pool: Pool, words: str) -> None:
    await made(
        pool,
        summary="Printer on fire",
        description="It burns. Ask by e-mail: ada@example.org, https://example.org/x Größe 打印机",
        attachments=(attachment("scan_2026-01.pdf", b"x"),),
    )
    assert await found_by(pool, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Donau\u00addampf\ufeffschiff", "Donaudampfschiff"),
        ("Sa\u200ble", "sale"),
        ("Donaudampf", "Donau\u00addampf"),
    ],
)
async def test_fillers_are_no_part_of_a_word(pool: Pool, text: str, words: str) -> None:
    await made(pool, summary="x", description=f"The {text} burns")
    assert await found_by(pool, words)


@pytest.mark.parametrize(
    "words", ["water", "fire -printer", '"fire printer"', "fir", "org@example"]
)
async def test_other_words_are_not_found(pool: Pool, words: str) -> None:
    await made(pool, summary="Printer on fire", description="ada@example.org")
    assert not await found_by(pool, words)


async def test_the_language_of_the_project_counts(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("UPDATE project SET language = 'de' WHERE project_key = 'HELP'")
    await made(pool, summary="Die Drucker brennen")
    assert await found_by(pool, "Druckern brenne", "german")
    assert not await found_by(pool, "Druckern brenne")


async def test_an_unknown_language_has_its_words_as_they_are(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("UPDATE project SET language = 'ja' WHERE project_key = 'HELP'")
    await made(pool, summary="プリンター 火事")
    assert await found_by(pool, "火事")


async def test_a_changed_text_is_found_by_its_new_words_only(pool: Pool) -> None:
    await made(pool, summary="Printer on fire")
    async with transaction(pool) as connection:
        await write_fields(connection, "HELP-1", "HELP", {"summary": "Scanner broken"})
    assert await found_by(pool, "scanner")
    assert not await found_by(pool, "printer")


async def test_words_of_comments_and_their_files_are_found(pool: Pool) -> None:
    await made(pool)
    drafts = [
        comment_draft("HELP-1", body="Use a fire extinguisher."),
        comment_draft("HELP-1", body="", attachments=(attachment("manual.pdf", b"x"),)),
    ]
    async with transaction(pool) as connection:
        first, _ = await BuiltinTracker().add_comments(connection, drafts, NOON)
    assert await found_by(pool, "extinguishers")
    assert await found_by(pool, "manual")
    async with transaction(pool) as connection:
        await connection.execute("UPDATE comment SET body = 'Foam' WHERE comment_id = %s", [first])
        await write_comment_words(connection, [first])
    assert await found_by(pool, "foam")
    assert not await found_by(pool, "extinguisher")


async def test_names_of_files_are_found_beside_the_longest_texts(pool: Pool) -> None:
    text = "flame " * 10_000
    assert len(text) == 60_000
    await made(pool, description=text, attachments=(attachment("scan_2026.pdf", b"x"),))
    draft = comment_draft("HELP-1", body=text, attachments=(attachment("manual.pdf", b"x"),))
    async with transaction(pool) as connection:
        await BuiltinTracker().add_comments(connection, [draft], NOON)
    assert await found_by(pool, "scan_2026.pdf flame")
    assert await found_by(pool, "manual.pdf flame")


async def test_texts_in_blobs_are_found_by_their_beginnings(pool: Pool) -> None:
    await made(pool, description="", description_blob="d" * 64, beginning="Flames\0 and smoke")
    drafts = [
        comment_draft("HELP-1", body="", body_blob="b" * 64, beginning="A hummingbird"),
        comment_draft("HELP-1", body="", reply_blob="c" * 64, beginning="A zeppelin"),
    ]
    async with transaction(pool) as connection:
        first, second = await BuiltinTracker().add_comments(connection, drafts, NOON)
    # Whatever writes the rows again, such as a file or a merge, keeps them.
    async with transaction(pool) as connection:
        await write_issue_words(connection, ["HELP-1"])
        await write_comment_words(connection, [first, second])
    for words in ("flame smoke", "hummingbirds", "zeppelins"):
        assert await found_by(pool, words)


async def test_a_text_in_a_blob_that_an_edit_replaced_is_not_found(pool: Pool) -> None:
    await made(pool, description="", description_blob="d" * 64, beginning="flames")
    draft = comment_draft("HELP-1", body="", reply_blob="c" * 64, beginning="zeppelin")
    async with transaction(pool) as connection:
        (comment_id,) = await BuiltinTracker().add_comments(connection, [draft], NOON)
        edited = {"description": "ashes", "description blob": None}
        await write_fields(connection, "HELP-1", "HELP", edited)
        await connection.execute("UPDATE comment SET body = 'balloon'")
        await write_comment_words(connection, [comment_id])
    assert await found_by(pool, "ashes")
    assert await found_by(pool, "balloon")
    assert not await found_by(pool, "flames or zeppelin")


async def test_a_merge_takes_the_words_of_a_text_in_a_blob_along(pool: Pool) -> None:
    drafts = [
        issue_draft(),
        issue_draft(
            summary="Smoke", description="", description_blob="d" * 64, beginning="Hummingbird"
        ),
    ]
    async with transaction(pool) as connection:
        into, merged = await BuiltinTracker().create_issues(connection, drafts, NOON)
        await merge_issue(connection, merged, into, str(uuid.uuid4()))
        # It keeps the words of the merged summary, too.
        await write_issue_words(connection, [into])
    assert await found_by(pool, "hummingbirds")
    assert await found_by(pool, "smoke")


HOSTILE = {
    # These take PostgreSQL's parser minutes if they are left as they are.
    **{unit: unit * 60_000 for unit in ("a_", "~/", "<!--", "<a ", "a-", "a.", "a@", "http://")},
    "one word": "x" * 60_000,
    "lines": "\n" * 60_000,
    "numbers": " ".join(str(number) for number in range(100_000)),
    # Words of the fewest bytes in text for the most in an index, of four bytes a letter.
    "large letters": " ".join(
        chr(0x20000 + first) + chr(0x20000 + second)
        for first in range(200)
        for second in range(200)
    ),
    "compounds": " ".join(
        "-".join(chr(0x20000 + number % 40_000 + step) for step in range(3))
        for number in range(30_000)
    ),
    "capitals": " ".join(f"Ⱥ{chr(0x4E00 + number)}" for number in range(20_000)),
    "quotes": "'\"\\" * 20_000,
    "entities": "&#12;&amp;" * 10_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_texts_are_stored_in_little_time(pool: Pool, text: str) -> None:
    start = time.monotonic()
    await made(pool, summary=text[:255], description="begin " + text, reporter_address=text[:2000])
    assert time.monotonic() - start < SECONDS
    assert await found_by(pool, "begin")
