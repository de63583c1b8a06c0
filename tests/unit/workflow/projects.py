"""Projects and persons for the tests of workflow."""

from __future__ import annotations

from datetime import UTC, datetime

from postrail.configuration.models.project import CustomField, IssueType, Project, Status
from postrail.people import PersonRow

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
EARLIER = datetime(2027, 1, 1, 12, tzinfo=UTC)

HELP = Project(
    key="HELP",
    name="Help desk",
    issue_types=[IssueType(name="Request"), IssueType(name="Bug", number=1)],
    statuses=[
        Status(name="New", category="to do", next_statuses=["Working", "Done"]),
        Status(name="Working", category="in progress"),
        Status(name="Signed off", category="in progress", needs_approval=True),
        Status(name="Done", category="done", next_statuses=["new", "Dropped"]),
        Status(name="Dropped", category="done", next_statuses=[]),
    ],
    components=["Printers", "Phones, fixed", "Phones"],
    fields=[
        CustomField(name="Room", kind="text"),
        CustomField(name="Cost", kind="number"),
        CustomField(name="Wanted by", kind="date"),
        CustomField(name="Severity", kind="choice", choices=["Low", "High"]),
        CustomField(name="Systems", kind="choices", choices=["SAP", "Mail", "Web"]),
        CustomField(name="Approver", kind="person"),
    ],
)

JANE = PersonRow(address="jane@example.org", addresses=("jane.doe@example.com", "jane@example.org"))
GONE = PersonRow(address="gone@example.org", addresses=("gone@example.org",), active=False)
PEOPLE = {address: person for person in (JANE, GONE) for address in person.addresses}
PRIORITIES = {1: "Highest", 2: "High", 3: "Medium", 4: "Low", 5: "Lowest"}
