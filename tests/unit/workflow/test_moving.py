"""The fields of an issue that moves from one project to another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from postrail.configuration.models.project import CustomField, IssueType, Project, Status
from postrail.workflow.moving import fields_in
from tests.unit.workflow.projects import EARLIER, HELP, NOW

SALE = Project(
    key="SALE",
    name="Sales",
    issue_types=[IssueType(name="Offer"), IssueType(name="bug")],
    statuses=[
        Status(name="Asked", category="to do"),
        Status(name="WORKING", category="in progress"),
        Status(name="Sold", category="done"),
    ],
    components=["phones", "Contracts"],
    fields=[
        CustomField(name="room", kind="text"),
        CustomField(name="Cost", kind="text"),
        CustomField(name="Wanted by", kind="date"),
        CustomField(name="Severity", kind="choice", choices=["high", "Urgent"]),
        CustomField(name="Systems", kind="choices", choices=["Web", "sap"]),
    ],
)
BARE: dict[str, Any] = {
    "type": "Request",
    "status": "New",
    "resolution": None,
    "resolved": None,
    "components": [],
}
FOUND: dict[str, Any] = {
    "type": "Offer",
    "status": "Asked",
    "resolution": None,
    "resolved": None,
    "components": [],
}
DONE = {"status": "Sold", "resolution": "Fixed", "resolved": EARLIER}


@pytest.mark.parametrize(
    ("before", "given", "expected"),
    [
        # What the target lacks: its default type, and its first status of the same category.
        ({}, {}, {}),
        ({"status": "Signed off"}, {}, {"status": "WORKING"}),
        ({"status": "Done", "resolution": "Fixed", "resolved": EARLIER}, {}, DONE),
        # Names that the target has, whatever their case, stay in its spelling.
        ({"type": "Bug", "status": "Working"}, {}, {"type": "bug", "status": "WORKING"}),
        ({"components": ["Printers", "Phones"]}, {}, {"components": ["phones"]}),
        ({"field:Room": "1.02"}, {}, {"field:room": "1.02"}),
        ({"field:Wanted by": date(2027, 2, 1)}, {}, {"field:Wanted by": date(2027, 2, 1)}),
        # A field of another kind, and choices that it has not, are left out.
        ({"field:Cost": Decimal(3)}, {}, {}),
        ({"field:Severity": "High"}, {}, {"field:Severity": "high"}),
        ({"field:Severity": "Low"}, {}, {}),
        ({"field:Systems": ["SAP", "Mail", "Web"]}, {}, {"field:Systems": ["Web", "sap"]}),
        ({"field:Systems": ["Mail"]}, {}, {}),
        # What is given comes first.
        ({"type": "Bug"}, {"type": "Offer"}, {"type": "Offer"}),
        ({}, {"status": "Sold"}, {"status": "Sold", "resolution": "Done", "resolved": NOW}),
        (
            {"status": "Done", "resolution": "Fixed", "resolved": EARLIER},
            {"status": "Asked"},
            {"status": "Asked"},
        ),
        ({"components": ["Phones"]}, {"components": ["Contracts"]}, {"components": ["Contracts"]}),
        ({"field:Room": "1.02"}, {"field:room": "2.01"}, {"field:room": "2.01"}),
    ],
)
def test_values_in_the_other_project(
    before: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert fields_in(SALE, HELP, BARE | before, given, NOW) == FOUND | expected
