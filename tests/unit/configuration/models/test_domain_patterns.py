"""Patterns of domains: Allegra's printed examples, what is explained, and what is warned of."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from postrail.configuration.handlers.kind import MAIL_HANDLER
from postrail.configuration.models.domain_patterns import first_match, open_ends
from postrail.configuration.models.mail_handler import MailHandler
from postrail.configuration.models.sender_filter import SENDER_FILTER, SenderFilter
from tests.makers.configuration import entry_of


def handler(**values: Any) -> MailHandler:
    return MailHandler.model_validate({"name": "h"} | values)


@pytest.mark.parametrize(
    ("pattern", "why", "remedy"),
    [
        # Allegra's three printed examples, as they are printed.
        (r"[^@\T]@bosch\.com", r"\T", r"[^@] for any character but an @"),
        (r"[^@\T]@t-online\.de | [^@\t]@computer\.org", "has a blank", "beside |"),
        (r"\W[-.\W]+\@[-.\W]+\.\W{2,3}", r"has \W", r"write \w"),
        (r"[^@]@bosch\.com | [^@]@computer\.org", "has a blank", "beside |"),
        (r"(?=@)", "look-ahead", "several patterns"),
    ],
)
def test_what_matches_no_address_is_explained(pattern: str, why: str, remedy: str) -> None:
    with pytest.raises(ValidationError) as refused:
        handler(allowed_senders=[pattern])
    assert why in str(refused.value)
    assert remedy in str(refused.value)
    with pytest.raises(ValidationError) as refused:
        SenderFilter.model_validate({"name": "f", "domains": [pattern]})
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "address", "matches"),
    [
        # Allegra's three printed examples, as they are meant.
        (r"[^@]@bosch\.com", "ann@bosch.com", True),
        (r"[^@]@bosch\.com", "ann@BOSCH.com", True),
        (r"[^@]@bosch\.com", "ann@mail.bosch.com", False),
        # Without a $ at its end, longer domains match it.
        (r"[^@]@bosch\.com", "ann@bosch.com.evil.example", True),
        (r"[^@]@bosch\.com$", "ann@bosch.com.evil.example", False),
        (r"[^@\t]@t-online\.de|[^@\t]@computer\.org", "ann@t-online.de", True),
        (r"[^@\t]@t-online\.de|[^@\t]@computer\.org", "ann@computer.org", True),
        (r"[^@\t]@t-online\.de|[^@\t]@computer\.org", "ann@example.org", False),
        (r"\w[-.\w]+\@[-.\w]+\.\w{2,3}", "ann@any.example.org", True),
        (r"\w[-.\w]+\@[-.\w]+\.\w{2,3}", "nobody", False),
        # A literal backslash before a W is none of the mistakes.
        (r"\\W", r"a\w@b.example", True),
    ],
)
def test_patterns_are_searched_for_in_the_address(
    pattern: str, address: str, matches: bool
) -> None:
    made = handler(allowed_senders=[pattern])
    assert first_match(made.allowed_senders, address) == (pattern if matches else "")


@pytest.mark.parametrize(
    ("pattern", "noted"),
    [
        (r"@bosch\.com", True),
        (r"@bosch\.com$", False),
        (r"@bosch\.com\z", False),
        (r"@bosch\.com\$", True),
        (r"@a\.example|@b\.example$", True),
        (r"@a\.example$|@b\.example$", False),
        (r"@(a|b)\.example$", False),
        (r"(@a\.example$)", False),
        (r"@(a\.example|b\.example$)", True),
        (r"@(a\.example$|b\.example)", True),
        (r"@(a\.example$|b\.example$)", False),
        (r"@((a|b)\.example$|(c\.example$))", False),
        (r"@(a\.example$)?", True),
        (r"@[a|b]\.example$", False),
        (r"@a\|b\.example$", False),
    ],
)
def test_a_missing_end_is_noted(pattern: str, noted: bool) -> None:
    found = list(open_ends("allowed_senders", [pattern]))
    assert bool(found) is noted
    for note in found:
        assert note.startswith(f"allowed_senders: {pattern} does not end with $")
    assert MAIL_HANDLER.notes is not None
    notes = MAIL_HANDLER.notes(entry_of(handler(allowed_senders=[pattern])), None)
    assert [one for one in notes if one.startswith("allowed_senders")] == found
    filters = SenderFilter(name="f", domains=[pattern])
    assert SENDER_FILTER.notes is not None
    assert bool(SENDER_FILTER.notes(entry_of(filters), None)) is noted


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ({"Ann@bosch.com": "allowed", "ann@bosch.com.evil.example": "refused"}, ""),
        ({"ann@example.org": "allowed"}, "ann@example.org matches none of allowed_senders"),
        ({"ann@bosch.com": "refused"}, r"ann@bosch.com matches @bosch\.com$"),
        ({"ann@bosch.com": "welcome"}, "'allowed' or 'refused'"),
        ({"ann": "allowed"}, "pattern"),
    ],
)
def test_sample_addresses_are_tried_when_the_handler_is_saved(
    samples: dict[str, str], problem: str
) -> None:
    values = {"allowed_senders": [r"@bosch\.com$"], "sample_addresses": samples}
    if not problem:
        assert handler(**values)
        return
    with pytest.raises(ValidationError) as refused:
        handler(**values)
    assert problem in str(refused.value)


def test_without_patterns_everybody_is_allowed() -> None:
    assert handler(sample_addresses={"ann@example.org": "allowed"})
    with pytest.raises(ValidationError) as refused:
        handler(sample_addresses={"ann@example.org": "refused"})
    assert "is allowed without allowed_senders" in str(refused.value)


def test_a_filter_names_somebody() -> None:
    with pytest.raises(ValidationError) as refused:
        SenderFilter(name="f")
    assert "addresses: is missing, and so is domains" in str(refused.value)
