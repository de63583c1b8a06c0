"""The message that asks an approver: what it says, and how it is answered."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from postrail.approvals.request import AtDeadline, Choice, Meaning, Rule
from postrail.approvals.token import tokens_in
from postrail.message_parts import OutgoingAttachment
from postrail.notifications.phrases import LANGUAGES
from postrail.notifications.templates.field_table import fields_html, fields_text
from tests.makers.approvals.requests import assignment
from tests.makers.records import NOON
from tests.unit.notifications.approvals.letters import NAMED, about, approver, asking

each_language = pytest.mark.parametrize("language", LANGUAGES)
LINK = re.compile(r'href="(mailto:[^"]+)"')
PREVIEW = re.compile(r'<div style="display: none[^>]*>([^<]*)</div>')


def links(html: str) -> list[str]:
    return [one.replace("&amp;", "&") for one in LINK.findall(html)]


def test_what_is_asked_comes_before_how_to_answer() -> None:
    text = asking(deadline=NOON + timedelta(days=1)).text
    assert text == (
        "--- Please reply above this line ---\n\n"
        "Hello Ana Sol,\n\n"
        "Rob Quester asks for your decision: A-12 Deploy 4.2\n\n"
        "> Environment:  production\n\n"
        "> Version 4.2 is ready.\n\n"
        "Answer 1: Approve\n"
        "Answer 2: Reject\n\n"
        "To decide, reply to this email. Begin with the words after the colon, or with the number"
        " alone; whatever you write after that is your comment.\n\n"
        "Your answer counts if it arrives before 2026-01-02 12:00 UTC. After that, the request"
        " expires.\n\n"
        "The first answer decides; 3 people are asked.\n\n"
        f"{token_line(text)}\n\n"
        "-- \n"
        "You get this email because Rob Quester asks you for a decision.\n"
    )


def token_line(text: str) -> str:
    (line,) = [line for line in text.splitlines() if tokens_in([], [], [line])]
    return line


@each_language
def test_each_answer_has_a_link_that_begins_the_reply(language: str) -> None:
    made = asking(language)
    labels = [line for line in made.text.splitlines() if re.search(r" [12]\s?[:：]", line)]
    assert len(labels) == 2
    for label, link in zip(labels, links(made.html), strict=True):
        parts = urlsplit(link)
        query = parse_qs(parts.query)
        word, blank, token, end = query["body"][0].split("\r\n")
        assert label.endswith(word)
        assert label in made.html
        assert (blank, end) == ("", "")
        assert token == token_line(made.text)
        assert query["subject"] == ["Re: [A-12] Deploy 4.2"]
        assert tokens_in([unquote(parts.path)], [], []) == tokens_in([], [], [token])


def test_named_choices_are_offered_by_their_labels() -> None:
    text = asking(choices=NAMED).text
    assert "Answer 1: Roll out in the east\n" in text
    assert "Answer 2: Roll out in the west\n" in text
    assert "Answer 3: Reject\n" in text


def test_a_choice_without_a_label_has_its_name() -> None:
    choices = [Choice(name="go"), Choice(name="stop", meaning=Meaning.REJECT)]
    assert "Answer 1: go\nAnswer 2: stop\n" in asking(choices=choices).text


def test_the_subject_names_the_request_or_its_issue_and_never_a_token() -> None:
    assert asking().subject == asking(again=True).subject == "[A-12] Deploy 4.2"
    made = asking(issue_key="HELP-7")
    assert made.subject == "[HELP-7] Deploy 4.2"
    assert "A-12 Deploy 4.2" in made.text
    assert tokens_in([], [], [made.subject]) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rule": Rule.ANY}, "The first answer decides; 3 people are asked."),
        ({"rule": Rule.ALL}, "It takes the approval of all 3 people who are asked;"),
        (
            {"rule": Rule.COUNT, "needed": 2},
            "It takes the approval of 2 of the 3 people who are asked.",
        ),
        ({"rule": Rule.ORDER}, "The 3 approvers are asked one after the other."),
        # A rule for one person says nothing.
        ({"rule": Rule.ALL, "places": 1}, "Only you are asked."),
        ({"comment_required": True}, "A rejection needs a comment"),
        ({"at_deadline": AtDeadline.REJECT}, "After that, it counts as rejected."),
        ({"at_deadline": AtDeadline.ESCALATE}, "After that, other people are asked."),
    ],
)
def test_the_terms_are_in_words(changes: dict[str, object], words: str) -> None:
    assert words in asking(**changes).text  # type: ignore[arg-type]


def test_without_a_deadline_none_is_named() -> None:
    text = asking(deadline=None).text
    assert "before" not in text
    assert "After that" not in text


def test_the_deadline_is_in_the_time_zone_of_the_reader() -> None:
    at = NOON + timedelta(hours=1)
    assert "2026-01-01 08:00 EST" in asking(deadline=at, zone="America/New_York").text
    assert "2026-01-01 13:00 UTC" in asking(deadline=at, zone="Nowhere/Land").text


def test_a_mailbox_shows_what_is_asked_beside_the_subject() -> None:
    found = PREVIEW.search(asking().html)
    assert found is not None
    assert found[1] == (
        "Rob Quester asks for your decision: A-12 Deploy 4.2 · Environment: production"
    )


def test_only_a_console_has_a_page() -> None:
    assert "https:" not in asking().html
    made = asking(page_url="https://desk.example")
    given = about()
    page = f"https://desk.example/approvals/{approver(given.request).token}"
    assert re.search(r"Decide now: https://desk\.example/approvals/1a-[a-z2-7]{26}\n", made.text)
    assert len(re.search(r"https://\S+", made.text)[0]) == len(page)  # type: ignore[index]


def test_files_are_named_with_their_sizes() -> None:
    plan = OutgoingAttachment(
        name="plan.pdf", content_type="application/pdf", sha256="a" * 64, size=12_000
    )
    assert "> Attached:     plan.pdf (12 KB)\n" in asking(attachments=[plan]).text


def test_a_delegate_reads_for_whom_they_decide() -> None:
    part = assignment(answers_for="cho@example.org", address="ana@example.org")
    assert "because you decide for cho@example.org." in asking(part=part).text


def test_a_reminder_says_all_that_the_request_says() -> None:
    same = "00000000-0000-0000-0000-000000000002"
    first, again = asking(request_id=same).text, asking(request_id=same, again=True).text
    assert "Rob Quester is still waiting for your decision: A-12 Deploy 4.2" in again
    assert again.split("\n\n")[3:] == first.split("\n\n")[3:]


def test_fields_are_aligned_also_in_wide_writings_and_with_several_lines() -> None:
    fields = [
        ("Env", "production\neast"),
        ("環境", "本番"),
        ("A label that is very long indeed", "x"),
    ]
    assert fields_text(fields) == (
        "> Env:   production\n"
        ">        east\n"
        "> 環境:  本番\n"
        "> A label that is very long indeed:\n"
        ">        x"
    )
    assert fields_text([("Empty", "")]) == "> Empty:"


def test_fields_are_a_table_of_escaped_values() -> None:
    html = fields_html([("<b>", "a & b\nc")])
    assert "&lt;b&gt;</th>" in html
    assert "a &amp; b<br>\nc</td>" in html
    assert fields_html([]) == ""
